/* SPDX-License-Identifier: MIT */
/* Elections (§3.4), with pre-votes (§9.6), against disruption (§4.2.3) and for leadership
 * transfer (§3.10). */
#pragma once

#include "server.hpp"

namespace libraft::election {

/* A follower's or candidate's timeout. */
[[nodiscard]] int on_timeout(Step &step);
[[nodiscard]] int on_request_vote(Step &step, const raft_message &m);
[[nodiscard]] int on_request_vote_result(Step &step, const raft_message &m);
[[nodiscard]] int on_timeout_now(Step &step, const raft_message &m);

/* Does this server alone make a quorum? */
bool is_sole_voter(const Configuration &c, raft_id id);

/* What an election could hand out. Acquires what it needs beside the outbox. */
struct Preparation {
    Tracker *tracker = nullptr;
    Preparation() = default;
    Preparation(const Preparation &) = delete;
    Preparation &operator=(const Preparation &) = delete;
    ~Preparation();
};
[[nodiscard]] bool prepare(Server &s, Preparation *preparation, Need *need);
/* Prepared and reserved for: ask for (pre-)votes, or win at once. */
void campaign(Step &step, Preparation &preparation);

} // namespace libraft::election
