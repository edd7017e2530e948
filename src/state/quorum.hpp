/* SPDX-License-Identifier: MIT */
/* Majorities of one voter set, or of two sets during a joint change (§4.3).
 *
 * The voters of both sets are counted in one number, the new set in the low half and the old set
 * in the high half. Outside a joint change the two sets are equal, so that no decision needs to
 * distinguish the two cases. */
#pragma once

#include <raft.h>

#include <cstdint>

namespace libraft {

/* The voter sets that a role belongs to. Outside a joint change every voter belongs to both sets,
 * so that every decision needs a majority of each. */
enum : uint8_t { kNewSet = 1, kOldSet = 2, kBothSets = 3 };

inline uint8_t voter_sets(int role) {
    switch (role) {
        case RAFT_VOTER:
            return kBothSets;
        case RAFT_VOTER_INCOMING:
            return kNewSet;
        case RAFT_VOTER_OUTGOING:
        case RAFT_VOTER_TO_STANDBY:
        case RAFT_VOTER_TO_SPARE:
            return kOldSet;
        default:
            return 0;
    }
}

class Ballot {
public:
    constexpr Ballot() = default;
    static constexpr Ballot of(uint8_t sets) {
        return Ballot((sets & kNewSet ? 1U : 0U) + (sets & kOldSet ? 1ULL << 32 : 0U));
    }
    constexpr Ballot &operator+=(Ballot other) {
        bits_ += other.bits_;
        return *this;
    }
    constexpr Ballot &operator-=(Ballot other) {
        bits_ -= other.bits_;
        return *this;
    }
    constexpr bool operator==(const Ballot &) const = default;
    constexpr bool empty() const { return bits_ == 0; }

    /* More than half of `all`, in each set. */
    constexpr bool is_majority_of(Ballot all) const {
        return low() * 2 > all.low() && high() * 2 > all.high();
    }
    /* A majority of each set, and not one voter more. */
    constexpr bool is_bare_majority_of(Ballot all) const {
        return low() == all.low() / 2 + 1 && high() == all.high() / 2 + 1;
    }

private:
    explicit constexpr Ballot(uint64_t bits) : bits_(bits) {}
    constexpr uint64_t low() const { return bits_ & UINT32_MAX; }
    constexpr uint64_t high() const { return bits_ >> 32; }

    uint64_t bits_ = 0;
};

/* Do the voters that satisfy the predicate form a majority of each set? Each voter has a
 * member `ballot`, which is empty if it does not vote. */
template <class Voters, class Predicate>
bool has_quorum(const Voters &voters, Predicate yes) {
    Ballot all;
    Ballot agreed;
    for (const auto &voter : voters) {
        all += voter.ballot;
        if (!voter.ballot.empty() && yes(voter)) {
            agreed += voter.ballot;
        }
    }
    return agreed.is_majority_of(all);
}

/* The highest index that a majority of each set has reached (§3.5), computed incrementally: each
 * voter's progress is counted once, and the voters are examined only when the index rises. Each
 * voter has the members `ballot` and `match`. */
class CommitTally {
public:
    raft_index floor() const { return floor_; }

    /* Count anew. Indexes at or below the floor do not count. */
    template <class Voters>
    void restart(const Voters &voters, raft_index floor) {
        floor_ = floor;
        all_ = ahead_ = Ballot();
        for (const auto &voter : voters) {
            all_ += voter.ballot;
            if (voter.match > floor) {
                ahead_ += voter.ballot;
            }
        }
    }

    /* A voter's match index rose. Returns whether the quorum's index rose, too. */
    bool advanced(Ballot voter, raft_index from, raft_index to) {
        if (from <= floor_ && to > floor_) {
            ahead_ += voter;
        }
        return ahead_.is_majority_of(all_);
    }

    /* All voters. */
    Ballot all() const { return all_; }

    /* The new index, after advanced() returned true. It becomes the floor. */
    template <class Voters>
    raft_index settle(const Voters &voters) {
        raft_index index =
            ahead_.is_bare_majority_of(all_) ? slowest_ahead(voters) : highest_agreed(voters);
        floor_ = index;
        ahead_ = Ballot();
        for (const auto &voter : voters) {
            if (voter.match > index) {
                ahead_ += voter.ballot;
            }
        }
        return index;
    }

private:
    /* The slowest voter of a bare majority decides. */
    template <class Voters>
    raft_index slowest_ahead(const Voters &voters) const {
        raft_index slowest = UINT64_MAX;
        for (const auto &voter : voters) {
            if (voter.match > floor_ && voter.match < slowest && !voter.ballot.empty()) {
                slowest = voter.match;
            }
        }
        return slowest;
    }

    template <class Voters>
    raft_index highest_agreed(const Voters &voters) const {
        raft_index best = floor_;
        for (const auto &voter : voters) {
            raft_index candidate = voter.match;
            if (candidate > best && !voter.ballot.empty() &&
                has_quorum(voters, [=](const auto &v) { return v.match >= candidate; })) {
                best = candidate;
            }
        }
        return best;
    }

    raft_index floor_ = 0;
    Ballot all_;
    Ballot ahead_;
};

} // namespace libraft
