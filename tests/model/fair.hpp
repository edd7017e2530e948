/* SPDX-License-Identifier: MIT */
/* Liveness of groups that sleep. A fair run continues a state of the search: timers fire when they
 * are due, writes and messages arrive at once, nothing is lost, and some servers may be gone. It
 * depends on the state alone, so that the result of each state on its way is known, too. */
#pragma once

#include "node.hpp"

#include <array>
#include <optional>
#include <vector>

namespace model {

/* What a fair run begins with. */
struct Cluster {
    std::array<NodeId, kServers> nodes;
    unsigned gone = 0; /* servers, a bit set: they take no step any more */
    auto operator<=>(const Cluster &) const = default;
};

class FairRuns {
public:
    FairRuns(const Bounds &bounds, Nodes *nodes) : bounds_(bounds), nodes_(*nodes) {}

    /* Check all that is promised of the future of a state. Returns the promise that is broken, with
     * the state of the cluster when the run was given up; empty: none is. `packets` are in flight.
     * `may_sleep`: all servers have the settings for it. */
    std::string judge(const std::array<NodeId, kServers> &nodes,
                      const std::vector<PacketId> &packets, bool may_sleep);
    uint64_t runs() const { return runs_; }

private:
    /* The leadership at the end of a run. */
    struct End {
        raft_id leader;
        raft_term term;
        bool operator==(const End &) const = default;
    };
    using Known = std::map<Cluster, End>;
    static std::optional<End> note(Known *known, const std::vector<Cluster> &passed,
                                   std::optional<End> end);

    std::string judge_without(const Cluster &from, const std::vector<PacketId> &packets,
                              bool may_sleep);
    std::string judge_wakes(const Cluster &from, const std::optional<End> &kept, bool may_sleep);
    std::string judge_false_alarm(const Cluster &from, unsigned waker, const End &kept);
    std::string judge_orders(const Cluster &c) const;
    std::optional<End> run_until_rest(Cluster *c, bool may_sleep);
    std::optional<End> run_with_entry(Cluster *c, bool may_sleep);
    bool take(Cluster *c, unsigned server, Kind kind, uint32_t argument);
    void settle(Cluster *c);
    bool pass_time(Cluster *c);
    void fire(Cluster *c);

    const Node &node(const Cluster &c, unsigned server) const { return nodes_[c.nodes[server]]; }
    bool lives(const Cluster &c, raft_id id) const { return (c.gone >> (id - 1) & 1) == 0; }
    std::vector<const driver::Configuration *> configurations(const Cluster &c) const;
    bool can_decide(const Cluster &c) const;
    unsigned campaigners(const Cluster &c) const;
    std::optional<End> leader_of(const Cluster &c) const;
    bool follow(const Cluster &c, const End &leader, bool asleep) const;
    std::optional<End> undisturbed(const Cluster &c) const;
    bool has_all(const Cluster &c, const End &leader, Chain log) const;
    std::string describe(const char *promise, const Cluster &c) const;

    const Bounds bounds_;
    Nodes &nodes_;
    std::vector<PacketId> flying_; /* oldest first */
    std::string wrong_;            /* a step broke another property */
    Known rest_[2];                /* by `may_sleep` */
    Known entry_[2];
    uint64_t runs_ = 0;
};

} // namespace model
