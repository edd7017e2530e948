/* SPDX-License-Identifier: MIT */
/* The generator that randomizes election timeouts (§3.4): small, fast, and equal
 * on every platform. */
#pragma once

#include <cstdint>

namespace libraft {

class Random {
public:
    explicit Random(uint32_t state) : state_(state) {}

    /* The sequence of one server. Servers with the same seed have different sequences: otherwise
     * they would time out together, and no election would ever be won (§3.4). */
    Random(uint64_t id, uint32_t seed) : state_(mix(id + (seed + 1) * 0x9e3779b97f4a7c15U)) {}

    /* A Weyl sequence through a mixing function, in the manner of SplitMix. */
    uint32_t next() {
        uint32_t z = state_ += 0x9e3779b9U;
        z = (z ^ (z >> 16)) * 0x21f0aaadU;
        z = (z ^ (z >> 15)) * 0x735a2d97U;
        return z ^ (z >> 15);
    }

    /* Evenly in [0, bound), bound > 0. */
    uint32_t below(uint32_t bound) {
        return static_cast<uint32_t>((uint64_t{next()} * bound) >> 32);
    }

    uint32_t state() const { return state_; }

private:
    /* The finalizer of SplitMix64: each bit of the result depends on all bits of `z`. */
    static uint32_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return static_cast<uint32_t>(z ^ (z >> 31));
    }

    uint32_t state_;
};

} // namespace libraft
