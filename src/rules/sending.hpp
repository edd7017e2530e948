/* SPDX-License-Identifier: MIT */
/* What a leader sends to its peers: entries and heartbeats (§3.5). */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::sending {

/* Write an AppendEntries with `n` entries after `prev`, whose term is `prev_term`. */
inline void write_append_entries(const Server &s, raft_message &m, Peer &p, raft_index prev,
                                 raft_term prev_term, uint32_t n) {
    const bool round = (p.usable() & s.settings->features & RAFT_FEATURE_ROUNDS) != 0;
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = p.id;
    m.server_address = p.address;
    raft_append_entries &ae = m.append_entries;
    ae.version = round;
    ae.term = s.term;
    ae.prev_log_index = prev;
    ae.prev_log_term = prev_term;
    ae.leader_commit = s.commit;
    ae.entries = nullptr;
    ae.n_entries = n;
    ae.round = round ? s.tracker->round : 0;
    ae.sleep = false;
    p.sent = prev + n > p.sent ? prev + n : p.sent;
}

/* The last entry that may be in flight to a peer. */
inline raft_index window_end(const Server &s, const Peer &p) {
    const uint32_t limit = s.settings->max_inflight_entries;
    const raft_index end = p.match + (p.window < limit ? p.window : limit);
    return end < s.log.last() ? end : s.log.last();
}

/* How many new entries fit the window of a peer that is pipelined? */
inline uint32_t unsent(const Server &s, const Peer &p) {
    const raft_index end = window_end(s, p);
    return p.next <= end ? static_cast<uint32_t>(end + 1 - p.next) : 0;
}
/* Would one message hold everything that the peer lacks of a log that ends at `last`? */
inline bool fits_message(const Server &s, const Peer &p, raft_index last) {
    /* unreachable: only peers that lack entries are asked about */
    return last < p.next || last - p.next < s.settings->message_limit();
}
/* Write the next `n` entries, which follow an entry of this leader's term. */
inline void write_next(const Server &s, raft_message &m, Peer &p, uint32_t n) {
    write_append_entries(s, m, p, p.next - 1, s.term, n);
    p.asked_or_offset = p.next;
    p.next += n;
}

/* The entry before the next one that a heartbeat of a pipelined peer may name: what the peer is
 * known to have. A heartbeat may arrive before the entries that were sent earlier, on another
 * connection; it must not be rejected for that. */
raft_index heartbeat_position(const Server &s, const Peer &p);

/* How many messages bringing a peer up to `last` can take in one step, at most. */
uint64_t messages_for(const Server &s, const Peer &p, raft_index last);
uint64_t messages_for_all(const Server &s, raft_index last);

/* Send what the state of the peer calls for: the entries that its window allows, or one probe, or
 * a snapshot if it needs entries that were compacted. */
void send_entries(Change &change, Peer &p);
inline void send(Change &change, Peer &p) {
    if (p.next <= change.server.log.last() || !p.is_pipelined()) {
        send_entries(change, p);
    }
}
/* Send an AppendEntries without entries: a heartbeat, a round, or the commit index. */
void send_heartbeat(Change &change, Peer &p);
/* Send the last message to a peer that is removed or demoted, or of a leader that steps down. */
void send_farewell(Change &change, Peer &p);
/* Entries are in flight to this peer, it answers, but its acknowledgements have not advanced for
 * longer than usual: the entries may be lost. */
bool is_stalled(const Server &s, const Peer &p, raft_time now);
/* If the caller wants it: tell the pipelined peers that are sent nothing else in this step that the
 * commit index rose above `before`. */
inline void plan_telling(const Server &s, Need *need) {
    need->messages += s.settings->eager_commit ? s.tracker->peers.size() : 0;
}
void tell_commit(Change &change, raft_index before);
/* Is a message to this peer in the update that is no answer, and so tells it of this leader? */
bool is_told(const Change &change, const Peer &p);
/* Send new entries to every peer that is pipelined. */
void send_to_all(Change &change);

/* Append a RAFT_BARRIER. */
void append_barrier(Change &change);

} // namespace libraft::sending
