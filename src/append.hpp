/* SPDX-License-Identifier: MIT */
/* The follower's side of log replication (§3.5), and what happens when entries become
 * durable, on any server. */
#pragma once

#include "server.hpp"

namespace libraft::append {

[[nodiscard]] int on_append_entries(Step &step, const raft_message &m);
[[nodiscard]] int on_persisted(Step &step, raft_index index);
[[nodiscard]] int on_stored(Step &step);

/* Acknowledge everything up to `last` or, if `rejected` is not 0, reject it. */
void answer(Step &step, raft_id to, const char *address, raft_index rejected, raft_index last);
/* Acknowledge to the leader what is durable and matched. */
void acknowledge_leader(Step &step);

} // namespace libraft::append
