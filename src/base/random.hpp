/* SPDX-License-Identifier: MIT */
/* The generator that randomizes election timeouts (§3.4): small, fast, and equal
 * on every platform. */
#pragma once

#include <cstdint>

namespace libraft {

class Random {
public:
    explicit Random(uint32_t seed) : state_(seed) {}

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
    uint32_t state_;
};

} // namespace libraft
