/* SPDX-License-Identifier: MIT */
/* Linearizable reads that wait for a round or for an entry to commit (§6.4). */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::reads {

/* Pending reads can no longer be confirmed by a round, because too few voters that echo rounds
 * are in contact: members were replaced, are silent, or run an older version. The leader must
 * then append a barrier; any entry of its term that commits confirms the reads. */
bool cannot_confirm_by_round(const Server &s);
/* Let the reads that wait for a round wait for the last entry instead, which is a barrier. */
void wait_for_barrier(Change &change);
/* Answer the pending reads whose round is confirmed and whose entry is committed. */
void release(Change &change);

} // namespace libraft::reads
