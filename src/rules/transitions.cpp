/* SPDX-License-Identifier: MIT */
#include "rules/transitions.hpp"

#include "rules/election_start.hpp"
#include "state/tracker.hpp"

#include <algorithm>
#include <utility>

namespace libraft::transitions {
namespace {

void drop_tracker(Change &change) {
    Tracker &t = *change.server.tracker;
    while (t.pending_reads() > 0) {
        const PendingRead read = t.take_read();
        change.add_read(read.id, read.index, RAFT_LEADERSHIPLOST);
    }
    for (const Peer &p : t.peers) {
        if (!p.departing && p.catch_up != RAFT_CATCH_UP_NONE) {
            change.flags |= RAFT_UPDATE_CATCH_UP;
        }
    }
    if (t.transfer.to != 0) {
        change.flags |= RAFT_UPDATE_TRANSFER;
    }
    change.server.tracker.reset();
}

/* What belongs to a term begins anew with it. */
void enter_term(Change &change, raft_term term, raft_id voted_for) {
    Server &s = change.server;
    INVARIANT(term > s.term);
    change.remember();
    const raft_term passed = std::min<raft_term>(term - s.term, s.pre_vote_terms);
    s.pre_vote_terms = (s.pre_vote_terms - passed) & 3U;
    s.term = term;
    s.voted_for = voted_for;
    s.matched = 0;
    s.leader_round = 0;
}

void adopt(Change &change, raft_term term, raft_id voted_for) {
    enter_term(change, term, voted_for);
    if (change.server.state != RAFT_FOLLOWER) {
        become_follower(change);
    } else {
        known_leader::forget(change);
    }
}

} // namespace

void adopt_term(Change &change, raft_term term) {
    adopt(change, term, election_start::vote_in_adopted_term(change.server));
}

void begin_term(Change &change, raft_term term) { enter_term(change, term, change.server.id); }

void raise_term(Change &change, raft_term term) {
    INVARIANT(change.server.state == RAFT_CANDIDATE);
    enter_term(change, term, 0);
}

void become_follower(Change &change) {
    Server &s = change.server;
    change.remember();
    if (s.leads()) {
        s.heard_at = s.now; /* a leader hears from itself */
        election_start::restart(s);
    } /* else a candidate, whose deadline runs on: a higher term alone puts no campaign off */
    /* unreachable: candidates and leaders have a tracker */
    if (s.tracker) {
        drop_tracker(change);
    }
    s.state = RAFT_FOLLOWER;
    known_leader::forget(change);
}

void become_candidate(Change &change, Owner<Tracker> tracker) {
    Server &s = change.server;
    change.remember();
    known_leader::forget(change);
    s.state = RAFT_CANDIDATE;
    if (tracker) {
        s.tracker = std::move(tracker);
    }
    election_start::restart(s);
}

void become_leader(Change &change) {
    Server &s = change.server;
    INVARIANT(s.state == RAFT_CANDIDATE && s.tracker);
    change.remember();
    s.state = RAFT_LEADER;
    s.has_led = true;
    known_leader::set_self(change);
}

void follow(Change &change, raft_id leader, raft_term term, unsigned char version,
            known_leader::Address &address) {
    Server &s = change.server;
    if (term > s.term) {
        adopt(change, term, 0);
    } else if (s.state != RAFT_FOLLOWER) {
        become_follower(change);
    }
    s.heard_at = s.now;
    known_leader::set(change, leader, address);
    election_start::rearm(s);
    s.leader_extended = s.leader_extended || version >= 1;
}

} // namespace libraft::transitions
