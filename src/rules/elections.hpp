/* SPDX-License-Identifier: MIT */
/* The candidate's side of an election (§3.4), with pre-votes (§9.6): from the requests to the
 * barrier that opens the new leader's term. */
#pragma once

#include "state/server.hpp"

namespace libraft::elections {

/* What an election needs beside the outbox, acquired before the step changes anything. */
struct Preparation {
    Owner<Tracker> tracker;     /* unless this server is a candidate already */
    Owner<Configuration> leave; /* if a joint configuration is in force */
};
/* `coming`: the configuration after the step, if it is another than the present one. */
[[nodiscard]] bool prepare(const Server &s, const Configuration *coming, Preparation *preparation,
                           Need *need);

/* Become a candidate, and request pre-votes, or votes if pre-votes are off. A sole voter wins at
 * once. */
void campaign(Change &change, Preparation &preparation);
/* The same, as a whole step. */
[[nodiscard]] int campaign(Step &step);
/* A pre-vote was refused by a server that is in the higher term `term`: request pre-votes again,
 * in the term after it. */
void ask_again(Change &change, raft_term term);
/* Become a candidate on behalf of the leader (§3.10): request votes that disrupt it. */
void campaign_with_permission(Change &change, Preparation &preparation);
/* A vote was granted. With a quorum of pre-votes, request votes; with a quorum of votes, lead. */
void count_votes(Change &change);

} // namespace libraft::elections
