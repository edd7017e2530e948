/* SPDX-License-Identifier: MIT */
/* RAFT_TIMEOUT: a leader sends heartbeats and checks that a quorum is in contact (§3.4, §6.2); a
 * follower or candidate starts an election (§3.4). */
#include "events/events.hpp"
#include "rules/catch_up.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"
#include "rules/fast_path.hpp"
#include "rules/general_path.hpp"
#include "rules/read_rounds.hpp"
#include "rules/reads.hpp"
#include "rules/rounds_and_leases.hpp"
#include "rules/sending.hpp"
#include "rules/sleeping.hpp"
#include "rules/snapshot_transfer.hpp"
#include "rules/transfer.hpp"
#include "rules/transitions.hpp"

namespace libraft {
namespace {

/* How many election timeouts a leader waits, at most, until it sends an entry once more. */
constexpr uint64_t kLongestPatience = 10;

/* What one peer is sent when a heartbeat is due. */
void send_heartbeat(Change &change, Peer &p) {
    const Server &s = change.server;
    const bool installs = p.is_sent_snapshot();
    const bool pipelined = p.is_pipelined();
    sleeping::send_heartbeat(change, p);
    if (installs) {
        snapshot_transfer::give_up_if_late(s, p);
    } else if (sending::is_stalled(s, p, s.now)) {
        p.stall(s.now, kLongestPatience * s.settings->election_timeout);
        sending::send(change, p);
    } else if (p.is_pipelined()) {
        sending::send(change, p); /* entries that the caller did not send: see RAFT_SENT */
    }
    if (pipelined && p.is_pipelined()) {
        p.forget_patience_slowly();
    }
    transfer::proceed(change, p);
}

[[nodiscard]] int heartbeat(Step &step) {
    Need need;
    need.messages = 2 * uint64_t{step.server.tracker->peers.size()} +
                    sending::messages_for_all(step.server, step.server.log.last());
    const bool barrier = read_rounds::heartbeat_needs_barrier(step.server);
    if (barrier) {
        need.entries = 1;
        need.messages += sending::messages_for_all(step.server, step.server.log.last() + 1);
    }
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Server &s = change->server;
    /* Members that were told to sleep must first learn that this leader is awake: nothing else
     * would wake them when it steps down. */
    const bool retires = s.settings->never_leads() && s.tracker->sleep_from == 0;
    if (retires || !rounds::quorum_in_contact(s)) {
        transitions::become_follower(*change);
        return 0;
    }
    catch_up::check(*change);
    transfer::give_up_if_late(*change);
    /* If no round can begin, the last one of this millisecond serves the quorum check. */
    const bool begun = rounds::begin(s);
    if (barrier) {
        sending::append_barrier(*change);
        reads::wait_for_barrier(*change);
        sending::send_to_all(*change);
    } else if (begun) {
        read_rounds::share_heartbeat(*change);
    }
    sleeping::decide(s);
    for (Peer &p : s.tracker->peers) {
        if (!rounds::is_in_contact(s, p, s.now)) {
            p.forget_features(); /* it may come back as an older version */
        }
        if (p.is_replicated_to()) {
            send_heartbeat(*change, p);
        }
    }
    s.deadline = s.now + s.settings->heartbeat_timeout;
    return 0;
}

/* A follower that may not campaign only forgets its leader. A candidate that may not campaign any
 * more gives up. */
void give_up(Change &change) {
    election_start::restart(change.server);
    if (change.server.state == RAFT_CANDIDATE) {
        transitions::become_follower(change); /* it has no pending reads */
    } else {
        known_leader::forget(change);
    }
}

int handle(Step &step) {
    const Server &s = step.server;
    step.begin().flags |= RAFT_UPDATE_TIMEOUT; /* the caller re-arms its timer in any case */
    if (s.now < s.deadline) {
        return 0; /* it is early, or it has just woken a server that may not sleep any more */
    }
    if (s.leads()) {
        return s.asleep ? sleeping::ask_members_in_doubt(step) : heartbeat(step);
    }
    if (election_start::may_campaign(s) && !election_start::is_installing(s)) {
        return elections::campaign(step);
    }
    give_up(step.begin());
    return 0;
}

/* Is a quorum in contact, and is each peer that is replicated to in the pipeline, without entries
 * that must be sent first or again, so that all take the same kind of heartbeat? */
bool is_usual(const Server &s, raft_time now) {
    const Tracker &t = *s.tracker;
    Ballot in_contact;
    for (const Peer &p : t.peers) {
        if (rounds::is_in_contact(s, p, now)) {
            in_contact += p.ballot;
        } else if (p.features_known) {
            return false;
        }
        if (p.is_pipelined() ? p.match < s.log.last() &&
                                   (sending::unsent(s, p) > 0 || sending::is_stalled(s, p, now))
                             : p.is_replicated_to()) {
            return false;
        }
    }
    return in_contact.is_majority_of(t.tally.all());
}

} // namespace

FAST_PATH int on_timeout(Server &s, const raft_event &event, raft_update &update) {
    const raft_time now = fast_path::time_of(s, event);
    if (s.fast_path != FastPath::kLeader || now < s.deadline || event.time > kLimit ||
        s.outbox.is_large() || !s.outbox.holds(s.tracker->peers.size() * kMessageSize) ||
        sleeping::is_idle(s, now) || !is_usual(s, now)) [[unlikely]] {
        return run(s, event, update, handle);
    }
    fast_path::begin(s, event);
    (void)rounds::begin(s); /* if it fails, the last round of this millisecond serves */
    s.deadline = now + s.settings->heartbeat_timeout;
    raft_message *next = fast_path::messages_of(s);
    for (Peer &p : s.tracker->peers) {
        if (p.is_pipelined()) {
            p.forget_patience_slowly();
            if (p.match == s.log.last()) {
                sending::write_append_entries(s, *next++, p, p.match, s.log.last_term(), 0);
            } else {
                const raft_index prev = sending::heartbeat_position(s, p);
                sending::write_append_entries(s, *next++, p, prev, s.log.term_of(prev), 0);
            }
        }
    }
    update.flags =
        RAFT_UPDATE_TIMEOUT | fast_path::hand_out(update, fast_path::messages_of(s), next);
    return 0;
}

} // namespace libraft
