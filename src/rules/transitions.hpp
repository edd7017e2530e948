/* SPDX-License-Identifier: MIT */
/* Transitions between follower, candidate and leader (figure 3.3), and between terms. */
#pragma once

#include "rules/known_leader.hpp"

namespace libraft::transitions {

/* Another server has a higher term: follow in it (§3.3). */
void adopt_term(Change &change, raft_term term);
/* Begin a term of this server's own, with its own vote. */
void begin_term(Change &change, raft_term term);
/* Another server has a higher term: go on as a candidate in it. */
void raise_term(Change &change, raft_term term);

/* Ends leadership: the pending reads are answered with RAFT_LEADERSHIPLOST. */
void become_follower(Change &change);
/* `tracker` is empty on a server that is a candidate already. */
void become_candidate(Change &change, Owner<Tracker> tracker);
void become_leader(Change &change);

/* A message of a leader whose term is not lower came: follow it (§3.4). */
void follow(Change &change, raft_id leader, raft_term term, unsigned char version,
            known_leader::Address &address);

} // namespace libraft::transitions
