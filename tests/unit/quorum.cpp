/* SPDX-License-Identifier: MIT */
/* Every assignment for up to five servers, against the definition of a majority. */
#include "catch.hpp"
#include "state/quorum.hpp"

#include <vector>

using namespace libraft;

namespace {

struct Voter {
    Ballot ballot;
    raft_index match = 0;
    uint8_t sets = 0;
    bool yes = false;
};

/* The definition: more than half of the members of each set that has any. Outside a joint
 * change both sets are the same; a set without members never has a majority. */
template <typename Predicate>
bool majority_of_each(const std::vector<Voter> &voters, Predicate yes) {
    for (uint8_t set : {uint8_t{kNewSet}, uint8_t{kOldSet}}) {
        int members = 0;
        int agreed = 0;
        for (const Voter &v : voters) {
            members += (v.sets & set) != 0;
            agreed += (v.sets & set) != 0 && yes(v);
        }
        if (agreed * 2 <= members) {
            return false;
        }
    }
    return true;
}

raft_index committed(const std::vector<Voter> &voters, raft_index floor, raft_index top) {
    for (raft_index i = top; i > floor; --i) {
        if (majority_of_each(voters, [=](const Voter &v) { return v.match >= i; })) {
            return i;
        }
    }
    return floor;
}

/* Calls `visit` with every vector of n digits below `base`. */
template <typename Visit>
void every(size_t n, unsigned base, Visit visit) {
    std::vector<unsigned> digits(n);
    for (;;) {
        visit(digits);
        size_t i = 0;
        while (i < n && ++digits[i] == base) {
            digits[i++] = 0;
        }
        if (i == n) {
            return;
        }
    }
}

std::vector<Voter> voters_of(const std::vector<unsigned> &sets) {
    std::vector<Voter> voters;
    for (unsigned s : sets) {
        Voter v;
        v.sets = static_cast<uint8_t>(s);
        v.ballot = Ballot::of(v.sets);
        voters.push_back(v);
    }
    return voters;
}

bool askable(const std::vector<unsigned> &sets) {
    unsigned all = 0;
    for (unsigned s : sets) {
        all |= s;
    }
    return all == kBothSets;
}

} // namespace

TEST_CASE("quorum: every vote of every membership of up to five servers") {
    unsigned long cases = 0;
    unsigned long yes_cases = 0;
    for (size_t n = 1; n <= 5; ++n) {
        every(n, 4, [&](const std::vector<unsigned> &sets) {
            auto voters = voters_of(sets);
            for (unsigned mask = 0; mask < (1u << n); ++mask) {
                for (size_t i = 0; i < n; ++i) {
                    voters[i].yes = (mask >> i) & 1;
                }
                auto yes = [](const Voter &v) { return v.yes; };
                const bool expected = majority_of_each(voters, yes);
                if (has_quorum(voters, yes) != expected) {
                    FAIL("n " << n << " mask " << mask);
                }
                ++cases;
                yes_cases += expected;
            }
        });
    }
    REQUIRE(cases == 4 * 2 + 16 * 4 + 64 * 8 + 256 * 16 + 1024 * 32);
    REQUIRE(yes_cases > 1000);
    REQUIRE(yes_cases < cases);
}

TEST_CASE("quorum: every set of match indexes of up to four servers, joint or not") {
    const raft_index top = 3;
    for (size_t n = 1; n <= 4; ++n) {
        every(n, 4, [&](const std::vector<unsigned> &sets) {
            if (!askable(sets)) {
                return;
            }
            auto voters = voters_of(sets);
            every(n, top + 1, [&](const std::vector<unsigned> &matches) {
                for (size_t i = 0; i < n; ++i) {
                    voters[i].match = matches[i];
                }
                for (raft_index floor = 0; floor <= top; ++floor) {
                    CommitTally tally;
                    tally.restart(voters, floor);
                    const raft_index expected = committed(voters, floor, top);
                    const raft_index got =
                        tally.advanced(Ballot(), 0, 0) ? tally.settle(voters) : floor;
                    if (got != expected || tally.floor() != got) {
                        FAIL("commit " << got << " not " << expected);
                    }
                }
            });
        });
    }
}

