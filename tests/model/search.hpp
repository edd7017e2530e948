/* SPDX-License-Identifier: MIT */
/* A cluster of a few servers, and the search through all that can happen in it within bounds. */
#pragma once

#include "fair.hpp"

#include <array>
#include <deque>
#include <optional>
#include <string>

namespace model {

constexpr unsigned kMostMessages = 6;
constexpr unsigned kHighestTerm = 7;
constexpr unsigned kLongestLog = 9;
constexpr PacketId kNone = UINT32_MAX; /* no message */

/* A state of the cluster. Compared bit for bit: it has no padding, and nothing in it is unset. */
struct State {
    std::array<NodeId, kServers> nodes;
    std::array<PacketId, kMostMessages> packets;   /* in flight, ascending, then UINT32_MAX */
    Chain committed;                               /* the longest log that any server committed */
    std::array<uint8_t, kHighestTerm + 1> leaders; /* by terms_until(), 0: none */
    std::array<uint8_t, kLongestLog + 1> committed_in; /* by index: the term of the leader */
    uint8_t crashes;
    uint8_t submissions;
    uint8_t duplicates;
    uint8_t changes;
    uint8_t transfers;
    uint8_t timeouts;
    uint8_t snapshots;
    uint8_t reads;
    uint8_t lost; /* servers that are lost: a bit set */
    uint8_t recovered;
    std::array<uint8_t, kMostReads> read_floor; /* by ID, from 1: entries committed when it was
                                                   asked for, and one; 0: not waiting */
    uint8_t cuts;
    uint8_t unreachables;
    uint8_t campaigns;
    uint8_t settings;
    uint8_t wipes;
    uint8_t wakes;
};
static_assert(sizeof(State) ==
              4 * (kServers + kMostMessages + 1) + kHighestTerm + kLongestLog + 20);
static_assert(std::has_unique_object_representations_v<State>);

/* One transition. */
struct Action {
    Kind kind;
    uint8_t server; /* from 0 */
    uint8_t loss;   /* kDeliver: the message gets lost instead */
    uint8_t keep;   /* kDeliver: a duplicate stays in flight */
    uint32_t argument;
};

class Search {
public:
    Search(const Bounds &bounds, Fault fault);

    /* Until all states are explored, a property is broken or there are too many states. */
    void run(uint64_t most_states);

    /* The property that was broken first, empty: none. */
    const std::string &broken() const { return broken_; }
    /* What happened until then, one line for each action. */
    std::string path() const;
    bool exhausted() const { return frontier_.empty() && broken_.empty(); }

    uint64_t states() const { return reached_.size(); }
    uint64_t transitions() const { return transitions_; }
    uint64_t beyond() const { return beyond_; }
    unsigned depth() const { return depth_; }
    unsigned committed() const { return committed_; }
    /* Reads answered, snapshots installed, recoveries: transitions that were any of these. */
    uint64_t answered() const { return answered_; }
    uint64_t installed() const { return installed_; }
    uint64_t recoveries() const { return recoveries_; }
    uint64_t handed_over() const { return handed_over_; }
    uint64_t happened(Kind kind) const { return happened_[static_cast<size_t>(kind)]; }
    uint64_t noticed() const { return noticed_; } /* losses of data, by a leader */
    uint64_t slept() const { return slept_; }     /* leaders that fell asleep */
    uint64_t woken() const { return woken_; }     /* servers that woke up */
    const Nodes &nodes() const { return nodes_; }
    uint64_t fair_runs() const { return fair_.runs(); }

private:
    struct Origin {
        uint32_t parent;
        Action action;
    };
    struct Waiting {
        State state;
        uint32_t number;
        unsigned depth;
    };

    void expand(const Waiting &from);
    void expand_server(const Waiting &from, uint8_t server);
    void expand_leader(const Waiting &from, uint8_t server);
    bool can_be_wiped(const State &state, uint8_t server) const;
    void expand_operator(const Waiting &from);
    void recover(const Waiting &from, bool kept);
    bool take(State *state, const Action &action, const Outcome &outcome);
    void expand_packets(const Waiting &from);
    void act(const Waiting &from, const Action &action);
    bool spend(State *state, const Action &action) const;
    bool send(State *state, const std::vector<PacketId> &packets) const;
    void arrive(const State &state, const Waiting &from, const Action &action);
    std::string judge(State *state, const Action &action, NodeId before) const;
    std::string judge_future(const State &state, uint32_t number);
    std::string judge_falling_asleep(const State &state, const Node &leader) const;
    std::string judge_follower(const Action &action, const Node &after) const;
    std::string judge_change(const Node &before) const;
    std::string judge_reads(State *state, const Outcome &outcome, const Node &after) const;
    std::string judge_recovery(State *state, const Node &best,
                               const std::vector<Chain> &applied) const;
    std::string judge_commit(State *state, const Node &before, const Node &after) const;
    std::string judge_leader(State *state, unsigned server, const Node &after) const;
    bool durable_on_quorum(const State &state, const Node &leader, Chain log) const;
    std::string describe(const Action &action) const;

    const Bounds bounds_;
    const Fault fault_;
    Nodes nodes_;
    FairRuns fair_;
    std::deque<Waiting> frontier_;
    std::vector<Origin> reached_;       /* how each state was reached first */
    std::vector<observe::Digest> seen_; /* a hash table; open addressing */
    uint64_t transitions_ = 0;
    uint64_t beyond_ = 0; /* transitions that leave the bounds */
    unsigned depth_ = 0;
    unsigned committed_ = 0; /* most entries */
    uint64_t answered_ = 0, installed_ = 0, recoveries_ = 0, handed_over_ = 0, noticed_ = 0;
    uint64_t slept_ = 0, woken_ = 0;
    std::array<uint64_t, static_cast<size_t>(Kind::kKinds)> happened_ = {};
    std::string broken_;
};

} // namespace model
