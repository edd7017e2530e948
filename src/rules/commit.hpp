/* SPDX-License-Identifier: MIT */
/* The commit index, on leaders (§3.6.2) and followers (§3.5), and what follows from its rise. */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

#include <algorithm>

namespace libraft::commit {

/* What a rise of the leader's commit index could hand out. */
void plan_change(const Server &s, Need *need);
inline void plan(const Server &s, Need *need) {
    if (!s.configuration_committed() || s.configuration->joint || s.own_sets == 0) [[unlikely]] {
        plan_change(s, need);
    }
}

/* A peer's match index rose, this server's own included: count it. Returns whether a quorum has
 * reached a higher index; then rise() must follow. */
inline bool count(Tracker &t, Peer &p, raft_index match) {
    const raft_index from = p.match;
    p.match = match;
    return t.tally.advanced(p.ballot, from, match);
}

/* The commit index rises to what a quorum has reached. Peers may be dropped by it, and leadership
 * may end. */
void rise(Change &change);

/* For the fast path: no read and no membership change waits for the index, so that nothing else
 * follows from its rise. Returns the flag of the update. */
inline unsigned advance_settled(Server &s, Peer &p, raft_index match) {
    Tracker &t = *s.tracker;
    if (!count(t, p, match)) {
        return 0;
    }
    s.commit = t.tally.settle(t.peers);
    return RAFT_UPDATE_COMMIT_INDEX;
}

/* Returns whether the commit index rose. */
inline bool peer_advanced(Change &change, Peer &p, raft_index match) {
    if (!count(*change.server.tracker, p, match)) {
        return false;
    }
    rise(change);
    return true;
}

/* The follower's commit index follows the leader's as far as the logs are known to agree; it never
 * falls. Returns whether it rose. */
inline bool follow(Server &s, raft_index leader_commit) {
    const raft_index commit = std::min(leader_commit, s.matched);
    if (commit <= s.commit) {
        return false;
    }
    s.commit = commit;
    return true;
}

} // namespace libraft::commit
