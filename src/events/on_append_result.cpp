/* SPDX-License-Identifier: MIT */
/* A leader receives an AppendEntries result: an acknowledgement, a rejection (§3.5), or the status
 * of a snapshot (§5.1). */
#include "events/events.hpp"
#include "rules/catch_up.hpp"
#include "rules/commit.hpp"
#include "rules/fast_path.hpp"
#include "rules/general_path.hpp"
#include "rules/membership.hpp"
#include "rules/message_checks.hpp"
#include "rules/read_rounds.hpp"
#include "rules/reads.hpp"
#include "rules/rounds_and_leases.hpp"
#include "rules/sending.hpp"
#include "rules/snapshot_transfer.hpp"
#include "rules/transfer.hpp"
#include "rules/transitions.hpp"

#include <algorithm>

namespace libraft {
namespace {

/* The peer acknowledges everything up to `match`: is that more than before, or all that it was
 * sent? */
inline void note_progress(const Server &s, Peer &p, raft_index match) {
    if (match > p.acknowledged()) {
        p.progressed(s.now);
        if (p.is(kRewound)) {
            p.agreed = match;
        }
    } else if (p.is_pipelined() && match + 1 >= p.next) {
        p.waiting_since = s.now; /* nothing is in flight */
    }
}

[[nodiscard]] int check_result(Step &step, const raft_append_entries_result &r) {
    const Server &s = step.server;
    if (!message::valid_term(s, r.term) || r.rejected > kLimit || r.last_log_index > kLimit) {
        return message::malformed(step, "AppendEntries result: a term or an index is out of range");
    }
    if (r.version >= 3 && s.leads() && r.term == s.term && r.round > s.tracker->round) {
        return message::malformed(step,
                                  "AppendEntries result: it echoes a round that was not begun");
    }
    return 0;
}

/* The peer lost data that it had acknowledged. It broke the promise that makes an entry committed
 * (§3.8), and no rule can make that safe. But the leader says so, and brings the peer up to date
 * again. Its match index counts no longer: what it has now may be an older image of its disk, which
 * may differ from our log. */
void take_loss(Change &change, Peer &p, const raft_append_entries_result &r) {
    change.report_data_loss(p.id, p.match);
    p.losses++;
    p.close_window();
    if (r.version >= 3) {
        p.match = 0;
        p.believed_from = r.round + 1;
        Tracker &t = *change.server.tracker;
        t.tally.restart(t.peers, t.tally.floor());
    } else {
        p.clear(kRejecting);
        p.agreed = 0;
        p.set(kRewound); /* an acknowledgement may be older or newer: the match index stays */
    }
    if (!p.is_sent_snapshot()) { /* else it is sent everything already */
        p.probe_from(r.last_log_index + 1);
        sending::send(change, p);
    }
}

/* Does the rejection contradict what the peer has acknowledged? No entry above the hint can
 * match. */
bool denies_match(const Peer &p, const raft_append_entries_result &r) {
    return r.rejected <= p.acknowledged() || r.last_log_index < p.acknowledged();
}

/* The peer denies what it had acknowledged. Either the rejection is old, or the peer lost data: it
 * says so in an answer to a message that was sent after the acknowledgement. If it echoes no
 * rounds, it is believed when it only rejects for an election timeout. */
void rejected_match(Change &change, Peer &p, const raft_append_entries_result &r) {
    const Server &s = change.server;
    if (r.version >= 3) {
        if (rounds::is_newer(s, p, r) && r.snapshot_index == 0) {
            take_loss(change, p, r);
        }
    } else if (r.last_log_index >= r.rejected) {
        return; /* it may refuse a message of an earlier term, which says nothing about its log */
    } else if (!p.is(kRejecting)) {
        p.set(kRejecting);
        p.rejecting_since = s.now;
    } else if (p.rejecting_since + s.settings->election_timeout <= s.now) {
        take_loss(change, p, r);
    }
}

/* Is the rejection about the probe, or about entries in flight? A pipelined peer may reject a
 * heartbeat if what it is known to have was compacted: then entries in flight may arrive yet. */
bool is_current(const Server &s, const Peer &p, raft_index rejected) {
    return p.is_probed() ? rejected == p.next - 1
                         : p.is_pipelined() && rejected < p.next &&
                               rejected != sending::heartbeat_position(s, p);
}

void rejected(Change &change, Peer &p, const raft_append_entries_result &r) {
    if (denies_match(p, r)) {
        rejected_match(change, p, r);
        return;
    }
    p.clear(kRejecting); /* it has what it had acknowledged */
    if (!is_current(change.server, p, r.rejected)) {
        return;
    }
    raft_index agreeable = r.last_log_index;
    if (agreeable >= r.rejected) {
        /* The peer's entry there has an older term than ours, and so have those before it: none
         * of our entries of that term can match. Probe once a term, not once an entry. */
        const TermLog &log = change.server.log;
        const raft_term term = log.term_of(r.rejected);
        agreeable = term == 0 ? r.rejected - 1 : log.last_agreeable(r.rejected - 1, term - 1);
    }
    if (p.is_pipelined()) {
        p.close_window();
    }
    p.probe_from(agreeable + 1);
    sending::send(change, p);
}

/* The peer moves to the pipeline once it is known where the logs agree. */
void follow_match(const Server &s, Peer &p, raft_index match) {
    if (p.is(kStalled)) {
        if (match >= p.next) {
            p.resume(match);
        }
    } else if (p.is_probed()) {
        /* An older answer says nothing about the last probe. */
        if (match + 1 >= p.next) {
            p.pipeline();
        }
    } else if (p.is_sent_snapshot() && (match > p.match || p.is(kRewound)) &&
               s.log.term_of(match) != 0) {
        p.pipeline_from(match + 1);
    }
    p.next = std::max(p.next, match + 1);
}

/* Is this acknowledgement older than the loss of data that was noticed? */
bool is_outdated(Peer &p, const raft_append_entries_result &r) {
    if (r.version >= 3 && r.round < p.believed_from) {
        return true;
    }
    p.clear(kRejecting);
    return false;
}

/* Everything up to `match` is durable there, and agrees. */
void acknowledged(Change &change, Peer &p, raft_index match) {
    Server &s = change.server;
    const bool news = match > p.match;
    note_progress(s, p, match);
    follow_match(s, p, match);
    Peer *peer = &p;
    if (news) {
        p.clear(kRewound);
        const raft_id id = p.id;
        const raft_index before = s.commit;
        if (commit::peer_advanced(change, p, match)) {
            membership::committed(change, before);
            peer = s.leads() ? s.tracker->find(id) : nullptr;
        }
    }
    if (peer == nullptr) {
        return;
    }
    if (peer->is_pipelined()) {
        sending::send(change, *peer); /* a probe is sent once, not with each answer */
    }
    if (news) {
        catch_up::advanced(change, *peer);
        transfer::proceed(change, *peer);
    }
}

void take_result(Change &change, Peer &p, const raft_append_entries_result &r) {
    const Server &s = change.server;
    if (p.heard(s.now, r) == Echo::kLater && s.tracker->pending_reads() > 0) {
        reads::release(change);
    }
    if (!p.is_replicated_to()) {
        return; /* a late answer */
    }
    const raft_id id = p.id;
    const raft_index before = s.commit;
    const bool installs = p.is_sent_snapshot();
    if (r.rejected != 0) {
        rejected(change, p, r);
    } else if (!is_outdated(p, r)) {
        /* No honest answer of this term acknowledges more than was sent. */
        acknowledged(change, p, std::min(r.last_log_index, p.sent));
    }
    if (!s.leads()) {
        return;
    }
    Peer *peer = change.server.tracker->find(id); /* the step may have dropped peers */
    /* unreachable: a server that is removed has no vote, so that its answer commits nothing */
    if (installs && peer != nullptr && peer->is_sent_snapshot()) {
        snapshot_transfer::on_answer(change, *peer, r);
    }
    read_rounds::proceed(change);
    sending::tell_commit(change, before);
}

int handle(Step &step) {
    const Server &s = step.server;
    const raft_message &m = *step.event.receive.message;
    const raft_append_entries_result &r = m.append_entries_result;
    int rv = message::check_sender(step, m);
    if (rv == 0) {
        rv = check_result(step, r);
    }
    if (rv != 0) {
        return rv;
    }
    const Peer *sender = s.leads() && r.term == s.term ? s.tracker->find(m.server_id) : nullptr;
    if (sender != nullptr && sender->is_sent_snapshot() && r.version >= 3 &&
        r.snapshot_offset > kLimit) {
        return message::malformed(
            step, "AppendEntries result: the offset in the snapshot is out of range");
    }
    Need need;
    if (sender != nullptr) {
        need.messages = sending::messages_for(s, *sender, s.log.last() + 1) + 2;
        membership::plan_commit(s, &need);
        read_rounds::plan_waiting(s, &need);
        sending::plan_telling(s, &need);
    }
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    if (r.term > s.term) {
        transitions::adopt_term(*change, r.term);
        return 0;
    }
    if (sender != nullptr) {
        take_result(*change, *change->server.tracker->find(m.server_id), r);
    }
    return 0;
}

/* The peer whose acknowledgement this is, if it calls for nothing but entries; else NULL. */
Peer *usual_peer(Server &s, const raft_message &m) {
    const raft_append_entries_result &r = m.append_entries_result;
    if (s.fast_path != FastPath::kLeader || r.term != s.term || r.rejected != 0 ||
        m.server_id == s.id || m.server_address == nullptr) {
        return nullptr;
    }
    Tracker &t = *s.tracker;
    Peer *p = t.find(m.server_id);
    const bool usual = p != nullptr && p->is_pipelined() &&
                       (r.version < 3 || (r.round <= t.round && r.round >= p->believed_from));
    return usual ? p : nullptr;
}

/* The window has opened: send more. */
FAST_PATH int send_more(Server &s, raft_update &update, Peer &p) {
    if (const uint32_t n = sending::unsent(s, p); n > 0) {
        raft_message *message = fast_path::messages_of(s);
        sending::write_next(s, *message, p, n);
        update.messages = {message, 1};
        update.flags |= RAFT_UPDATE_MESSAGES;
    }
    return 0;
}

} // namespace

FAST_PATH int on_append_result(Server &s, const raft_event &event, raft_update &update) {
    const raft_message &m = *event.receive.message;
    const raft_append_entries_result &r = m.append_entries_result;
    Peer *p = usual_peer(s, m);
    if (p == nullptr || !fast_path::within_limits(event, r.last_log_index) ||
        (p->next <= s.log.last() && !(sending::fits_message(s, *p, s.log.last()) &&
                                      s.outbox.holds(kMessageSize)))) [[unlikely]] {
        return run(s, event, update, handle);
    }
    fast_path::begin(s, event);
    (void)p->heard(s.now, r); /* no read waits for an echo */
    const raft_index match = std::min(r.last_log_index, p->sent);
    unsigned flags = 0;
    if (match > p->match) {
        p->progressed(s.now);
        flags = commit::advance_settled(s, *p, match);
    } else if (match + 1 >= p->next) {
        p->waiting_since = s.now; /* nothing is in flight */
    }
    p->next = std::max(p->next, match + 1);
    update.flags = flags;
    return p->next > s.log.last() ? 0 : send_more(s, update, *p);
}

} // namespace libraft
