/* SPDX-License-Identifier: MIT */
/* When a server starts an election (§3.4), and whether it may. */
#pragma once

#include "base/untrusted.hpp"
#include "state/server.hpp"

#include <algorithm>

namespace libraft::election_start {

/* Can a server of this term campaign, and go on after it? Terms end at kLimit. */
inline bool has_term_left(raft_term term) { return term < kLimit - 1; }

/* May this server start elections? A voter may. So may a server that lost its vote by a change
 * that is not known to be committed: otherwise {A, B} removing A can hang (§4.2.2). */
inline bool may_campaign(const Server &s) {
    if (!has_term_left(s.term)) {
        return false; /* only a hostile message can have brought it here */
    }
    if (s.last_stored == 0) {
        return false; /* the first configuration is not durable yet */
    }
    if (s.own_sets != 0) {
        return true;
    }
    return !s.configuration_committed() && s.configuration->previous != nullptr &&
           s.configuration->previous->voter_sets_of(s.id) != 0;
}

/* Wait the same timeout again, after hearing from a leader or giving a vote. */
inline void rearm_voter(Server &s) { s.deadline = s.now + s.drawn_timeout; }
inline void rearm(Server &s) {
    if (may_campaign(s)) {
        rearm_voter(s);
    } else {
        s.deadline = kNever;
    }
}

/* Draw a timeout between the minimum and twice that. */
inline void draw(Server &s) {
    const uint32_t least = s.settings->election_timeout;
    s.drawn_timeout = least + std::min(s.random.below(least), UINT32_MAX - least);
}

/* Wait a newly drawn timeout. */
inline void restart(Server &s) {
    draw(s);
    rearm(s);
}

} // namespace libraft::election_start
