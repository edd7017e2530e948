/* SPDX-License-Identifier: MIT */
/* Linearizable reads that wait for a round or for an entry to commit (§6.4).
 *
 * Reads share rounds. A read that finds no round for reads under way begins one. Those that come
 * meanwhile wait for the next round, which begins when the first is confirmed, or with the next
 * heartbeat: it must not have begun before the read came. Where too few voters echo rounds, a
 * barrier entry takes the place of the round: any entry of the leader's term that is appended after
 * the read and commits confirms it. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::reads {

/* What proceed() can need if it begins a round or a barrier. The step may have appended one entry
 * before it. */
void plan(const Server &s, Need *need);
/* The same, if reads wait. */
inline void plan_waiting(const Server &s, Need *need) {
    const Tracker &t = *s.tracker;
    if (t.pending_reads() > 0 && t.reads.back().round == kNextRound) [[unlikely]] {
        plan(s, need);
    }
}

/* Answer the pending reads whose round is confirmed and whose entry is committed. */
void release(Change &change);
/* The same. Then, if reads wait and no round or barrier for reads is under way, begin the next. */
void proceed(Change &change);

/* A heartbeat is due. */

/* Pending reads can no longer be confirmed by a round, because too few voters that echo rounds
 * are in contact: members were replaced, are silent, or run an older version. The leader must
 * then append a barrier. */
bool cannot_confirm_by_round(const Server &s);
/* Let the reads that wait for a round wait for the last entry instead, which is a barrier. */
void wait_for_barrier(Change &change);
/* A round has just begun with the heartbeat. The reads that wait share it. */
void share_round(Change &change);

} // namespace libraft::reads
