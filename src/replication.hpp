/* SPDX-License-Identifier: MIT */
/* A leader's log replication (§3.5): what is sent to whom. */
#pragma once

#include "server.hpp"

namespace libraft::replication {

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
[[nodiscard]] bool begin_round(Server &s);
raft_time round_began(const Server &s, uint64_t round);

} // namespace libraft::replication
