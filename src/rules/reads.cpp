/* SPDX-License-Identifier: MIT */
#include "rules/reads.hpp"

#include "rules/rounds_and_leases.hpp"
#include "rules/sending.hpp"

#include <algorithm>

namespace libraft::reads {
namespace {

using rounds::Echoes;

/* The first read that waits for the next round or barrier. */
PendingRead *first_waiting(Tracker &t) {
    return std::partition_point(t.reads.begin() + t.answered, t.reads.end(),
                                [](const PendingRead &read) { return read.round != kNextRound; });
}

/* Is the latest round or barrier that was begun for reads still to be confirmed? */
bool is_under_way(const Server &s, const PendingRead *waiting) {
    const Tracker &t = *s.tracker;
    if (waiting == t.reads.begin() + t.answered) {
        return false;
    }
    const PendingRead &latest = waiting[-1];
    return latest.round != 0 ? !rounds::is_confirmed(s, latest.round) : latest.committed > s.commit;
}

/* The reads from `waiting` on wait for a round that has just begun. */
void wait_for_round(Tracker &t, PendingRead *waiting) {
    std::for_each(waiting, t.reads.end(), [&](PendingRead &read) { read.round = t.round; });
}

void begin_round(Change &change, PendingRead *waiting) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    if (!rounds::begin(s)) {
        return; /* there are too many in this millisecond: the next heartbeat begins one */
    }
    wait_for_round(t, waiting);
    for (Peer &p : t.peers) {
        if (p.votes() && p.is_replicated_to()) {
            sending::send_heartbeat(change, p);
        }
    }
}

void begin_barrier(Change &change) {
    sending::append_barrier(change);
    wait_for_barrier(change);
    sending::send_to_all(change);
}

} // namespace

void plan(const Server &s, Need *need) {
    need->entries += 1;
    need->messages += sending::messages_for_all(s, s.log.last() + 2);
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

void proceed(Change &change) {
    const Server &s = change.server;
    Tracker &t = *change.server.tracker;
    release(change);
    PendingRead *waiting = first_waiting(t);
    if (waiting == t.reads.end() || is_under_way(s, waiting)) {
        return;
    }
    const Echoes echoes = rounds::quorum_echoes(s);
    if (echoes == Echoes::kYes) {
        begin_round(change, waiting);
    } else if (echoes == Echoes::kNo && t.transfer.to == 0) {
        begin_barrier(change);
    }
}

bool cannot_confirm_by_round(const Server &s) {
    const Tracker &t = *s.tracker;
    const auto by_round = [](const PendingRead &read) { return read.round != 0; };
    return t.transfer.to == 0 &&
           std::any_of(t.reads.begin() + t.answered, t.reads.end(), by_round) &&
           rounds::quorum_echoes(s) == Echoes::kNo;
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

void share_round(Change &change) {
    Tracker &t = *change.server.tracker;
    PendingRead *waiting = first_waiting(t);
    /* If no quorum is known to echo rounds, the answers to the heartbeat decide between a round
     * and a barrier. */
    if (waiting != t.reads.end() && rounds::quorum_echoes(change.server) == Echoes::kYes) {
        wait_for_round(t, waiting);
    }
}

} // namespace libraft::reads
