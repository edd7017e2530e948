/* SPDX-License-Identifier: MIT */
/* The leader's commit index (§3.6.2), and what follows from its rise. */
#pragma once

#include "server.hpp"

namespace libraft::commit {

/* What the rise of the commit index could hand out. */
void plan_change(const Server &s, Need *need);
inline void plan(const Server &s, Need *need) {
    if (!s.configuration_committed() || s.configuration->joint || s.own_sets == 0) [[unlikely]] {
        plan_change(s, need);
    }
}

/* A peer's match index rose, this server's own included. True: the commit index moved, and
 * the peers may have, too; leadership may be over. */
bool peer_advanced(Step &step, Progress &p, raft_index match);

} // namespace libraft::commit
