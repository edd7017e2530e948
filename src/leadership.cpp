/* SPDX-License-Identifier: MIT */
#include "leadership.hpp"

#include "commit.hpp"
#include "membership.hpp"
#include "message.hpp"
#include "reads.hpp"
#include "replication.hpp"
#include "roles.hpp"

#include <algorithm>

namespace libraft::leadership {
namespace {

void send_timeout_now(Step &step, const Progress &p) {
    Server &s = step.server;
    raft_timeout_now &tn = step.add_message(RAFT_TIMEOUT_NOW, p.id, p.address).timeout_now;
    tn.version = 0;
    tn.term = s.term;
    tn.last_log_index = s.trail.last();
    tn.last_log_term = s.trail.last_term();
    s.tracker->transfer.timeout_now_sent = true;
}

/* Once the target has everything, it may start its election (§3.10). */
void continue_transfer(Step &step, const Progress &p) {
    Server &s = step.server;
    if (s.tracker->transfer.to == p.id && p.match == s.trail.last()) {
        send_timeout_now(step, p);
    }
}

bool quorum_in_contact(const Server &s) {
    return has_quorum(s.tracker->peers, [&](const Progress &p) {
        return p.self || p.contact + s.settings->election_timeout > s.now;
    });
}

/* The follower says how much of the snapshot it has (§5.1). */
void on_snapshot_status(Step &step, Progress &p, const raft_append_entries_result &r) {
    Server &s = step.server;
    const bool ours = r.snapshot_index == p.snapshot_index;
    uint64_t offset = ours ? r.snapshot_offset : 0;
    if (!ours && r.snapshot_index != 0) {
        offset = p.snapshot_offset; /* late: it names one that it was sent before */
    }
    /* It is further, or it lost what it had and refused the chunk that we sent. */
    const bool moved = ours && offset != p.snapshot_offset;
    /* It should have had the chunk long ago, and says that it has not. */
    const bool lost = p.snapshot_sent_at + s.settings->election_timeout <= s.now;
    if (moved || lost) {
        p.snapshot_offset = offset;
        replication::send_chunk(step, p);
    }
}

void on_rejected(Step &step, Progress &p, const raft_append_entries_result &r) {
    /* Stale, unless it answers the probe or something that is still in flight. */
    const bool current = p.mode == RAFT_PROGRESS_PROBE
                             ? r.rejected == p.next - 1
                             : p.mode == RAFT_PROGRESS_PIPELINE && r.rejected < p.next;
    if (!current || r.rejected <= p.match) {
        return;
    }
    raft_index agreeable = r.last_log_index;
    if (agreeable >= r.rejected) {
        /* Its entry there is of an older term than ours, and so are those before it: none
         * of our entries of that term can match. One probe a term, not one an entry. */
        const Trail &trail = step.server.trail;
        const raft_term term = trail.term_of(r.rejected);
        agreeable = term == 0 ? r.rejected - 1 : trail.last_agreeable(r.rejected - 1, term - 1);
    }
    if (p.mode == RAFT_PROGRESS_PIPELINE) {
        p.window = 1; /* many such answers may be on their way: do not repeat it all for each */
    }
    p.become_probe(agreeable + 1);
    replication::send(step, p);
}

/* Everything up to `match` is durable there and agrees. */
void on_matched(Step &step, Progress &p, raft_index match) {
    Server &s = step.server;
    const bool news = match > p.match;
    if (p.mode == RAFT_PROGRESS_PROBE) {
        /* An older answer says nothing about what was asked last. */
        if (match + 1 >= p.next) {
            p.mode = RAFT_PROGRESS_PIPELINE;
        }
    } else if (p.mode == RAFT_PROGRESS_SNAPSHOT && news &&
               (match >= p.snapshot_index || match + 1 >= s.trail.first())) {
        /* What was sent beyond the match before the snapshot is not relied upon. */
        p.mode = RAFT_PROGRESS_PIPELINE;
        p.next = match + 1;
    }
    p.next = std::max(p.next, match + 1);
    Progress *peer = &p;
    if (news) {
        p.widen();
        const raft_id id = p.id;
        if (commit::peer_advanced(step, p, match)) {
            peer = s.leads() ? s.tracker->find(id) : nullptr;
        }
    }
    if (peer == nullptr) {
        return;
    }
    if (peer->mode == RAFT_PROGRESS_PIPELINE) {
        replication::send(step, *peer); /* a probe is asked once, not once an answer */
    }
    if (news) {
        membership::catch_up_advanced(step, *peer);
        continue_transfer(step, *peer);
    }
}

[[nodiscard]] int check_result(Step &step, const raft_append_entries_result &r) {
    const Server &s = step.server;
    if (!message::valid_term(r.term) || r.rejected > kLimit || r.last_log_index > kLimit) {
        return message::malformed(step, "AppendEntries result: term or index out of range");
    }
    if (r.version >= 3 && s.leads() && r.term == s.term && r.round > s.tracker->round) {
        return message::malformed(step, "AppendEntries result: a round that never began");
    }
    return 0;
}

/* A majority of the voters must have room for what is written (the leader's own view of
 * itself is the event's). */
bool quorum_has_space(const Server &s) {
    const uint16_t threshold = s.settings->capacity_threshold;
    return threshold == 0 || has_quorum(s.tracker->peers, [&](const Progress &p) {
               return p.self ? s.capacity >= threshold
                             : !p.reports_capacity || p.capacity >= threshold;
           });
}

[[nodiscard]] int check_submission(Step &step, const raft_event_submit &submit) {
    Server &s = step.server;
    if (submit.n == 0 || submit.entries == nullptr) {
        return step.fail(RAFT_INVALID, "nothing was submitted");
    }
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "only the leader takes entries");
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    for (unsigned i = 0; i < submit.n; i++) {
        uint32_t type = load_enum(submit.entries[i].type);
        if (type - RAFT_COMMAND > RAFT_CHANGE - RAFT_COMMAND) {
            return step.fail(RAFT_MALFORMED, "an entry of unknown type was submitted");
        }
        if (type == RAFT_CHANGE && submit.n > 1) {
            return step.fail(RAFT_MALFORMED, "a configuration must be submitted alone");
        }
    }
    if (s.trail.last() + submit.n > kLimit) {
        return step.fail(RAFT_TOOBIG, "the log cannot grow any more");
    }
    if (!quorum_has_space(s)) {
        return step.fail(RAFT_NOSPACE, "too few voters have disk capacity left");
    }
    const uint64_t limit = s.settings->max_uncommitted_entries;
    if (limit != 0 && s.trail.last() - s.commit + submit.n > limit) {
        return step.fail(RAFT_BUSY, "too many entries are uncommitted");
    }
    return 0;
}

} // namespace

