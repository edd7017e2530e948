/* SPDX-License-Identifier: MIT */
#include "rules/fast_path.hpp"

#include "state/tracker.hpp"

namespace libraft::fast_path {
namespace {

/* A leader is known, no snapshot is being received, and this server has a log. (It has a deadline,
 * as it knows a leader.) */
bool is_settled_follower(const Server &s) {
    /* unreachable: a log with a durable entry or a snapshot has a last term */
    return s.leader != 0 && !s.installation && s.last_stored != 0 && s.log.last_term() != 0;
}

/* The leader does nothing but replicate, and each pipelined peer needs entries of the last term
 * only. */
bool is_settled_leader(const Server &s) {
    const Tracker &t = *s.tracker;
    if (s.own_sets == 0 || s.settings->never_leads() || s.settings->eager_commit ||
        !s.configuration_committed() || s.configuration->joint || t.catch_up.id != 0 ||
        t.transfer.to != 0 || t.pending_reads() > 0 || t.sleep_from != 0) {
        return false;
    }
    for (const Peer &p : t.peers) {
        /* unreachable: departing peers are forgotten in the step that commits the change */
        if (p.departing || p.is(kAnyLoss) ||
            (p.is_pipelined() && !s.log.ends_with_run_of(p.next - 1))) {
            return false;
        }
    }
    return true;
}

} // namespace

FastPath find(const Server &s) {
    /* unreachable: find() is called at the end of a step that succeeded: the server is started */
    if (!s.started || s.asleep || s.tracer != nullptr) {
        return FastPath::kNone;
    }
    if (s.state == RAFT_FOLLOWER) {
        return is_settled_follower(s) ? FastPath::kFollower : FastPath::kNone;
    }
    return s.leads() && is_settled_leader(s) ? FastPath::kLeader : FastPath::kNone;
}

} // namespace libraft::fast_path
