/* SPDX-License-Identifier: MIT */
/* What the accessors do not tell of servers that sleep: see driver::check_sleep(). */
#include "search.hpp"

#include "../driver/view.hpp"

#include <algorithm>

namespace model {
namespace {

/* How much rarer states are judged in which no leader sleeps. */
constexpr unsigned kAwake = 100;

/* Has a member everything, and would it sleep if it was told to? */
bool is_settled(const raft_peer &peer, raft_index last) {
    return peer.mode == RAFT_PROGRESS_PIPELINE && peer.match == last &&
           (peer.features & RAFT_FEATURE_SLEEP) != 0;
}

/* The message has the latest round of this leader if the answer echoes it. */
std::string judge_order(const raft_event &e, const raft_update &update) {
    const uint64_t round = e.receive.message->append_entries.round;
    for (unsigned i = 0; update.flags & RAFT_UPDATE_MESSAGES && i < update.messages.n; i++) {
        const raft_message &m = update.messages.batch[i];
        if (m.type == RAFT_APPEND_ENTRIES_RESULT && m.append_entries_result.round == round) {
            return "";
        }
    }
    return "sleep: a late message sends a server to sleep";
}

} // namespace

/* `before` has the log and the disk that the step left behind, but the answers of the accessors
 * before it. */
std::string Nodes::judge_sleep(const Node &before, struct raft *r, const raft_event &e,
                               const raft_update &update) {
    if (!observe::is_asleep(*r)) {
        return "";
    }
    if (raft_state(r) == RAFT_CANDIDATE || raft_commit_index(r) != raft_last_index(r) ||
        !before.writes.empty()) {
        return "sleep: a server sleeps although something is to be done";
    }
    if (raft_state(r) == RAFT_FOLLOWER) {
        return before.asleep ? "" : judge_order(e, update);
    }
    for (raft_id id = 1; id <= kServers && raft_timeout(r) == driver::kNoDeadline; id++) {
        struct raft_peer peer = {};
        if (id != r->id && raft_progress(r, id, &peer) == 0 && peer.mode != RAFT_PROGRESS_NONE &&
            !is_settled(peer, raft_last_index(r))) {
            return "sleep: a leader never asks a member that may lack something";
        }
    }
    return "";
}

/* A leader that leaves nobody out falls asleep after all members. (Some may be awake again.) */
std::string Search::judge_falling_asleep(const State &state, const Node &leader) const {
    for (unsigned i = 0; i < bounds_.servers && !leader.has_deadline; i++) {
        struct raft_peer peer = {};
        if (nodes_[state.nodes[i]].slept_in != leader.term &&
            raft_progress(&leader.core, i + 1, &peer) == 0 &&
            is_settled(peer, raft_last_index(&leader.core))) {
            return "sleep: a leader falls asleep before a member";
        }
    }
    return "";
}

/* Whatever happened: if nothing is lost from now on, the group recovers. */
std::string Search::judge_future(const State &state, uint32_t number) {
    bool sleeps = false;
    for (unsigned i = 0; i < bounds_.servers; i++) {
        const Node &node = nodes_[state.nodes[i]];
        sleeps = sleeps || (node.leads && node.asleep);
    }
    if (number % (sleeps ? bounds_.sleep : kAwake * bounds_.sleep) != 0) {
        return "";
    }
    std::vector<PacketId> packets;
    for (PacketId packet : state.packets) {
        if (packet != kNone) {
            packets.push_back(packet);
        }
    }
    return fair_.judge(state.nodes, packets, state.settings == bounds_.settings);
}

} // namespace model
