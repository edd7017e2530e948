/* SPDX-License-Identifier: MIT */
/* What is promised of the future of a state: see fair.hpp. */
#include "fair.hpp"

#include <algorithm>

namespace model {

/* A leader that nobody may unseat: it sleeps, it and members that sleep under it are a quorum, and
 * nobody is in a later term. (A leader that is awake may be about to miss a quorum.) */
std::optional<FairRuns::End> FairRuns::undisturbed(const Cluster &c) const {
    const std::optional<End> leader = leader_of(c);
    if (!leader || !node(c, static_cast<unsigned>(leader->leader - 1)).asleep) {
        return std::nullopt;
    }
    const auto all = configurations(c);
    const bool kept = std::all_of(all.begin(), all.end(), [&](const driver::Configuration *conf) {
        return driver::quorum(*conf, [&](raft_id id) {
            const Node &n = node(c, static_cast<unsigned>(id - 1));
            return lives(c, id) && n.asleep && n.term == leader->term && n.leader == leader->leader;
        });
    });
    return kept ? leader : std::nullopt;
}

/* A server sleeps under a leader that leads, or is gone. */
std::string FairRuns::judge_orders(const Cluster &c) const {
    const unsigned may_campaign = campaigners(c);
    for (unsigned i = 0; i < bounds_.servers; i++) {
        if (may_campaign >> i & 1 && !node(c, i).asleep) {
            return ""; /* it wakes the others */
        }
    }
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &n = node(c, i);
        if (lives(c, i + 1) && n.asleep && lives(c, n.leader)) {
            const Node &leader = node(c, static_cast<unsigned>(n.leader - 1));
            if (!leader.leads || leader.term != n.term) {
                return describe("liveness: all sleep under a server that does not lead", c);
            }
        }
    }
    return "";
}

/* All sleep, and one is woken: without time passing, all sleep again. */
std::string FairRuns::judge_false_alarm(const Cluster &from, unsigned waker, const End &kept) {
    Cluster c = from;
    (void)take(&c, waker, Kind::kWake, 0);
    settle(&c);
    return follow(c, kept, true) ? "" : describe("liveness: a false alarm wakes the group", c);
}

/* RAFT_WAKE on one voter that may campaign wakes its group. */
std::string FairRuns::judge_wakes(const Cluster &from, const std::optional<End> &kept,
                                  bool may_sleep) {
    const unsigned may_campaign = campaigners(from);
    for (unsigned i = 0; i < bounds_.servers; i++) {
        if ((may_campaign >> i & 1) == 0) {
            continue;
        }
        const bool all_sleep = kept && from.gone == 0 && may_sleep && follow(from, *kept, true);
        /* If a member is in doubt, the leader has a deadline. */
        if (all_sleep && !node(from, static_cast<unsigned>(kept->leader - 1)).has_deadline) {
            std::string broken = judge_false_alarm(from, i, *kept);
            if (!broken.empty()) {
                return broken;
            }
        }
        Cluster c = from;
        runs_++;
        (void)take(&c, i, Kind::kWake, 0);
        settle(&c);
        const std::optional<End> end = run_with_entry(&c, may_sleep);
        if (!end) {
            return describe("liveness: RAFT_WAKE on a voter does not bring the group back", c);
        }
        if (kept && end != kept) {
            return describe("liveness: a sleeping leader is unseated after RAFT_WAKE", c);
        }
    }
    return "";
}

std::string FairRuns::judge_without(const Cluster &from, const std::vector<PacketId> &packets,
                                    bool may_sleep) {
    Cluster c = from;
    flying_ = packets;
    settle(&c);
    if (!can_decide(c)) {
        return "";
    }
    const std::optional<End> kept = may_sleep ? undisturbed(c) : std::nullopt;
    /* A leader that steps down and is told at this moment never to lead any more does not campaign, and
     * its last message may send the others to sleep. */
    std::string broken = may_sleep ? judge_orders(c) : "";
    if (broken.empty()) {
        broken = judge_wakes(c, kept, may_sleep);
    }
    const unsigned may_campaign = campaigners(c);
    bool awake = false;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &n = node(c, i);
        awake = awake || (may_campaign >> i & 1 && (!n.asleep || n.has_deadline));
    }
    if (!broken.empty() || !awake) {
        return broken;
    }
    runs_++;
    const std::optional<End> end = run_until_rest(&c, may_sleep);
    if (!end) {
        return describe("liveness: an awake voter does not bring the group back", c);
    }
    return kept && end != kept ? describe("liveness: a sleeping leader is unseated", c) : "";
}

std::string FairRuns::judge(const std::array<NodeId, kServers> &nodes,
                            const std::vector<PacketId> &packets, bool may_sleep) {
    std::string broken;
    for (unsigned gone = 0; gone <= bounds_.servers && broken.empty(); gone++) {
        const Cluster from = {nodes, gone == 0 ? 0 : 1U << (gone - 1)};
        broken = judge_without(from, {}, may_sleep);
        if (broken.empty() && !packets.empty()) {
            broken = judge_without(from, packets, may_sleep);
        }
        flying_.clear();
        if (!wrong_.empty()) {
            return wrong_;
        }
    }
    return broken;
}

std::string FairRuns::describe(const char *promise, const Cluster &c) const {
    std::string text = promise;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &n = node(c, i);
        text += "; server " + std::to_string(i + 1);
        if (!lives(c, i + 1)) {
            text += " is gone";
            continue;
        }
        text += n.leads ? " leads" : n.campaigns ? " campaigns" : " follows ";
        text += n.leads || n.campaigns ? "" : std::to_string(n.leader);
        text += " in term " + std::to_string(n.term) + ", entries " +
                std::to_string(nodes_.chains().last(n.log)) + ", committed " +
                std::to_string(nodes_.chains().last(n.committed)) +
                (n.asleep         ? ", asleep"
                 : n.has_deadline ? ", awake"
                                  : ", waits for nothing");
    }
    return text;
}

} // namespace model
