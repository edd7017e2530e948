/* SPDX-License-Identifier: MIT */
#include "commit.hpp"

#include "reads.hpp"
#include "replication.hpp"
#include "roles.hpp"

namespace libraft::commit {
namespace {

/* A joint configuration is left as soon as it is committed (§4.3). */
void leave_joint(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    Configuration *next = t.leave;
    t.leave = nullptr;
    INVARIANT(next != nullptr);
    const raft_configuration view = next->view();
    raft_buffer payload;
    payload.len = configuration::encoded_size(view);
    payload.base = step.out.take(payload.len);
    configuration::encode(view, payload.base);
    replication::append_own(step, RAFT_CHANGE, payload);
    next->index = s.trail.last();
    roles::push_configuration(step, next);
    if (t.adopt(*next, s.id, s.trail.last(), s.now)) {
        step.flags |= RAFT_UPDATE_CATCH_UP;
    }
    t.tally.restart(t.peers, t.tally.floor());
    /* Only a voter of the new set can have been named as the next leader. */
    INVARIANT(t.transfer.to == 0 || next->voter_sets_of(t.transfer.to) != 0);
    replication::send_to_all(step);
}

/* The change is committed: tell those that it removed or put to rest, and go if it removed us
 * (§4.2.2). */
void finish_change(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    if (s.own_sets == 0) {
        replication::heartbeat_all(step);
        roles::become_follower(step);
        return;
    }
    for (Progress &p : t.peers) {
        if ((p.departing || p.resting) && p.follows()) {
            replication::send_heartbeat(step, p);
        }
    }
    t.forget_departing();
}

void advance(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    const bool change_pending = !s.configuration_committed();
    s.commit = t.tally.settle(t.peers);
    reads::release(step);
    if (!s.configuration_committed()) {
        return;
    }
    if (s.configuration->joint) {
        leave_joint(step);
    } else if (change_pending || s.own_sets == 0) {
        finish_change(step);
    }
}

} // namespace

void plan_change(const Server &s, Need *need) {
    const Configuration &c = *s.configuration;
    need->messages += 2 * replication::messages_for_all(s, s.trail.last() + 1);
    need->entries += 1;
    if (c.joint) {
        need->bytes += configuration::encoded_size(c.view());
    }
}

bool peer_advanced(Step &step, Progress &p, raft_index match) {
    Tracker &t = *step.server.tracker;
    raft_index from = p.match;
    p.match = match;
    if (!t.tally.advanced(p.ballot, from, match)) {
        return false;
    }
    advance(step);
    return true;
}

} // namespace libraft::commit