/* As a leader uses it: one match index rises, the tally is asked in passing. */
TEST_CASE("quorum: every order in which four servers advance to 3") {
    for (const std::vector<unsigned> &sets : std::vector<std::vector<unsigned>>{
             {3, 3, 3, 3}, {3, 3, 3, 0}, {3, 2, 2, 1}, {1, 1, 2, 2}, {3, 0, 0, 0}, {1, 2, 3, 3}}) {
        every(7, 4, [&](const std::vector<unsigned> &order) {
            auto voters = voters_of(sets);
            CommitTally tally;
            tally.restart(voters, 0);
            raft_index commit = 0;
            for (size_t step = 0; step < order.size(); ++step) {
                Voter &v = voters[order[step]];
                if (v.match == 3) {
                    continue;
                }
                const raft_index from = v.match;
                v.match = std::min<raft_index>(3, from + 1 + step % 2);
                if (tally.advanced(v.ballot, from, v.match)) {
                    commit = tally.settle(voters);
                }
                if (commit != committed(voters, 0, 3)) {
                    FAIL("commit " << commit << " not " << committed(voters, 0, 3));
                }
            }
        });
    }
}

TEST_CASE("quorum: a ballot of no set is empty; subtracting undoes adding") {
    REQUIRE(Ballot::of(0).empty());
    for (uint8_t sets : {1, 2, 3}) {
        Ballot b = Ballot::of(sets);
        REQUIRE_FALSE(b.empty());
        b += Ballot::of(3);
        b -= Ballot::of(3);
        REQUIRE(b == Ballot::of(sets));
    }
    REQUIRE_FALSE(Ballot().is_majority_of(Ballot())); /* of nobody there is no majority */
}

TEST_CASE("quorum: only voters count, and only the majority decides") {
    const Ballot one = Ballot::of(kBothSets);
    std::vector<Voter> voters = {
        {one, 5, kBothSets}, {one, 4, kBothSets}, {one, 3, kBothSets}, {Ballot(), 9, 0}};
    CommitTally tally;
    tally.restart(voters, 0);
    REQUIRE(tally.advanced(Ballot(), 0, 9)); /* three of three are ahead of the floor */
    REQUIRE(tally.settle(voters) == 4);
    REQUIRE(tally.floor() == 4);
    REQUIRE(has_quorum(voters, [](const Voter &v) { return v.match >= 4; }));
    REQUIRE_FALSE(has_quorum(voters, [](const Voter &v) { return v.match >= 5; }));
}

TEST_CASE("quorum: ballots are compared set by set") {
    REQUIRE(Ballot::of(kNewSet) == Ballot::of(kNewSet));
    REQUIRE_FALSE(Ballot::of(kNewSet) == Ballot::of(kOldSet));
    REQUIRE_FALSE(Ballot::of(kBothSets) == Ballot());
}

TEST_CASE("quorum: a bare majority is a majority of each set without one voter more") {
    auto ballots = [](unsigned news, unsigned olds) {
        Ballot b;
        for (unsigned i = 0; i < news; ++i) {
            b += Ballot::of(kNewSet);
        }
        for (unsigned i = 0; i < olds; ++i) {
            b += Ballot::of(kOldSet);
        }
        return b;
    };
    for (unsigned n = 1; n <= 5; ++n) {
        for (unsigned o = 1; o <= 5; ++o) {
            for (unsigned i = 0; i <= n; ++i) {
                for (unsigned j = 0; j <= o; ++j) {
                    REQUIRE(ballots(i, j).is_bare_majority_of(ballots(n, o)) ==
                            (i == n / 2 + 1 && j == o / 2 + 1));
                    REQUIRE(ballots(i, j).is_majority_of(ballots(n, o)) ==
                            (2 * i > n && 2 * j > o));
                }
            }
        }
    }
}
