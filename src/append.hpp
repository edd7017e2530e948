/* SPDX-License-Identifier: MIT */
/* The follower's side of log replication (§3.5), and what happens when entries become
 * durable, on any server. */
#pragma once

#include "server.hpp"

namespace libraft::append {

[[nodiscard]] int on_append_entries(Step &step, const raft_message &m);
[[nodiscard]] int on_persisted(Step &step, raft_index index);
[[nodiscard]] int on_stored(Step &step);

/* Everything up to `last` is acknowledged or, if `rejected` is not 0, that is rejected. */
inline void write_answer(const Server &s, raft_message &m, raft_id to, const char *address,
                         raft_index rejected, raft_index last) {
    const bool extended =
        s.leader_extended && s.announces(RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS);
    /* Another leader's bytes may differ. */
    const Install *install =
        extended && s.install != nullptr && s.install->leader_term == s.term ? s.install : nullptr;
    m.type = RAFT_APPEND_ENTRIES_RESULT;
    m.server_id = to;
    m.server_address = address;
    raft_append_entries_result &r = m.append_entries_result;
    r.version = extended ? 3 : 2;
    r.term = s.term;
    r.rejected = rejected;
    r.last_log_index = last;
    r.features = s.settings->features;
    r.capacity = s.capacity;
    r.round = extended ? s.leader_round : 0;
    r.snapshot_index = install != nullptr ? install->index : 0;
    r.snapshot_offset = install != nullptr ? install->offset : 0;
}
void answer(Step &step, raft_id to, const char *address, raft_index rejected, raft_index last);
/* Acknowledge to the leader what is durable and matched. */
void acknowledge_leader(Step &step);

} // namespace libraft::append
