/* SPDX-License-Identifier: MIT */
#include "rules/catch_up.hpp"

namespace libraft::catch_up {

void advanced(Change &change, Peer &p) {
    Server &s = change.server;
    CatchUp &c = s.tracker->catch_up;
    if (c.id != p.id || p.match < c.target) {
        return;
    }
    /* After a round that was shorter than an election timeout, little is missing. */
    if (p.match == s.log.last() || s.now - c.started < s.settings->election_timeout) {
        p.catch_up = RAFT_CATCH_UP_FINISHED;
        change.flags |= RAFT_UPDATE_CATCH_UP;
        c = CatchUp();
        return;
    }
    c.rounds++;
    c.target = s.log.last();
    c.started = s.now;
    check(change);
}

void give_up(Change &change) {
    Tracker &t = *change.server.tracker;
    Peer &p = *t.find(t.catch_up.id);
    p.catch_up = RAFT_CATCH_UP_ABORTED;
    if (!p.is_replicated_to()) {
        p.stop();
    }
    change.flags |= RAFT_UPDATE_CATCH_UP;
    t.catch_up = CatchUp();
}

void check(Change &change) {
    const Server &s = change.server;
    const CatchUp &c = s.tracker->catch_up;
    if (c.id != 0 && (c.rounds > s.settings->max_catch_up_rounds ||
                      s.now - c.started > s.settings->max_catch_up_round_duration)) {
        give_up(change);
    }
}

} // namespace libraft::catch_up
