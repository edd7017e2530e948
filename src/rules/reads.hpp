/* SPDX-License-Identifier: MIT */
/* Linearizable reads that wait for a round or for an entry to commit (§6.4).
 *
 * Reads share rounds. A read that finds no round for reads under way begins one. Those that come
 * meanwhile wait for the next round, which begins when the first is confirmed, or with the next
 * heartbeat: it must not have begun before the read came. Where too few voters echo rounds, a
 * barrier entry takes the place of the round: any entry of the leader's term that is appended after
 * the read and commits confirms it. rules/read_rounds.hpp begins the rounds and barriers. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::reads {

/* The first read that waits for the next round or barrier; the end if there is none. */
PendingRead *first_waiting(Tracker &t);

/* Let the reads that wait share the round that has just begun, or all wait for the last entry,
 * which is a barrier. */
void wait_for_round(Tracker &t);
void wait_for_barrier(Change &change);

/* Answer the pending reads whose round is confirmed and whose entry is committed. */
void release(Change &change);

} // namespace libraft::reads
