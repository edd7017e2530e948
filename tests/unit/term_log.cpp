/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "base/random.hpp"
#include "state/term_log.hpp"

#include <map>

using namespace libraft;

namespace {

/* The same, an entry at a time. */
struct Model {
    raft_index first = 1;
    raft_index last = 0;
    std::map<raft_index, raft_term> terms; /* with the one before the first, if known */

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

void compare(const TermLog &log, const Model &model, raft_term top) {
    REQUIRE(log.first() == model.first);
    REQUIRE(log.last() == model.last);
    REQUIRE(log.last_term() == model.term_of(model.last));
    for (raft_index i = 0; i <= model.last + 2; ++i) {
        if (log.term_of(i) != model.term_of(i)) {
            FAIL("term of " << i << ": " << log.term_of(i) << " not " << model.term_of(i));
        }
    }
    for (raft_index i = model.first; i <= model.last + 2; ++i) {
        for (raft_term t = 0; t <= top + 1; ++t) {
            if (log.last_agreeable(i, t) != model.last_agreeable(i, t)) {
                FAIL("agreeable with " << i << "/" << t << ": " << log.last_agreeable(i, t)
                                       << " not " << model.last_agreeable(i, t));
            }
        }
    }
}

} // namespace

TEST_CASE("term log: agrees with a plain list of terms after random operations") {
    for (uint32_t seed = 0; seed < 300; ++seed) {
        Random random(seed);
        TermLog log;
        Model model;
        raft_term term = 1;
        for (int i = 0; i < 60; ++i) {
            switch (random.below(6)) {
                case 0:
                    if (model.last >= model.first) { /* drop a tail */
                        raft_index from =
                            model.first +
                            random.below(static_cast<uint32_t>(model.last - model.first + 1));
                        log.truncate(from);
                        model.terms.erase(model.terms.lower_bound(from), model.terms.end());
                        model.last = from - 1;
                        break;
                    }
                    [[fallthrough]];
                case 1: { /* forget a head, remembering the last term of it */
                    raft_index first =
                        model.first +
                        random.below(static_cast<uint32_t>(model.last - model.first + 2));
                    log.compact(first);
                    if (first > model.first) {
                        model.terms.erase(model.terms.begin(), model.terms.lower_bound(first - 1));
                        model.first = first;
                    }
                    break;
                }
                case 2:
                    if (random.below(6) == 0) { /* a snapshot replaces all */
                        raft_index index = model.last + random.below(10);
                        raft_term known = index == 0 ? 0 : std::max(term, raft_term{1});
                        REQUIRE(log.reserve(1));
                        log.reset(index, known);
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
                    term = std::max(term + random.below(3), log.last_term());
                    raft_index n = 1 + random.below(4);
                    REQUIRE(log.reserve(1));
                    log.append(term, n);
                    for (; n > 0; --n) {
                        model.terms[++model.last] = term;
                    }
                }
            }
            compare(log, model, term);
        }
    }
}

TEST_CASE("term log: ten million entries of three terms take three runs") {
    TermLog log;
    REQUIRE(log.reserve(3));
    for (raft_term term : {1, 5, 9}) {
        log.append(term, 10000000);
    }
    REQUIRE(log.last() == 30000000);
    REQUIRE(log.term_of(10000000) == 1);
    REQUIRE(log.term_of(10000001) == 5);
    REQUIRE(log.term_of(30000000) == 9);
    REQUIRE(log.last_agreeable(30000000, 8) == 20000000);
    REQUIRE(sizeof(TermLog) <= 64);
}

TEST_CASE("term log: compacting before the first entry changes nothing") {
    TermLog log;
    REQUIRE(log.first() == 1);
    REQUIRE(log.last() == 0);
    REQUIRE(log.last_term() == 0);
    REQUIRE(log.reserve(1));
    log.append(2, 5);
    log.compact(1);
    REQUIRE(log.first() == 1);
    log.compact(6);
    REQUIRE(log.first() == 6);
    REQUIRE(log.term_of(5) == 2);
    log.compact(3);
    REQUIRE(log.first() == 6);
}

TEST_CASE("term log: truncating after the last entry changes nothing") {
    TermLog log;
    REQUIRE(log.reserve(0));
    log.truncate(1);
    REQUIRE(log.last() == 0);
    REQUIRE(log.reserve(2));
    log.append(1, 3);
    log.append(2, 2);
    log.truncate(6);
    REQUIRE(log.last() == 5);
    REQUIRE(log.last_term() == 2);
}

TEST_CASE("term log: indexes before the first entry may agree (§3.5)") {
    TermLog log;
    REQUIRE(log.last_agreeable(7, 1) == 0);
    REQUIRE(log.reserve(2));
    log.reset(10, 0);
    log.append(5, 4);
    REQUIRE(log.last_agreeable(8, 1) == 8);
    REQUIRE(log.last_agreeable(12, 5) == 12);
    REQUIRE(log.last_agreeable(12, 4) == 10);
}
