/* SPDX-License-Identifier: MIT */
/* The safety properties of Raft across servers (figure 3.2), checked after every transition.
 * Those of one step are checked by tests/driver (node.cpp). The judge of tests/driver is not
 * used, because it remembers the history of one run, whereas a search has many histories for a
 * state. */
#include "search.hpp"

#include <algorithm>

namespace model {
/* Is a log, as far as it goes, on the disks of a majority of each voter set? */
bool Search::durable_on_quorum(const State &state, const Node &leader, Chain log) const {
    raft_configuration conf = {};
    return raft_configuration_at(&leader.core, raft_last_index(&leader.core), &conf, nullptr) ==
               0 &&
           quorum(driver::Configuration(conf), [&](raft_id id) {
               const Node &node = nodes_[state.nodes[id - 1]];
               return nodes_.chains().is_prefix(log, node.disk) ||
                      nodes_.chains().is_prefix(log, node.snapshot);
           });
}

/* State machine safety, and that only durable entries are committed. */
std::string Search::judge_commit(State *state, const Node &before, const Node &after) const {
    const Chains &chains = nodes_.chains();
    const raft_index known = chains.last(state->committed);
    const raft_index now = chains.last(after.committed);
    if (now <= known) {
        return chains.is_prefix(after.committed, state->committed)
                   ? ""
                   : "state machine safety: two servers committed different entries";
    }
    if (!chains.is_prefix(state->committed, after.committed)) {
        return "state machine safety: two servers committed different entries";
    }
    if (!after.leads && !before.leads) {
        return "commit: a follower commits what no leader has committed";
    }
    /* A leader that steps down because it was removed commits first. */
    const Node &leader = before.leads ? before : after;
    if (!durable_on_quorum(*state, leader, after.committed)) {
        return "commit: entries are committed that are not durable on a quorum";
    }
    if (chains.link(after.committed).term != leader.term) {
        return "commit: entries of an earlier term are committed by counting";
    }
    for (raft_index i = known + 1; i <= now; i++) {
        state->committed_in[i] = static_cast<uint8_t>(terms_until(leader.term));
    }
    state->committed = after.committed;
    return "";
}

/* Election safety and leader completeness. */
std::string Search::judge_leader(State *state, unsigned server, const Node &after) const {
    const Chains &chains = nodes_.chains();
    uint8_t &leader = state->leaders[terms_until(after.term)];
    if (leader != 0 && leader != server + 1) {
        return "election safety: two leaders in term " + std::to_string(after.term);
    }
    leader = static_cast<uint8_t>(server + 1);
    for (raft_index i = 1; i <= chains.last(state->committed); i++) {
        if (state->committed_in[i] < terms_until(after.term) &&
            (chains.last(after.log) < i ||
             chains.at(after.log, i) != chains.at(state->committed, i))) {
            return "leader completeness: a leader lacks committed entry " + std::to_string(i);
        }
    }
    return "";
}

/* A read is answered at an index that is committed, and not below what was committed when it was
 * asked for. */
std::string Search::judge_reads(State *state, const Outcome &outcome, const Node &after) const {
    for (const raft_read &read : outcome.reads) {
        uint8_t &floor = state->read_floor[read.id - 1];
        if (floor == 0) {
            return "reads: an answer to a read that is not pending";
        }
        if (read.status == 0 && read.index + 1 < floor) {
            return "reads: answered at an index below what was committed when it was asked for";
        }
        if (read.status == 0 && read.index > nodes_.chains().last(after.committed)) {
            return "reads: answered before its index is committed";
        }
        floor = 0;
    }
    return "";
}

/* Entries that only the lost servers had are no longer committed. Entries that a survivor has
 * applied must be: before it stopped, for a restart forgets the commit index. */
std::string Search::judge_recovery(State *state, const Node &best,
                                   const std::vector<Chain> &applied) const {
    const Chains &chains = nodes_.chains();
    while (!chains.is_prefix(state->committed, best.log)) {
        state->committed_in[chains.last(state->committed)] = 0;
        state->committed = chains.link(state->committed).previous;
    }
    for (unsigned term = terms_until(best.term) + 1; term <= kHighestTerm; term++) {
        state->leaders[term] = 0;
    }
    state->read_floor.fill(0);
    const bool kept = std::all_of(applied.begin(), applied.end(),
                                  [&](Chain c) { return chains.is_prefix(c, state->committed); });
    return kept ? "" : "recovery: what a survivor has applied is lost";
}

/* A server that receives entries of its own term becomes a follower, and commits those of them that
 * the leader has committed. */
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
        return "following: an entry that the leader has committed is not committed";
    }
    return "";
}

/* At most one change is uncommitted, and none comes before an entry of the leader's term is
 * committed. */
std::string Search::judge_change(const Node &before) const {
    const Chains &chains = nodes_.chains();
    if (chains.link(before.committed).term != before.term) {
        return "membership: a change before an entry of the leader's term is committed";
    }
    return nodes_.configuration_index(before.log) <= chains.last(before.committed)
               ? ""
               : "membership: a change while another is not committed";
}

std::string Search::judge(State *state, const Action &action, NodeId before_id) const {
    const Chains &chains = nodes_.chains();
    const Node &before = nodes_[before_id];
    const Node &after = nodes_[state->nodes[action.server]];
    if (after.leads && before.leads && before.term == after.term &&
        !chains.is_prefix(before.log, after.log)) {
        return "leader append-only";
    }
    std::string broken = after.leads ? judge_leader(state, action.server, after) : "";
    if (broken.empty() && action.kind == Kind::kDeliver) {
        broken = judge_follower(action, after);
    }
    if (broken.empty() && after.leads && after.asleep && !before.asleep) {
        broken = judge_falling_asleep(*state, after);
    }
    if (broken.empty() && action.kind == Kind::kChange) {
        broken = judge_change(before);
    }
    if (!broken.empty()) {
        return broken;
    }
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &other = nodes_[state->nodes[i]];
        const bool lost = state->recovered && state->lost >> i & 1;
        if (i != action.server && !lost &&
            (mismatch(chains, after.log, other.log) != 0 ||
             mismatch(chains, after.disk, other.disk) != 0)) {
            return "log matching";
        }
    }
    return judge_commit(state, before, after);
}

} // namespace model
