/* SPDX-License-Identifier: MIT */
/* Sleeping groups: who falls asleep, what wakes a server, and what it sends meanwhile. By the
 * accessors alone. */
#include "judge_step.hpp"

#include "message.hpp"

#include <algorithm>

namespace driver {
namespace {

[[noreturn]] void broken(const raft_event &e, const char *what) {
    throw Violation("sleep", format("event %d: %s", e.type, what));
}

const raft_message *received(const raft_event &e, raft_message_type type) {
    const raft_message *m = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    return m != nullptr && is(*m, type) ? m : nullptr;
}

/* A heartbeat that sends its receiver to sleep, if that has everything. */
bool sends_to_sleep(const raft_event &e) {
    const raft_message *m = received(e, RAFT_APPEND_ENTRIES);
    return m != nullptr && m->append_entries.version >= 2 && load(m->append_entries.sleep) &&
           m->append_entries.n_entries == 0;
}

/* An answer to such a heartbeat: it acknowledges everything. */
bool confirms_sleep(const View &before, const raft_event &e) {
    const raft_message *m = received(e, RAFT_APPEND_ENTRIES_RESULT);
    if (m == nullptr) {
        return false;
    }
    const raft_append_entries_result &r = m->append_entries_result;
    return r.term == before.term && r.version >= 3 && r.round != 0 && r.rejected == 0 &&
           r.last_log_index >= before.last && (r.features & RAFT_FEATURE_SLEEP) != 0;
}

bool asks_for_something(raft_event_type type) {
    return type == RAFT_SUBMIT || type == RAFT_READ || type == RAFT_RECONFIGURE ||
           type == RAFT_CATCH_UP || type == RAFT_TRANSFER || type == RAFT_RECOVER ||
           type == RAFT_BOOTSTRAP || type == RAFT_CAMPAIGN;
}

bool is_sent(const raft_update &u, raft_id to) {
    const auto messages = messages_of(u);
    return std::any_of(messages.begin(), messages.end(),
                       [=](const raft_message &m) { return m.server_id == to; });
}

/* A leader that replicates to nobody tells nobody: it wakes up and falls asleep in one step. */
bool is_alone(const View &v) {
    return v.leads() && std::all_of(v.peers.begin(), v.peers.end(), [](const Peer &peer) {
               return peer.mode == RAFT_PROGRESS_NONE;
           });
}

/* Is this member known to have everything, and to sleep if it is told? */
bool may_sleep(const View &v, const Peer &peer) {
    return peer.mode == RAFT_PROGRESS_PIPELINE && peer.match == v.last &&
           (peer.features & RAFT_FEATURE_SLEEP) != 0;
}

/* Why this leader may not sleep. NULL: it may. */
const char *obstacle(const View &v) {
    const bool catches_up = std::any_of(v.peers.begin(), v.peers.end(), [](const Peer &peer) {
        return peer.catch_up == RAFT_CATCH_UP_RUNNING;
    });
    return v.last != v.stored || v.last != v.commit
               ? "it falls asleep although not everything is durable and committed"
           : catches_up        ? "a leader falls asleep while a catch-up runs"
           : v.transferee != 0 ? "a leader falls asleep while it transfers leadership"
           : !quorum(v.conf, [&](raft_id id) { return id == v.leader || may_sleep(v, v.peer(id)); })
               ? "a leader falls asleep without a quorum that has everything"
               : nullptr;
}

void check_falling_asleep(const View &v, const raft_event &e) {
    if (v.leads()) {
        if (e.type != RAFT_TIMEOUT && received(e, RAFT_APPEND_ENTRIES_RESULT) == nullptr) {
            broken(e, "a leader falls asleep, neither at a heartbeat nor on an answer");
        }
        if (const char *why = obstacle(v)) {
            broken(e, why);
        }
        return;
    }
    if (v.last != v.stored || v.last != v.commit) {
        broken(e, "it falls asleep although not everything is durable and committed");
    }
    if (!sends_to_sleep(e) || e.receive.message->server_id != v.leader) {
        broken(e, "a follower falls asleep although its leader has not told it");
    }
}

/* RAFT_WAKE: a follower speaks to its leader, a leader to all that it replicates to. */
void check_wake(const View &v, const raft_event &e, const raft_update &u) {
    if (v.leads()) {
        if (!tells_all_members(v, u)) {
            broken(e, "a leader that wakes up does not tell all members");
        }
        return;
    }
    const auto messages = messages_of(u);
    if (v.asleep() || messages.size() != 1 || messages[0].server_id != v.leader ||
        messages[0].type != RAFT_APPEND_ENTRIES_RESULT ||
        messages[0].append_entries_result.rejected != 0 ||
        messages[0].append_entries_result.round != 0) {
        broken(e, "a follower that wakes up does not tell its leader");
    }
}

void check_message_to_sleeper(const View &before, const View &after, const raft_event &e,
                              const raft_update &u) {
    const raft_message &m = *e.receive.message;
    const bool may_stay = before.leads() ? confirms_sleep(before, e) : sends_to_sleep(e);
    if (after.asleep() && !may_stay && !is_alone(after)) {
        broken(e, "a message that must wake it does not");
    }
    const raft_message *request = received(e, RAFT_REQUEST_VOTE);
    if (request == nullptr ||
        (request->request_vote.version >= 1 && load(request->request_vote.disrupt_leader))) {
        return;
    }
    for (const raft_message &sent : messages_of(u)) {
        if (sent.type == RAFT_REQUEST_VOTE_RESULT && sent.request_vote_result.vote_granted) {
            broken(e, "it grants the vote whose request wakes it");
        }
    }
    if (after.vote == m.server_id && before.vote != m.server_id) {
        broken(e, "it votes for the server whose request wakes it");
    }
}

void check_sleeper(const View &before, const View &after, const raft_event &e,
                   const raft_update &u) {
    if (e.type == RAFT_RECEIVE) {
        check_message_to_sleeper(before, after, e, u);
    } else if (e.type == RAFT_WAKE) {
        check_wake(after, e, u);
    } else if (asks_for_something(e.type)) {
        if (after.asleep()) {
            broken(e, "it stays asleep although it is asked for something");
        }
    } else {
        /* A leader asks a server that is reported as unreachable later, whether it is back. */
        if (!after.asleep() && !(e.type == RAFT_UNREACHABLE && after.leads())) {
            broken(e, "it wakes up without a reason");
        }
        if (u.flags & RAFT_UPDATE_MESSAGES) {
            broken(e, "it sends messages while it sleeps");
        }
    }
    if (after.asleep() && !is_alone(after) && u.flags & RAFT_UPDATE_MESSAGES) {
        const auto messages = messages_of(u);
        if (!sends_to_sleep(e) || messages.size() != 1 ||
            messages[0].server_id != e.receive.message->server_id ||
            messages[0].type != RAFT_APPEND_ENTRIES_RESULT) {
            broken(e, "it sends messages that do not answer its leader while it sleeps");
        }
    }
}

} // namespace

bool may_fall_asleep(const View &before, const View &after, const raft_event &e) {
    return after.leads() && confirms_sleep(before, e) && obstacle(after) == nullptr;
}

bool tells_all_members(const View &v, const raft_update &u) {
    for (size_t i = 0; i < v.peers.size(); i++) {
        if (v.peers[i].mode > RAFT_PROGRESS_NONE && !is_sent(u, v.conf.members[i].id)) {
            return false;
        }
    }
    return true;
}

void check_sleep(const View &before, const View &after, const raft_event &e, const raft_update &u) {
    if (before.asleep()) {
        check_sleeper(before, after, e, u);
    } else if (after.asleep()) {
        check_falling_asleep(after, e);
    }
}

void check_sleep(const Driver &s, const raft_event &e) {
    if (s.view.asleep() && !s.before.asleep() && (!s.reads.empty() || s.chunk_outstanding)) {
        broken(e, "it falls asleep with a read or a chunk of a snapshot pending");
    }
}

} // namespace driver
