/* SPDX-License-Identifier: MIT */
/* When a server starts an election (§3.4), and whether it may. */
#pragma once

#include "base/untrusted.hpp"
#include "state/installation.hpp"
#include "state/server.hpp"

#include <algorithm>

namespace libraft::election_start {

/* Can a server of this term campaign, and go on after it? Terms end at kLimit. */
inline bool has_term_left(raft_term term) { return term < kLimit - 1; }

/* May this server become leader, once its log is durable? A voter may. So may a server that lost
 * its vote by a change that is not known to be committed: otherwise {A, B} removing A can hang
 * (§4.2.2). */
bool may_lead(const Server &s);

/* A sole voter needs no other server's vote. So it elects itself only if something shows that its
 * configuration is up to date: its vote or an entry of the current term, or that it has led under
 * this configuration. Otherwise a founder whose disk was emptied, and which receives the log from
 * its first entry on, would elect itself as soon as it has that entry. */
inline bool may_elect_itself(const Server &s) {
    return !s.sole_voter || s.voted_for == s.id || s.log.last_term() == s.term || s.has_led;
}

/* Whom does a server vote for when it adopts the term of a server that is not a leader? A sole
 * voter that may elect itself votes for itself, because its vote is the evidence that it may. A
 * removed server, which cannot win but raises the term with each campaign, would else take that
 * evidence away, and after a restart the sole voter would never elect itself. The rule also holds
 * while a change that adds a voter is uncommitted: a crash may undo the change. */
inline raft_id vote_in_adopted_term(const Server &s) {
    const bool was_sole_voter = !s.configuration_committed() &&
                                s.configuration->previous != nullptr &&
                                s.configuration->previous->has_sole_voter(s.id);
    return (s.sole_voter || was_sole_voter) && may_elect_itself(s) ? s.id : 0;
}

/* May this server start an election when its timeout passes? */
inline bool may_campaign(const Server &s) {
    return s.last_stored != 0 && may_lead(s) && may_elect_itself(s);
}

/* While a chunk of a snapshot is being written, the log may be about to be replaced. Between two
 * chunks, a leader that is silent has given the installation up. */
inline bool is_installing(const Server &s) { return s.installation && s.installation->outstanding; }

/* §4.2.3, §6.4.1: no vote is given, not even to this server itself, within a minimum election
 * timeout of hearing from a leader. A server that sleeps has just heard from its leader. */
inline bool in_lease(const Server &s) {
    return s.leads() || s.asleep || s.now - s.heard_at < s.settings->election_timeout;
}

/* Wait the same timeout again, after hearing from a leader or giving a vote. */
inline void rearm(Server &s) { s.deadline = s.now + s.drawn_timeout; }

/* Draw a timeout between the minimum and twice that, and add the election delay. */
inline void draw(Server &s) {
    const uint32_t least = s.settings->election_timeout;
    const uint64_t drawn = uint64_t{least} + s.random.below(least) + s.settings->delay();
    s.drawn_timeout = static_cast<uint32_t>(std::min<uint64_t>(drawn, UINT32_MAX));
}

/* Wait a newly drawn timeout. */
inline void restart(Server &s) {
    draw(s);
    rearm(s);
}

/* A follower has a deadline if and only if something happens when it passes: it campaigns, or it
 * forgets the leader. Called at the end of each step that can change either; a deadline that is
 * running is not moved. */
inline void refresh(Server &s) {
    if (s.state != RAFT_FOLLOWER || s.asleep) {
        return;
    }
    if (!may_campaign(s) && s.leader == 0) {
        s.deadline = kNever;
    } else if (s.deadline == kNever) {
        rearm(s);
    }
}

/* Settings changed while the server runs. A shorter timeout brings the running deadline forward, a
 * longer one puts it off: the lease of a leader whose election timeout is raised last (§6.4.1)
 * relies on voters that wait as long. */
void follow_settings(Server &s, const Settings &before);

} // namespace libraft::election_start
