/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "base/random.hpp"

#include <set>
#include <vector>

using libraft::Random;

TEST_CASE("random: the sequence is fixed, equal on every platform") {
    /* Election timeouts of recorded runs depend on them: changing the generator breaks
     * replays of old seeds. */
    Random r(42);
    std::vector<uint32_t> first;
    for (int i = 0; i < 4; ++i) {
        first.push_back(r.next());
    }
    auto model = [](uint32_t &state) {
        state += 0x9e3779b9u;
        uint32_t z = state;
        z ^= z >> 16;
        z *= 0x21f0aaadu;
        z ^= z >> 15;
        z *= 0x735a2d97u;
        z ^= z >> 15;
        return z;
    };
    uint32_t state = 42;
    for (uint32_t n : first) {
        REQUIRE(n == model(state));
    }
    REQUIRE(std::set<uint32_t>(first.begin(), first.end()).size() == 4);
}

TEST_CASE("random: below() is uniform") {
    for (uint32_t bound : {1u, 2u, 3u, 7u, 10u}) {
        Random r(bound);
        std::vector<int> hits(bound);
        for (int i = 0; i < 100000; ++i) {
            uint32_t n = r.below(bound);
            REQUIRE(n < bound);
            ++hits[n];
        }
        for (int h : hits) {
            REQUIRE(h > 95000 / static_cast<int>(bound));
            REQUIRE(h < 105000 / static_cast<int>(bound) + 1);
        }
    }
    Random r(1);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(r.below(UINT32_MAX) < UINT32_MAX);
    }
}

TEST_CASE("random: a state continues its sequence; neighbouring seeds differ at once") {
    Random a(5);
    a.next();
    Random b(a.state());
    REQUIRE(a.next() == b.next());
    std::set<uint32_t> firsts;
    for (uint32_t seed = 0; seed < 1000; ++seed) {
        firsts.insert(Random(seed).next() % 1000);
    }
    REQUIRE(firsts.size() > 550); /* about 632 for even chance */
}

TEST_CASE("random: servers with equal seeds have different sequences, equal on every platform") {
    REQUIRE(Random(1, 0).state() == 0x89025cc1U);
    REQUIRE(Random(2, 42).state() == 0x32571887U);
    REQUIRE(Random(UINT64_MAX, UINT32_MAX).state() == 0xf2cbbd7bU);
    for (uint32_t seed : {0U, 1U, 42U, UINT32_MAX}) {
        std::set<uint32_t> states;
        std::set<uint32_t> timeouts;
        for (unsigned bit = 0; bit < 64; bit++) { /* each bit of the ID counts */
            states.insert(Random(1ULL << bit, seed).state());
        }
        REQUIRE(states.size() == 64);
        for (uint64_t id = 1; id <= 1000; id++) {
            timeouts.insert(Random(id, seed).below(1000));
        }
        REQUIRE(timeouts.size() > 550); /* about 632 for even chance */
    }
}
