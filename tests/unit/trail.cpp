/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "random.hpp"
#include "trail.hpp"

#include <map>

using namespace libraft;

namespace {

/* A reference model with one element per entry. */
struct Model {
    raft_index first = 1;
    raft_index last = 0;
    std::map<raft_index, raft_term> terms; /* with that of the entry before the first, if known */

    raft_term term_of(raft_index i) const {
        auto at = terms.find(i);
        return at == terms.end() ? 0 : at->second;
    }
    raft_index last_agreeable(raft_index index, raft_term term) const {
        index = std::min(index, last);
        while (term_of(index) > term) {
            --index;
        }
        return index;
    }
};

void compare(const Trail &trail, const Model &model, raft_term top) {
    REQUIRE(trail.first() == model.first);
    REQUIRE(trail.last() == model.last);
    REQUIRE(trail.last_term() == model.term_of(model.last));
    for (raft_index i = 0; i <= model.last + 2; ++i) {
        if (trail.term_of(i) != model.term_of(i)) {
            FAIL("term of " << i << ": " << trail.term_of(i) << " not " << model.term_of(i));
        }
    }
    for (raft_index i = model.first; i <= model.last + 2; ++i) {
        for (raft_term t = 0; t <= top + 1; ++t) {
            if (trail.last_agreeable(i, t) != model.last_agreeable(i, t)) {
                FAIL("agreeable with " << i << "/" << t << ": " << trail.last_agreeable(i, t)
                                       << " not " << model.last_agreeable(i, t));
            }
        }
    }
}

} // namespace

TEST_CASE("trail: equals a log of terms after random operations") {
    for (uint32_t seed = 0; seed < 300; ++seed) {
        Random random(seed);
        Trail trail;
        Model model;
        raft_term term = 1;
        for (int i = 0; i < 60; ++i) {
            switch (random.below(6)) {
                case 0:
                    if (model.last >= model.first) { /* truncate */
                        raft_index from =
                            model.first +
                            random.below(static_cast<uint32_t>(model.last - model.first + 1));
                        trail.truncate(from);
                        model.terms.erase(model.terms.lower_bound(from), model.terms.end());
                        model.last = from - 1;
                        break;
                    }
                    [[fallthrough]];
                case 1: { /* compact, keeping the last compacted term */
                    raft_index first =
                        model.first +
                        random.below(static_cast<uint32_t>(model.last - model.first + 2));
                    trail.compact(first);
                    if (first > model.first) {
                        model.terms.erase(model.terms.begin(), model.terms.lower_bound(first - 1));
                        model.first = first;
                    }
                    break;
                }
                case 2:
                    if (random.below(6) == 0) { /* a snapshot replaces the log */
                        raft_index index = model.last + random.below(10);
                        raft_term known = index == 0 ? 0 : std::max(term, raft_term{1});
                        REQUIRE(trail.reserve(1));
                        trail.reset(index, known);
                        model.terms.clear();
                        if (known != 0) {
                            model.terms[index] = known;
                        }
                        model.last = index;
                        model.first = index + 1;
                        break;
                    }
                    [[fallthrough]];
                default: {
                    term = std::max(term + random.below(3), trail.last_term());
                    raft_index n = 1 + random.below(4);
                    REQUIRE(trail.reserve(1));
                    trail.append(term, n);
                    for (; n > 0; --n) {
                        model.terms[++model.last] = term;
                    }
                }
            }
            compare(trail, model, term);
        }
    }
}

TEST_CASE("trail: ten million entries of three terms need the memory of three runs") {
    Trail trail;
    REQUIRE(trail.reserve(3));
    for (raft_term term : {1, 5, 9}) {
        trail.append(term, 10000000);
    }
    REQUIRE(trail.last() == 30000000);
    REQUIRE(trail.term_of(10000000) == 1);
    REQUIRE(trail.term_of(10000001) == 5);
    REQUIRE(trail.term_of(30000000) == 9);
    REQUIRE(trail.last_agreeable(30000000, 8) == 20000000);
    REQUIRE(sizeof(Trail) <= 64);
}

TEST_CASE("trail: compacting an empty range changes nothing") {
    Trail trail;
    REQUIRE(trail.first() == 1);
    REQUIRE(trail.last() == 0);
    REQUIRE(trail.last_term() == 0);
    REQUIRE(trail.reserve(1));
    trail.append(2, 5);
    trail.compact(1);
    REQUIRE(trail.first() == 1);
    trail.compact(6);
    REQUIRE(trail.first() == 6);
    REQUIRE(trail.term_of(5) == 2);
    trail.compact(3);
    REQUIRE(trail.first() == 6);
}

TEST_CASE("trail: truncating past its end changes nothing") {
    Trail trail;
    REQUIRE(trail.reserve(0));
    trail.truncate(1);
    REQUIRE(trail.last() == 0);
    REQUIRE(trail.reserve(2));
    trail.append(1, 3);
    trail.append(2, 2);
    trail.truncate(6);
    REQUIRE(trail.last() == 5);
    REQUIRE(trail.last_term() == 2);
}

TEST_CASE("trail: before its first entry every position may match (§3.5)") {
    Trail trail;
    REQUIRE(trail.last_agreeable(7, 1) == 0);
    REQUIRE(trail.reserve(2));
    trail.reset(10, 0);
    trail.append(5, 4);
    REQUIRE(trail.last_agreeable(8, 1) == 8);
    REQUIRE(trail.last_agreeable(12, 5) == 12);
    REQUIRE(trail.last_agreeable(12, 4) == 10);
}
