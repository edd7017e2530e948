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

/* What `force` waives. Can the servers that are in contact commit the change to `next`? A change
 * that was appended cannot be taken back, and excludes all others until it commits. And does
 * `next` add no server under an ID that was used before? */
[[nodiscard]] int check_unforced(Step &step, const Configuration &next);

/* Append a change to the leader's log. The payload is the caller's if `entry` is not NULL. */
[[nodiscard]] int append_change(Step &step, Owner<Configuration> next, const raft_entry *entry);

/* Append a configuration on a server that does not lead. */
enum class Purpose { kFound, kRecover };
[[nodiscard]] int append_alone(Step &step, const raft_configuration &conf, raft_term term,
                               Purpose purpose);

/* What a rise of the leader's commit index can need. */
void plan_committed(const Server &s, Need *need);
inline void plan_commit(const Server &s, Need *need) {
    /* unreachable: a leader that lost its vote by a committed change does not lead any more */
    if (!s.configuration_committed() || s.configuration->joint || s.own_sets == 0) [[unlikely]] {
        plan_committed(s, need);
    }
}
/* The leader's commit index rose from `from`. If a change committed with it, carry on: leave a
 * joint configuration (§4.3), or finish the change. Peers may be dropped by it, and leadership
 * may end. */
void committed(Change &change, raft_index from);

} // namespace libraft::membership
