/* SPDX-License-Identifier: MIT */
/* Membership changes that a leader appends (§4.1, §4.3), and configurations that a server appends
 * by itself, to found or to recover a cluster. */
#pragma once

#include "state/server.hpp"

namespace libraft::membership {

/* Is this a configuration that a caller may ask for? Returns 0 or fails the step. */
[[nodiscard]] int check(Step &step, const raft_configuration &conf);
/* May the leader change the membership now? */
[[nodiscard]] int check_possible(Step &step);

/* Append a change to the leader's log. The payload is the caller's if `entry` is not NULL. */
[[nodiscard]] int append_change(Step &step, Owner<Configuration> next, const raft_entry *entry);

/* Append a configuration on a server that does not lead. */
enum class Purpose { kFound, kRecover };
[[nodiscard]] int append_alone(Step &step, const raft_configuration &conf, raft_term term,
                               Purpose purpose);

} // namespace libraft::membership