void begin(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    roles::become_leader_state(step);
    t.elected_at = s.now;
    t.round = 0;
    (void)replication::begin_round(s); /* the first of a millisecond cannot fail */
    t.transfer = Transfer();
    for (Progress &p : t.peers) {
        p.mode = RAFT_PROGRESS_PROBE;
        p.match = p.self ? s.last_stored : 0;
        p.next = s.trail.last() + 1;
        p.sent = 0;
        p.window = UINT32_MAX;
        p.round = 0;
        p.contact = s.now;
    }
    replication::append_barrier(step);
    t.barrier = s.trail.last();
    /* Nothing of earlier terms is committed by counting (§3.6.2). */
    t.tally.restart(t.peers, t.barrier - 1);
    for (Progress &p : t.peers) {
        if (p.follows()) {
            replication::send(step, p);
        }
    }
    s.deadline = s.now + s.settings->heartbeat_timeout;
}

int on_timeout(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    Need need;
    need.messages = t.peers.size() * 2 + 1;
    const bool confirm = reads::wait_in_vain(s);
    if (confirm) {
        need.entries = 1;
        need.messages += replication::messages_for_all(s, s.trail.last() + 1);
    }
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    if (!quorum_in_contact(s)) { /* §6.2 */
        roles::become_follower(step);
        return 0;
    }
    membership::check_catch_up(step);
    if (t.transfer.to != 0 && t.transfer.started + s.settings->election_timeout <= s.now) {
        t.transfer.to = 0;
        step.flags |= RAFT_UPDATE_TRANSFER;
    }
    (void)replication::begin_round(s); /* else the one begun in this millisecond will do */
    if (confirm) {
        reads::wait_for_barrier(step);
    }
    for (Progress &p : t.peers) {
        if (!p.follows()) {
            continue;
        }
        replication::send_heartbeat(step, p);
        if (p.mode == RAFT_PROGRESS_SNAPSHOT &&
            p.snapshot_sent_at + s.settings->snapshot_timeout <= s.now) {
            replication::send_chunk(step, p);
        }
        continue_transfer(step, p);
    }
    s.deadline = s.now + s.settings->heartbeat_timeout;
    return 0;
}

