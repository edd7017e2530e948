/* SPDX-License-Identifier: MIT */
/* A leader's log replication (§3.5): what is sent to whom. */
#pragma once

#include "server.hpp"

namespace libraft::replication {

/* `n` entries after `prev`, whose term is `prev_term`. */
inline void write_append_entries(const Server &s, raft_message &m, Progress &p, raft_index prev,
                                 raft_term prev_term, uint32_t n) {
    const bool round = (p.features & s.settings->features & RAFT_FEATURE_ROUNDS) != 0;
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
    p.sent = prev + n > p.sent ? prev + n : p.sent;
}

/* The last entry that may be in flight to a peer. */
inline raft_index window_end(const Server &s, const Progress &p) {
    const uint32_t limit = s.settings->max_inflight_entries;
    const raft_index end = p.match + (p.window < limit ? p.window : limit);
    return end < s.trail.last() ? end : s.trail.last();
}

/* Messages with entries to one peer in one step: a caller may allow more in flight than there
 * is memory for at once. The answers call for the rest. */
inline constexpr uint64_t kMostMessages = 1024;

/* How many messages bringing a peer up to `last` can take in one step, at most. */
uint64_t messages_for(const Server &s, const Progress &p, raft_index last);
uint64_t messages_for_all(const Server &s, raft_index last);

/* Entries, as far as the peer's mode and window allow; a probe; or a snapshot. */
void send_some(Step &step, Progress &p);
inline void send(Step &step, Progress &p) {
    if (p.next <= step.server.trail.last() || p.mode != RAFT_PROGRESS_PIPELINE) {
        send_some(step, p);
    }
}
/* An AppendEntries without entries: a heartbeat, a round, or the commit index. */
void send_heartbeat(Step &step, Progress &p);
/* The next chunk of the snapshot that is being sent to the peer (§5.1). */
void send_chunk(Step &step, Progress &p);
/* What a submission adds, to every peer that is in step. */
void send_to_all(Step &step);
void heartbeat_all(Step &step);

/* Append an entry of the library's own to the leader's log. */
void append_own(Step &step, raft_entry_type type, const raft_buffer &payload);
/* A RAFT_BARRIER. */
void append_barrier(Step &step);

/* Begin a leadership-confirmation round; false: too many in this millisecond. Rounds
 * carry the time of their beginning, so that an echo tells how old it is. */
inline constexpr unsigned kRoundBits = 20; /* of rounds within one millisecond */
[[nodiscard]] inline bool begin_round(Server &s) {
    Tracker &t = *s.tracker;
    const uint64_t moment = s.now - t.elected_at + 1;
    const uint64_t first = moment << kRoundBits;
    const uint64_t round = first > t.round ? first : t.round + 1;
    if (round >> kRoundBits > moment) {
        return false;
    }
    t.round = round;
    return true;
}
raft_time round_began(const Server &s, uint64_t round);

} // namespace libraft::replication
