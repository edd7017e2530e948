/* SPDX-License-Identifier: MIT */
/* Role transitions (§3.3, figure 3.3), terms, and whom this server takes for its
 * leader. */
#pragma once

#include "server.hpp"

namespace libraft::roles {

/* A tracker of the latest configuration's members; NULL: out of memory. */
[[nodiscard]] Tracker *new_tracker(const Server &s);

/* Can a server of this term campaign, and go on after it? Numbers end at kLimit. */
bool has_term_left(raft_term term);

/* May this server start elections? A voter may. So may a server that lost its vote by
 * a change that is not known to be committed: else {A, B} removing A can hang (§4.2.2). */
bool may_campaign(const Server &s);

/* Wait an election timeout, randomized anew (§3.4). */
void restart_election_timer(Server &s);
/* Wait the same timeout again: a leader was heard, or a vote given. */
void rearm_election_timer(Server &s);

/* Somebody is ahead: follow in its term (§3.3). */
void adopt_term(Step &step, raft_term term);
/* Takes the tracker, or keeps the one there is. */
void become_candidate(Step &step, Tracker *tracker);
void become_leader_state(Step &step);
/* Pending reads are answered: leadership is lost. */
void become_follower(Step &step);

/* The latest configuration changed (§4.1: it is used as soon as it is appended). */
void configuration_changed(Step &step);
/* Where is the leader? A member's address is the configuration's. */
void resolve_leader_address(Step &step);
/* Make a configuration the latest. */
void push_configuration(Step &step, Configuration *c);

/* A leader's message came. Copies its address if no configuration has it. */
struct LeaderName {
    raft_id id = 0;
    char *foreign = nullptr;
    LeaderName() = default;
    LeaderName(const LeaderName &) = delete;
    LeaderName &operator=(const LeaderName &) = delete;
    ~LeaderName() {
        if (foreign != nullptr) {
            free(foreign);
        }
    }
};
[[nodiscard]] bool prepare_leader(const Server &s, const raft_message &m, raft_term term,
                                  LeaderName *name);
/* Follow the leader of a term that is not behind. */
void follow(Step &step, raft_term term, unsigned char version, LeaderName &name);

} // namespace libraft::roles
