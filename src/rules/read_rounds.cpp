/* SPDX-License-Identifier: MIT */
#include "rules/read_rounds.hpp"

#include "rules/reads.hpp"
#include "rules/rounds_and_leases.hpp"
#include "rules/sending.hpp"

#include <algorithm>

namespace libraft::read_rounds {
namespace {

using rounds::Echoes;

/* Is the latest round or barrier that was begun for reads still to be confirmed? */
bool is_under_way(const Server &s, const PendingRead *waiting) {
    const Tracker &t = *s.tracker;
    if (waiting == t.reads.begin() + t.answered) {
        return false;
    }
    const PendingRead &latest = waiting[-1];
    return latest.round != 0 ? !rounds::is_confirmed(s, latest.round) : latest.committed > s.commit;
}

void begin_round(Change &change) {
    Server &s = change.server;
    if (!rounds::begin(s)) {
        return; /* there are too many in this millisecond: the next heartbeat begins one */
    }
    reads::wait_for_round(*s.tracker);
    for (Peer &p : s.tracker->peers) {
        if (p.votes() && p.is_replicated_to()) {
            sending::send_heartbeat(change, p);
        }
    }
}

void begin_barrier(Change &change) {
    sending::append_barrier(change);
    reads::wait_for_barrier(change);
    sending::send_to_all(change);
}

} // namespace

void plan(const Server &s, Need *need) {
    need->entries += 1;
    need->messages += sending::messages_for_all(s, s.log.last() + 2);
}

void proceed(Change &change) {
    const Server &s = change.server;
    Tracker &t = *change.server.tracker;
    reads::release(change);
    const PendingRead *waiting = reads::first_waiting(t);
    if (waiting == t.reads.end() || is_under_way(s, waiting)) {
        return;
    }
    const Echoes echoes = rounds::quorum_echoes(s);
    if (echoes == Echoes::kYes) {
        begin_round(change);
    } else if (echoes == Echoes::kNo && t.transfer.to == 0) {
        begin_barrier(change);
    }
}

bool heartbeat_needs_barrier(const Server &s) {
    const Tracker &t = *s.tracker;
    const auto by_round = [](const PendingRead &read) { return read.round != 0; };
    return t.transfer.to == 0 &&
           std::any_of(t.reads.begin() + t.answered, t.reads.end(), by_round) &&
           rounds::quorum_echoes(s) == Echoes::kNo;
}

void share_heartbeat(Change &change) {
    Tracker &t = *change.server.tracker;
    /* If no quorum is known to echo rounds, the answers to the heartbeat decide between a round
     * and a barrier. */
    if (t.pending_reads() > 0 && rounds::quorum_echoes(change.server) == Echoes::kYes) {
        reads::wait_for_round(t);
    }
}

} // namespace libraft::read_rounds
