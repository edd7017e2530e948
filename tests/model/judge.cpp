/* SPDX-License-Identifier: MIT */
/* The safety properties of Raft (figure 3.2), checked after everything that happens. */
#include "world.hpp"

#include <algorithm>

namespace model {
namespace {

unsigned majority(unsigned n) { return n / 2 + 1; }

} // namespace

/* Is a log, as far as it goes, on the disks of a majority of each voter set? */
bool Search::durable_on_quorum(const World &world, const Node &leader, Chain log) const {
    for (uint8_t set : {libraft::kNewSet, libraft::kOldSet}) {
        unsigned voters = 0;
        unsigned have = 0;
        for (const raft_server &server : *leader.core->configuration) {
            if ((libraft::voter_sets(server.role) & set) == 0) {
                continue;
            }
            voters++;
            const Node &node = nodes_[world.nodes[server.id - 1]];
            have += nodes_.chains().is_prefix(log, node.disk) ||
                    nodes_.chains().is_prefix(log, node.snapshot);
        }
        if (have < majority(voters)) {
            return false;
        }
    }
    return true;
}

/* State machine safety, and that nothing commits that could be lost. */
std::string Search::judge_commit(World *world, const Node &before, const Node &after) const {
    const Chains &chains = nodes_.chains();
    const raft_index known = chains.last(world->committed);
    const raft_index now = chains.last(after.committed);
    if (now <= known) {
        return chains.is_prefix(after.committed, world->committed)
                   ? ""
                   : "state machine safety: two servers committed different entries";
    }
    if (!chains.is_prefix(world->committed, after.committed)) {
        return "state machine safety: two servers committed different entries";
    }
    if (!after.leads && !before.leads) {
        return "commit: a follower commits what no leader has committed";
    }
    /* A leader that steps down because it was removed commits first. */
    const Node &leader = before.leads ? before : after;
    if (!durable_on_quorum(*world, leader, after.committed)) {
        return "commit: entries are committed that are not durable on a quorum";
    }
    if (chains.link(after.committed).term != leader.term) {
        return "commit: entries of an earlier term are committed by counting";
    }
    for (raft_index i = known + 1; i <= now; i++) {
        world->committed_in[i] = static_cast<uint8_t>(leader.term);
    }
    world->committed = after.committed;
    return "";
}

/* Election safety and leader completeness. */
std::string Search::judge_leader(World *world, unsigned server, const Node &after) const {
    const Chains &chains = nodes_.chains();
    uint8_t &leader = world->leaders[after.term];
    if (leader != 0 && leader != server + 1) {
        return "election safety: two leaders in term " + std::to_string(after.term);
    }
    leader = static_cast<uint8_t>(server + 1);
    for (raft_index i = 1; i <= chains.last(world->committed); i++) {
        if (world->committed_in[i] < after.term &&
            (chains.last(after.log) < i ||
             chains.at(after.log, i) != chains.at(world->committed, i))) {
            return "leader completeness: a leader lacks committed entry " + std::to_string(i);
        }
    }
    return "";
}

/* A read sees all that was committed when it was asked for, and nothing that is not. */
std::string Search::judge_reads(World *world, const Outcome &outcome, const Node &after) const {
    for (const raft_read &read : outcome.reads) {
        uint8_t &floor = world->read_floor[read.id - 1];
        if (floor == 0) {
            return "reads: an answer that nobody waits for";
        }
        if (read.status == 0 && read.index + 1 < floor) {
            return "reads: answered behind what was committed when it was asked for";
        }
        if (read.status == 0 && read.index > nodes_.chains().last(after.committed)) {
            return "reads: answered before its index is committed";
        }
        floor = 0;
    }
    return "";
}

/* What only the lost servers had is no longer committed; what a survivor has applied must be. */
std::string Search::judge_recovery(World *world, const Node &best) const {
    const Chains &chains = nodes_.chains();
    while (!chains.is_prefix(world->committed, best.log)) {
        world->committed_in[chains.last(world->committed)] = 0;
        world->committed = chains.link(world->committed).previous;
    }
    for (raft_term term = best.term + 1; term <= kHighestTerm; term++) {
        world->leaders[term] = 0;
    }
    world->read_floor.fill(0);
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &node = nodes_[world->nodes[i]];
        if ((world->lost >> i & 1) == 0 && !chains.is_prefix(node.committed, world->committed)) {
            return "recovery: what a survivor has applied is lost";
        }
    }
    return "";
}

/* Whoever receives entries of its term follows, and commits what its leader has of them. */
std::string Search::judge_follower(const Action &action, const Node &after) const {
    const Packet &packet = nodes_.packet(action.argument);
    const raft_append_entries &a = packet.message.append_entries;
    if (packet.message.type != RAFT_APPEND_ENTRIES || a.term != after.term) {
        return "";
    }
    if (after.campaigns || after.leads) {
        return "following: a candidate ignores the leader of its term";
    }
    const raft_index last = a.prev_log_index + a.n_entries;
    const bool matches = nodes_.chains().at(after.log, last) == packet.log;
    if (matches && nodes_.chains().last(after.committed) < std::min(a.leader_commit, last)) {
        return "following: what the leader has committed is not";
    }
    return "";
}

/* At most one change is uncommitted, and none comes before something of the leader's term is. */
std::string Search::judge_change(const Node &before) const {
    const Chains &chains = nodes_.chains();
    if (chains.link(before.committed).term != before.term) {
        return "membership: a change before anything of the leader's term is committed";
    }
    return nodes_.configuration_index(before.log) <= chains.last(before.committed)
               ? ""
               : "membership: a change while another is not committed";
}

std::string Search::judge(World *world, const Action &action, NodeId before_id) const {
    const Chains &chains = nodes_.chains();
    const Node &before = nodes_[before_id];
    const Node &after = nodes_[world->nodes[action.server]];
    if (after.term < before.term && action.kind != Kind::kCrash) {
        return "terms rise";
    }
    if (after.term == before.term && before.vote != 0 && after.vote != before.vote &&
        action.kind != Kind::kCrash) {
        return "one vote per term";
    }
    if (action.kind != Kind::kCrash &&
        chains.last(after.committed) < chains.last(before.committed)) {
        return "commit: the commit index falls";
    }
    if (after.leads && before.leads && before.term == after.term &&
        !chains.is_prefix(before.log, after.log)) {
        return "leader append-only";
    }
    std::string broken = after.leads ? judge_leader(world, action.server, after) : "";
    if (broken.empty() && action.kind == Kind::kDeliver) {
        broken = judge_follower(action, after);
    }
    if (broken.empty() && action.kind == Kind::kChange) {
        broken = judge_change(before);
    }
    if (!broken.empty()) {
        return broken;
    }
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &other = nodes_[world->nodes[i]];
        const bool lost = world->recovered && world->lost >> i & 1;
        if (i != action.server && !lost &&
            (mismatch(chains, after.log, other.log) != 0 ||
             mismatch(chains, after.disk, other.disk) != 0)) {
            return "log matching";
        }
    }
    return judge_commit(world, before, after);
}

} // namespace model
