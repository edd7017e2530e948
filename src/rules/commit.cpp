/* SPDX-License-Identifier: MIT */
#include "rules/commit.hpp"

#include "rules/changes.hpp"
#include "rules/reads.hpp"
#include "rules/sending.hpp"
#include "rules/transitions.hpp"

#include <utility>

namespace libraft::commit {
namespace {

/* A joint configuration is left as soon as it is committed (§4.3). */
void leave_joint(Change &change) {
    Tracker &t = *change.server.tracker;
    INVARIANT(t.leave);
    known_leader::Address unchanged; /* a joint configuration has the addresses of the next one */
    changes::install(change, std::move(t.leave), nullptr, unchanged);
    /* Only a voter of the new set can have been named as the next leader. */
    INVARIANT(t.transfer.to == 0 || change.server.configuration->voter_sets_of(t.transfer.to) != 0);
    sending::send_to_all(change);
}

/* A configuration change committed: send removed servers and new spares one last commit index,
 * drop them from the tracker, and step down if this leader was removed (§4.2.2). */
void finish_change(Change &change) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    if (s.own_sets == 0) {
        sending::heartbeat_all(change);
        transitions::become_follower(change);
        return;
    }
    for (Peer &p : t.peers) {
        if ((p.departing || p.demotion_pending) && p.is_replicated_to()) {
            sending::send_heartbeat(change, p);
        }
    }
    t.forget_departing();
}

} // namespace

void plan_change(const Server &s, Need *need) {
    const Configuration &c = *s.configuration;
    need->messages += 2 * sending::messages_for_all(s, s.log.last() + 1);
    need->entries += 1;
    if (c.joint) {
        need->bytes += configuration::encoded_size(c.view());
    }
}

void rise(Change &change) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    const bool change_pending = !s.configuration_committed();
    s.commit = t.tally.settle(t.peers);
    reads::release(change);
    if (!s.configuration_committed()) {
        return;
    }
    if (s.configuration->joint) {
        leave_joint(change);
    } else if (change_pending || s.own_sets == 0) {
        finish_change(change);
    }
}

} // namespace libraft::commit
