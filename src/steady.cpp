/* SPDX-License-Identifier: MIT */
#include "steady.hpp"

#include "append.hpp"
#include "bytes.hpp"
#include "raft.hpp"
#include "replication.hpp"

#include <algorithm>

/* One function an event, each with a frame of its own. */
#define APART [[gnu::noinline]]

namespace libraft::steady {
namespace {

raft_time time_of(const Server &s, const raft_event &event) { return std::max(event.time, s.now); }

/* No deadline has passed, so that raft_timeout() moves only with the deadline; the time is
 * within range, and so is each number whose bits are in `also`. */
bool is_timely(const Server &s, const raft_event &event, uint64_t also = 0) {
    return time_of(s, event) < s.deadline && (event.time | also) <= kLimit;
}

void begin(Server &s, const raft_event &event) {
    s.now = time_of(s, event);
    s.capacity = event.capacity;
}

raft_message *messages_of(Server &s) { return reinterpret_cast<raft_message *>(s.outbox.block()); }
raft_entry *entries_of(Server &s) { return reinterpret_cast<raft_entry *>(s.outbox.block()); }

/* Commands and barriers only. */
bool are_plain(const raft_entry *entries, uint32_t n) {
    uint32_t highest = 0;
    for (uint32_t i = 0; i < n; i++) {
        highest = std::max(highest, load_enum(entries[i].type) - RAFT_COMMAND);
    }
    return highest <= RAFT_BARRIER - RAFT_COMMAND;
}

bool are_of_term(const raft_entry *entries, uint32_t n, raft_term term) {
    uint64_t difference = 0;
    for (uint32_t i = 0; i < n; i++) {
        difference |= entries[i].term ^ term;
    }
    return difference == 0;
}

/* At the end of the log; they stand in the outbox. */
void append(Server &s, raft_update &update, raft_entry *entries, uint32_t n) {
    const raft_index last = s.trail.last();
    s.trail.append(s.trail.last_term(), n);
    update.entries = {last + 1, entries, n, ++s.writes};
}

/* Is this the leader, in its term, with something that continues the log? */
bool continues_log(const Server &s, const raft_message &m) {
    const raft_append_entries &ae = m.append_entries;
    if (s.steady != Steady::kFollower || m.server_id != s.leader || m.server_address == nullptr ||
        ae.term != s.term || ae.prev_log_term == 0) {
        return false;
    }
    if (ae.n_entries == 0) {
        return s.trail.term_of(ae.prev_log_index) == ae.prev_log_term &&
               s.outbox.holds(sizeof(raft_message));
    }
    return ae.prev_log_index == s.trail.last() && ae.prev_log_term == s.trail.last_term() &&
           ae.entries != nullptr && s.outbox.holds(ae.n_entries * kEntrySize) &&
           are_plain(ae.entries, ae.n_entries) &&
           are_of_term(ae.entries, ae.n_entries, ae.prev_log_term);
}

APART int on_append_entries(Server &s, raft_event &event, raft_update &update) {
    const raft_message &m = *event.receive.message;
    const raft_append_entries &ae = m.append_entries;
    if (!is_timely(s, event, ae.leader_commit | ae.prev_log_index) || !continues_log(s, m))
        [[unlikely]] {
        return libraft::step(s, event, update);
    }
    begin(s, event);
    s.heard_at = s.now;
    if (ae.version >= 1) {
        s.leader_extended = true;
        s.leader_round = std::max(s.leader_round, uint64_t{ae.round});
    }
    unsigned flags = 0;
    if (s.deadline != s.now + s.election_span) {
        s.deadline = s.now + s.election_span;
        flags |= RAFT_UPDATE_TIMEOUT;
    }
    s.matched = std::max(s.matched, ae.prev_log_index + ae.n_entries);
    const raft_index commit = std::min(ae.leader_commit, s.matched);
    if (commit > s.commit) {
        s.commit = commit;
        flags |= RAFT_UPDATE_COMMIT_INDEX;
    }
    if (ae.n_entries == 0) {
        raft_message *answer = messages_of(s);
        append::write_answer(s, *answer, s.leader, s.leader_address, 0,
                             std::min(s.last_stored, s.matched));
        update.messages = {answer, 1};
        flags |= RAFT_UPDATE_MESSAGES;
    } else {
        raft_entry *entries = entries_of(s);
        for (uint32_t i = 0; i < ae.n_entries; i++) {
            entries[i] = ae.entries[i];
        }
        append(s, update, entries, ae.n_entries);
        flags |= RAFT_UPDATE_ENTRIES;
    }
    update.flags = flags;
    return 0;
}

/* A peer's match index rose, this server's own included. */
unsigned advance(Server &s, Progress &p, raft_index match) {
    Tracker &t = *s.tracker;
    const raft_index from = p.match;
    p.match = match;
    if (!t.tally.advanced(p.ballot, from, match)) {
        return 0;
    }
    s.commit = t.tally.settle(t.peers);
    return RAFT_UPDATE_COMMIT_INDEX;
}

APART int on_stored_by_leader(Server &s, raft_event &event, raft_update &update, raft_index index) {
    Progress *own = s.tracker->find(s.id);
    if (index > s.trail.last() || own == nullptr) [[unlikely]] {
        return libraft::step(s, event, update);
    }
    begin(s, event);
    s.last_stored = index;
    update.flags = advance(s, *own, index);
    return 0;
}

APART int on_stored_by_follower(Server &s, raft_event &event, raft_update &update,
                                raft_index index) {
    if (index > s.matched || !s.outbox.holds(sizeof(raft_message))) [[unlikely]] {
        return libraft::step(s, event, update);
    }
    begin(s, event);
    s.last_stored = index;
    raft_message *answer = messages_of(s);
    append::write_answer(s, *answer, s.leader, s.leader_address, 0, index);
    update.messages = {answer, 1};
    update.flags = RAFT_UPDATE_MESSAGES;
    return 0;
}

/* Was this ticket issued, and not withdrawn? */
bool is_current(const Server &s, uint64_t write) {
    return write != 0 && write >= s.valid_from && write <= s.writes;
}

int on_stored(Server &s, raft_event &event, raft_update &update, raft_index index) {
    if (s.steady == Steady::kNo || index <= s.last_stored || !is_timely(s, event)) [[unlikely]] {
        return libraft::step(s, event, update);
    }
    return s.steady == Steady::kLeader ? on_stored_by_leader(s, event, update, index)
                                       : on_stored_by_follower(s, event, update, index);
}

unsigned hand_out(raft_update &update, raft_message *first, const raft_message *end) {
    if (first == end) {
        return 0;
    }
    update.messages = {first, static_cast<unsigned>(end - first)};
    return RAFT_UPDATE_MESSAGES;
}

/* Everything new that fits the peer's window: how much? */
uint32_t unsent(const Server &s, const Progress &p) {
    const raft_index end = replication::window_end(s, p);
    return p.next <= end ? static_cast<uint32_t>(end + 1 - p.next) : 0;
}

void send(const Server &s, raft_message &m, Progress &p, uint32_t n) {
    replication::write_append_entries(s, m, p, p.next - 1, s.term, n);
    p.next += n;
}

/* Whatever a peer lacks in a log that ends at `last`: would one message hold it? */
bool fits_message(const Server &s, const Progress &p, raft_index last) {
    return last < p.next || last - p.next < s.settings->message_limit();
}

/* Whose is it, if it is an acknowledgement that calls for nothing but entries? Else NULL. */
Progress *acknowledging_peer(Server &s, const raft_message &m) {
    const raft_append_entries_result &r = m.append_entries_result;
    if (s.steady != Steady::kLeader || r.term != s.term || r.rejected != 0 || m.server_id == s.id ||
        m.server_address == nullptr) {
        return nullptr;
    }
    Tracker &t = *s.tracker;
    Progress *p = t.find(m.server_id);
    return p != nullptr && p->mode == RAFT_PROGRESS_PIPELINE &&
                   (r.version < 3 || r.round <= t.round)
               ? p
               : nullptr;
}

/* The window has opened. */
APART int send_rest(Server &s, raft_update &update, Progress &p) {
    if (const uint32_t n = unsent(s, p); n > 0) {
        raft_message *message = messages_of(s);
        send(s, *message, p, n);
        update.messages = {message, 1};
        update.flags |= RAFT_UPDATE_MESSAGES;
    }
    return 0;
}

APART int on_append_entries_result(Server &s, raft_event &event, raft_update &update) {
    const raft_message &m = *event.receive.message;
    const raft_append_entries_result &r = m.append_entries_result;
    Progress *p = acknowledging_peer(s, m);
    if (p == nullptr || !is_timely(s, event, r.last_log_index) ||
        (p->next <= s.trail.last() && !(fits_message(s, *p, s.trail.last()) &&
                                        s.outbox.holds(sizeof(raft_message))))) [[unlikely]] {
        return libraft::step(s, event, update);
    }
    begin(s, event);
    p->heard(s.now, r);
    const raft_index match = std::min(r.last_log_index, p->sent);
    unsigned flags = 0;
    if (match > p->match) {
        p->widen();
        flags = advance(s, *p, match);
    }
    p->next = std::max(p->next, match + 1);
    update.flags = flags;
    return p->next > s.trail.last() ? 0 : send_rest(s, update, *p);
}

bool takes_submission(const Server &s, const raft_event_submit &submit) {
    if (s.steady != Steady::kLeader || submit.n == 0 || submit.entries == nullptr) {
        return false;
    }
    const Settings &settings = *s.settings;
    const raft_index last = s.trail.last() + submit.n;
    const uint32_t uncommitted = settings.max_uncommitted_entries;
    if (last > kLimit || settings.capacity_threshold != 0 ||
        (uncommitted != 0 && last - s.commit > uncommitted)) {
        return false;
    }
    const auto &peers = s.tracker->peers;
    return s.outbox.holds(submit.n * kEntrySize + peers.size() * sizeof(raft_message)) &&
           are_plain(submit.entries, submit.n) &&
           (settings.max_message_entries == 0 ||
            std::all_of(peers.begin(), peers.end(), [&](const Progress &p) {
                return p.mode != RAFT_PROGRESS_PIPELINE || fits_message(s, p, last);
            }));
}

APART int on_submit(Server &s, raft_event &event, raft_update &update) {
    const raft_event_submit &submit = event.submit;
    if (!is_timely(s, event) || !takes_submission(s, submit)) [[unlikely]] {
        return libraft::step(s, event, update);
    }
    begin(s, event);
    raft_entry *entries = entries_of(s);
    for (uint32_t i = 0; i < submit.n; i++) {
        entries[i] = submit.entries[i];
        entries[i].term = s.term;
    }
    append(s, update, entries, submit.n);
    auto *first = reinterpret_cast<raft_message *>(entries + submit.n);
    raft_message *next = first;
    for (Progress &p : s.tracker->peers) {
        const uint32_t n = p.mode == RAFT_PROGRESS_PIPELINE ? unsent(s, p) : 0;
        if (n > 0) {
            send(s, *next++, p, n);
        }
    }
    update.flags = RAFT_UPDATE_ENTRIES | hand_out(update, first, next);
    return 0;
}

/* Is a quorum in contact, and does every follower take the same kind of heartbeat? */
bool all_is_well(const Server &s, raft_time now) {
    const Tracker &t = *s.tracker;
    Ballot in_contact;
    for (const Progress &p : t.peers) {
        if (p.self || p.contact + s.settings->election_timeout > now) {
            in_contact += p.ballot;
        }
        if (p.mode != RAFT_PROGRESS_PIPELINE && p.follows()) {
            return false;
        }
    }
    return in_contact.is_majority_of(t.tally.all());
}

APART int on_timeout(Server &s, raft_event &event, raft_update &update) {
    const raft_time now = time_of(s, event);
    if (s.steady != Steady::kLeader || now < s.deadline || event.time > kLimit ||
        !s.outbox.holds(s.tracker->peers.size() * sizeof(raft_message)) || !all_is_well(s, now))
        [[unlikely]] {
        return libraft::step(s, event, update);
    }
    const raft_time timeout = s.timeout();
    begin(s, event);
    (void)replication::begin_round(s); /* else the one begun in this millisecond will do */
    s.deadline = now + s.settings->heartbeat_timeout;
    raft_message *next = messages_of(s);
    for (Progress &p : s.tracker->peers) {
        if (p.mode == RAFT_PROGRESS_PIPELINE) {
            replication::write_append_entries(s, *next++, p, p.next - 1, s.term, 0);
        }
    }
    update.flags = hand_out(update, messages_of(s), next) |
                   (s.timeout() != timeout ? unsigned{RAFT_UPDATE_TIMEOUT} : 0);
    return 0;
}

} // namespace

int step(Server &s, raft_event &event, raft_update &update) {
    INVARIANT(s.steady == Steady::kNo || s.steady == s.find_steady());
    const uint32_t type = load_enum(event.type);
    if (type == RAFT_RECEIVE && event.receive.message != nullptr) {
        const uint32_t kind = load_enum(event.receive.message->type);
        if (kind == RAFT_APPEND_ENTRIES) {
            return on_append_entries(s, event, update);
        }
        if (kind == RAFT_APPEND_ENTRIES_RESULT) {
            return on_append_entries_result(s, event, update);
        }
    } else if (type == RAFT_PERSISTED_ENTRIES) {
        return on_stored(s, event, update, event.persisted_entries.index);
    } else if (type == RAFT_SUBMIT) {
        return on_submit(s, event, update);
    } else if (type == RAFT_STORED && is_current(s, event.stored.write)) {
        return on_stored(s, event, update, event.stored.index);
    } else if (type == RAFT_TIMEOUT) {
        return on_timeout(s, event, update);
    }
    return libraft::step(s, event, update);
}

} // namespace libraft::steady
