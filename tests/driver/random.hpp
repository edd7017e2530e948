/* SPDX-License-Identifier: MIT */
/* Random numbers that are the same for a seed on every platform. The distributions of <random> are
 * not specified. */
#pragma once

#include <cstdint>

namespace driver {

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

    /* 0 to n - 1. */
    uint64_t below(uint64_t n) { return n == 0 ? 0 : next() % n; }

    /* low to high, both included. */
    uint64_t between(uint64_t low, uint64_t high) { return low + below(high - low + 1); }

    /* True in one of n cases. */
    bool one_in(uint64_t n) { return below(n) == 0; }
    /* True in so many of a million cases. */
    bool ppm(uint64_t n) { return next() % 1000000 < n; }
    bool percent(unsigned n) { return next() % 100 < n; }

    /* Skewed towards low, with a long tail up to high. */
    uint64_t skewed(uint64_t low, uint64_t high) {
        uint64_t span = high - low;
        uint64_t bits = below(7);
        return low + below((span >> bits) + 1);
    }

private:
    uint64_t state_;
};

} // namespace driver
