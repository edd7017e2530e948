/* SPDX-License-Identifier: MIT */
#include "rules/reads.hpp"

#include "rules/rounds_and_leases.hpp"

#include <algorithm>

namespace libraft::reads {

PendingRead *first_waiting(Tracker &t) {
    return std::partition_point(t.reads.begin() + t.answered, t.reads.end(),
                                [](const PendingRead &read) { return read.round != kNextRound; });
}

void wait_for_round(Tracker &t) {
    std::for_each(first_waiting(t), t.reads.end(),
                  [&](PendingRead &read) { read.round = t.round; });
}

void wait_for_barrier(Change &change) {
    Tracker &t = *change.server.tracker;
    for (uint32_t i = t.answered; i < t.reads.size(); i++) {
        if (t.reads[i].round != 0) {
            t.reads[i].round = 0;
            t.reads[i].committed = change.server.log.last();
        }
    }
}

void release(Change &change) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    uint64_t known = 0; /* a round that is known to be confirmed */
    while (t.pending_reads() > 0) {
        const PendingRead &read = t.reads[t.answered];
        if (read.committed > s.commit) {
            return;
        }
        if (read.round > known) {
            if (!rounds::is_confirmed(s, read.round)) {
                return;
            }
            known = read.round;
        }
        const PendingRead ready = t.take_read();
        change.add_read(ready.id, ready.index, 0);
    }
}

} // namespace libraft::reads
