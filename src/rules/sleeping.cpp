/* SPDX-License-Identifier: MIT */
#include "rules/sleeping.hpp"

#include "base/untrusted.hpp"
#include "rules/answers.hpp"
#include "rules/election_start.hpp"
#include "rules/rounds_and_leases.hpp"
#include "rules/sending.hpp"

#include <algorithm>

namespace libraft::sleeping {
namespace {

/* A member that was silent for so many election timeouts is left out. */
constexpr uint64_t kLongSilence = 10;
/* How many heartbeat timeouts pass until such members are asked again. */
constexpr uint64_t kIntervals = 100;

/* Does this member have everything, and would it sleep if it is told to? It cannot confirm that
 * without rounds. */
bool is_sleeper(const Server &s, const Peer &p) {
    constexpr unsigned kNeeded = RAFT_FEATURE_SLEEP | RAFT_FEATURE_ROUNDS;
    return p.is_pipelined() && p.acknowledged() == s.log.last() &&
           (p.usable() & kNeeded) == kNeeded && rounds::is_heard(s, p);
}

bool is_in_doubt(const Server &s, const Peer &p) {
    return p.is_replicated_to() && !is_sleeper(s, p);
}

bool has_members_in_doubt(const Server &s) {
    const auto &peers = s.tracker->peers;
    return std::any_of(peers.begin(), peers.end(),
                       [&](const Peer &p) { return is_in_doubt(s, p); });
}

/* May the group sleep? Every member that is replicated to is ready, or was silent for so long that
 * it is left out; those that are ready are a quorum. */
bool group_may_sleep(const Server &s) {
    const Tracker &t = *s.tracker;
    if (!s.may_sleep() || !is_idle(s, s.now) || s.commit != s.log.last() ||
        s.last_stored != s.log.last() || t.transfer.to != 0 || t.catch_up.id != 0 ||
        t.pending_reads() > 0) {
        return false;
    }
    const raft_time silence = kLongSilence * s.settings->election_timeout;
    for (const Peer &p : t.peers) {
        if (is_in_doubt(s, p) && p.contact + silence > s.now) {
            return false;
        }
    }
    return has_quorum(t.peers, [&](const Peer &p) { return p.self || is_sleeper(s, p); });
}

/* Do all that were told to sleep know it? */
bool all_have_echoed(const Server &s) {
    const Tracker &t = *s.tracker;
    return std::all_of(t.peers.begin(), t.peers.end(),
                       [&](const Peer &p) { return !is_sleeper(s, p) || p.round >= t.sleep_from; });
}

void wait_for_members_in_doubt(Server &s) {
    s.deadline =
        has_members_in_doubt(s) ? s.now + kIntervals * s.settings->heartbeat_timeout : kNever;
}

void fall_asleep(Change &change) {
    Server &s = change.server;
    s.asleep = true;
    s.tracker->slept_at = s.now;
    wait_for_members_in_doubt(s);
    change.release_spare_memory();
}

/* Is the message the leader's, and does it say what a sleeping follower knows already? It may be a
 * late one, of an earlier round. */
bool repeats_order(const Server &s, const raft_message &m) {
    const raft_append_entries &ae = m.append_entries;
    return load_enum(m.type) == RAFT_APPEND_ENTRIES && m.server_id == s.leader &&
           ae.term == s.term && is_told_to_sleep(s, ae) && ae.prev_log_term == s.log.last_term();
}

/* Does a member confirm that it sleeps? A member that wakes up echoes no round. */
bool confirms_order(const Server &s, const raft_message &m) {
    if (load_enum(m.type) != RAFT_APPEND_ENTRIES_RESULT) {
        return false;
    }
    const raft_append_entries_result &r = m.append_entries_result;
    const Peer *p = s.tracker->find(m.server_id);
    return p != nullptr && is_sleeper(s, *p) && r.version >= 3 && r.term == s.term &&
           r.round >= s.tracker->sleep_from && r.rejected == 0 &&
           r.last_log_index == s.log.last() && (r.features & RAFT_FEATURE_SLEEP) != 0;
}

/* The leader sends the group to sleep. Does this answer end the series of rounds that does so,
 * because its sender may be awake, or lack something, although it echoes one of them?
 * - It was in doubt, and so was told nothing in these rounds.
 * - It says that it woke up. Its echo, which is older, may come later.
 * - It lost data. That is believed when it rejects a message of a later round. If it was sent the
 *   data again, but has not stored it yet, it acknowledges less than before. */
bool ends_series(const Server &s, const raft_event &event) {
    const raft_message *m = load_enum(event.type) == RAFT_RECEIVE ? event.receive.message : nullptr;
    if (m == nullptr || load_enum(m->type) != RAFT_APPEND_ENTRIES_RESULT) {
        return false;
    }
    const Peer *p = s.tracker->find(m->server_id);
    const raft_append_entries_result &r = m->append_entries_result;
    return p != nullptr &&
           (is_in_doubt(s, *p) || (r.version >= 3 && (r.round == 0 || r.rejected != 0 ||
                                                      r.last_log_index < s.log.last())));
}

/* Does the event ask this leader for something? */
bool asks(uint32_t type) {
    return type == RAFT_SUBMIT || type == RAFT_READ || type == RAFT_RECONFIGURE ||
           type == RAFT_CATCH_UP || type == RAFT_TRANSFER;
}

} // namespace

void decide(Server &s) {
    Tracker &t = *s.tracker;
    if (!group_may_sleep(s)) {
        t.sleep_from = 0;
    } else if (t.sleep_from == 0) {
        t.sleep_from = t.round; /* which has just begun */
    }
}

void send_heartbeat(Change &change, Peer &p) {
    const Server &s = change.server;
    sending::send_heartbeat(change, p);
    if (s.tracker->sleep_from != 0 && is_sleeper(s, p)) {
        raft_append_entries &ae = change.out.messages[change.out.n_messages - 1].append_entries;
        ae.version = 2;
        ae.sleep = true;
    }
}

int ask_members_in_doubt(Step &step) {
    Need need;
    need.messages = step.server.tracker->peers.size();
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Server &s = change->server;
    for (Peer &p : s.tracker->peers) {
        if (is_in_doubt(s, p)) {
            sending::send_heartbeat(*change, p);
        }
    }
    wait_for_members_in_doubt(s);
    return 0;
}

bool is_told_to_sleep(const Server &s, const raft_append_entries &ae) {
    return ae.version >= 2 && load_bool(ae.sleep) && ae.n_entries == 0 && s.may_sleep() &&
           ae.prev_log_index == s.log.last();
}

void obey(Server &s, const raft_append_entries &ae) {
    /* A late message of an earlier round does not send a server to sleep that is awake. */
    const bool now = is_told_to_sleep(s, ae) && ae.round == s.leader_round && ae.round != 0 &&
                     !s.installation && s.matched == s.log.last() && s.commit == s.log.last() &&
                     s.last_stored == s.log.last();
    if (now || s.asleep) {
        s.asleep = true;
        s.deadline = kNever;
    }
}

bool wakes(const Server &s, const raft_event &event) {
    const bool changed = !s.may_sleep(); /* a setting; the deadline is the present time */
    switch (load_enum(event.type)) {
        /* Not even then: waking up needs memory, and some of these events cannot fail. */
        case RAFT_PERSISTED_ENTRIES:
        case RAFT_PERSISTED_SNAPSHOT:
        case RAFT_CONFIGURATION:
        case RAFT_SNAPSHOT:
        case RAFT_UNREACHABLE:
        case RAFT_STORED:
        case RAFT_SENT:
            return false;
        case RAFT_TIMEOUT:
            /* A follower has a deadline only if a setting was changed, and perhaps changed back. */
            return changed || (!s.leads() && s.now >= s.deadline);
        case RAFT_RECEIVE: {
            const raft_message *m = event.receive.message;
            return m != nullptr &&
                   (changed || !(s.leads() ? confirms_order(s, *m) : repeats_order(s, *m)));
        }
        default:
            return true;
    }
}

uint64_t messages_for_waking(const Server &s) { return s.leads() ? s.tracker->peers.size() : 1; }

Before before(const Server &s, const raft_event &event) {
    return {s.term, s.leader, s.leader_round,
            s.leads() && !s.asleep && s.tracker->sleep_from != 0 && ends_series(s, event)};
}

void wake(Change &change) {
    Server &s = change.server;
    if (!s.leads()) {
        s.asleep = false;
        s.heard_at = s.now;
        election_start::rearm(s);
        return;
    }
    Tracker &t = *s.tracker;
    for (Peer &p : t.peers) {
        if (rounds::is_in_contact(s, p, s.now)) {
            p.contact = s.now; /* it slept, too */
            p.waiting_since = s.now;
        }
    }
    s.asleep = false;
    t.sleep_from = 0;
    t.lease_after = t.round;
    (void)rounds::begin(s); /* a server that sleeps has not begun many in this millisecond */
    s.deadline = s.now + s.settings->heartbeat_timeout;
}

namespace {

/* Waking up ends: a leader sends heartbeats, a follower tells its leader unless that is awake. */
void tell_others(Change &change, const Before &before) {
    Server &s = change.server;
    if (s.term != before.term) {
        return; /* whatever woke this server has changed more than that */
    }
    INVARIANT(s.leader == before.leader);
    if (s.leads()) {
        decide(s);
        for (Peer &p : s.tracker->peers) {
            if (p.is_replicated_to() && !sending::is_told(change, p)) {
                send_heartbeat(change, p);
            }
        }
    } else if (s.leader_round == before.leader_round) {
        /* An echo of the latest round would look like that of a server that sleeps. */
        answers::acknowledge(change);
        change.out.messages[change.out.n_messages - 1].append_entries_result.round = 0;
    }
}

} // namespace

void finish(Change &change, const raft_event &event, const Before &before, bool woken) {
    Server &s = change.server;
    if (s.leads() && asks(load_enum(event.type))) {
        s.tracker->asked_at = s.now;
        s.tracker->sleep_from = 0;
    }
    if (woken) {
        tell_others(change, before);
    }
    if (!s.leads()) {
        return;
    }
    if (s.asleep) {
        if (s.deadline == kNever) {
            wait_for_members_in_doubt(s); /* one may have been reported unreachable */
        }
    } else if (before.series_ends) {
        s.tracker->sleep_from = 0; /* the next heartbeat begins another */
    } else if (s.tracker->sleep_from != 0 && group_may_sleep(s) && all_have_echoed(s)) {
        fall_asleep(change);
    }
}

} // namespace libraft::sleeping
