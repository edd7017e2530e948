/* SPDX-License-Identifier: MIT */
/* The leader's side of a snapshot that is sent in chunks (§5.1). */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::snapshot_transfer {

/* Send the next chunk. Needs one message. */
void send_chunk(Change &change, Peer &p);

/* A peer in snapshot mode says how much of which snapshot it has: send the next chunk, or the last
 * one again if it was lost. Needs one message. */
void on_status(Change &change, Peer &p, const raft_append_entries_result &r);

} // namespace libraft::snapshot_transfer
