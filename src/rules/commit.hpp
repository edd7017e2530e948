/* SPDX-License-Identifier: MIT */
/* The commit index, on leaders (§3.6.2) and followers (§3.5). */
#pragma once

#include "state/server.hpp"
#include "state/tracker.hpp"

#include <algorithm>

namespace libraft::commit {

/* Count that the match index of a peer, this server included, rose. Returns whether a quorum has
 * reached a higher index. */
inline bool count(Tracker &t, Peer &p, raft_index match) {
    const raft_index from = p.match;
    p.match = match;
    return t.tally.advanced(p.ballot, from, match);
}

/* The match index of a peer, this server included, rose. Returns whether the commit index rose with
 * it; then the caller calls membership::committed(). */
bool peer_advanced(Change &change, Peer &p, raft_index match);

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
