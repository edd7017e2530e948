/* SPDX-License-Identifier: MIT */
/* When the next round or barrier for reads begins (§6.4): see rules/reads.hpp. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

namespace libraft::read_rounds {

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
/* Answer the reads that can be answered. Then, if others wait and no round or barrier for reads is
 * under way, begin the next. */
void proceed(Change &change);

/* A heartbeat is due, and pending reads can no longer be confirmed by a round, because too few
 * voters that echo rounds are in contact: members were replaced, are silent, or run an older
 * version. The leader must then append a barrier. */
bool heartbeat_needs_barrier(const Server &s);
/* A heartbeat begins a round: the reads that wait share it. */
void share_heartbeat(Change &change);

} // namespace libraft::read_rounds