int on_append_entries_result(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_append_entries_result &r = m.append_entries_result;
    int rv = check_result(step, r);
    if (rv != 0) {
        return rv;
    }
    Progress *p = s.leads() && r.term == s.term ? s.tracker->find(m.server_id) : nullptr;
    Need need;
    if (p != nullptr) {
        need.messages = replication::messages_for(s, *p, s.trail.last() + 1) + 2;
        commit::plan(s, &need);
    }
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    if (r.term > s.term) {
        roles::adopt_term(step, r.term);
        return 0;
    }
    if (p == nullptr) {
        return 0;
    }
    if (p->heard(s.now, r) && s.tracker->pending_reads() > 0) {
        reads::release(step);
    }
    if (!p->follows()) {
        return 0; /* late */
    }
    if (r.version >= 3 && p->mode == RAFT_PROGRESS_SNAPSHOT) {
        on_snapshot_status(step, *p, r);
    }
    if (r.rejected != 0) {
        on_rejected(step, *p, r);
    } else {
        on_matched(step, *p, std::min(r.last_log_index, p->sent));
    }
    return 0;
}

int on_submit(Step &step) {
    Server &s = step.server;
    const raft_event_submit &submit = step.event.submit;
    int rv = check_submission(step, submit);
    if (rv != 0) {
        return rv;
    }
    if (load_enum(submit.entries[0].type) == RAFT_CHANGE) {
        return membership::on_submitted_change(step, submit.entries[0]);
    }
    Need need;
    need.entries = submit.n;
    need.messages = replication::messages_for_all(s, s.trail.last() + submit.n);
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    step.begin_entries(s.trail.last() + 1);
    for (unsigned i = 0; i < submit.n; i++) {
        step.add_entry(submit.entries[i]).term = s.term;
    }
    s.trail.append(s.term, submit.n);
    replication::send_to_all(step);
    return 0;
}

int on_transfer(Step &step) {
    Server &s = step.server;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "only the leader can hand leadership over");
    }
    Tracker &t = *s.tracker;
    if (t.transfer.to != 0) {
        return step.fail(RAFT_BUSY, "leadership is being transferred already");
    }
    raft_id id = step.event.transfer.server_id;
    const Progress *target = nullptr;
    if (id != 0) {
        target = t.find(id);
        if (target == nullptr || target->departing || target->self) {
            return step.fail(RAFT_BADID, "leadership can only go to another member");
        }
        if ((voter_sets(target->role) & kNewSet) == 0) {
            return step.fail(RAFT_BADROLE, "leadership can only go to a voter");
        }
    } else {
        for (const Progress &p : t.peers) {
            if (!p.self && (voter_sets(p.role) & kNewSet) != 0 && p.votes() &&
                (target == nullptr || p.match > target->match)) {
                target = &p;
            }
        }
        if (target == nullptr) {
            return step.fail(RAFT_NOTFOUND, "there is no other voter");
        }
    }
    Need need;
    need.messages = 1;
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    t.transfer.to = target->id;
    step.flags |= RAFT_UPDATE_TRANSFER;
    t.transfer.started = s.now;
    continue_transfer(step, *target);
    return 0;
}

int on_unreachable(Step &step) {
    Server &s = step.server;
    Progress *p = s.leads() ? s.tracker->find(step.event.unreachable.server_id) : nullptr;
    if (p != nullptr && !p->self) {
        p->become_probe(p->match + 1);
    }
    return 0;
}

} // namespace libraft::leadership
