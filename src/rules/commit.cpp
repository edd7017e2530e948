/* SPDX-License-Identifier: MIT */
#include "rules/commit.hpp"

#include "rules/reads.hpp"

namespace libraft::commit {

bool peer_advanced(Change &change, Peer &p, raft_index match) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    if (!count(t, p, match)) {
        return false;
    }
    s.commit = t.tally.settle(t.peers);
    reads::release(change);
    return true;
}

} // namespace libraft::commit
