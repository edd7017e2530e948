/* SPDX-License-Identifier: MIT */
/* RAFT_RECONFIGURE: a leader moves to another configuration, in one step (§4.1) or through a joint
 * configuration (§4.3). */
#include "base/untrusted.hpp"
#include "events/events.hpp"
#include "rules/membership.hpp"
#include "state/tracker.hpp"

#include <utility>

namespace libraft {
namespace {

/* Every server that is sent the log must be able to read a joint configuration. */
bool all_know_joint(const Server &s, const Configuration &joint) {
    if (!s.announces(RAFT_FEATURE_JOINT)) {
        return false;
    }
    for (const raft_server &server : joint) {
        const Peer *p = s.tracker->find(server.id);
        const bool spare = server.role == RAFT_SPARE;
        if (server.id != s.id && !spare &&
            (p == nullptr || (p->features & RAFT_FEATURE_JOINT) == 0)) {
            return false;
        }
    }
    return true;
}

[[nodiscard]] int check(Step &step, const raft_configuration &conf) {
    const Server &s = step.server;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    int rv = membership::check(step, conf);
    if (rv == 0) {
        rv = membership::check_possible(step);
    }
    if (rv != 0) {
        return rv;
    }
    if (s.log.last() + 2 > kLimit) {
        return step.fail(RAFT_TOOBIG, "the index is at its limit");
    }
    return 0;
}

[[nodiscard]] int append_joint(Step &step, const Configuration &next) {
    const Server &s = step.server;
    Owner<Configuration> joint(configuration::join(*s.configuration, next));
    if (!joint) {
        return step.no_memory();
    }
    const int rv = configuration::validate(joint->view(), configuration::Roles::kJoint);
    if (rv != 0) {
        return rv == RAFT_NOMEM ? step.no_memory()
                                : step.fail(rv, "the old and the new voters share an address");
    }
    if (!all_know_joint(s, *joint)) {
        return step.fail(RAFT_CANTCHANGE, "a member does not announce joint changes");
    }
    return membership::append_change(step, std::move(joint), nullptr);
}

} // namespace

int on_reconfigure(Step &step) {
    const raft_configuration &conf = step.event.reconfigure.conf;
    const int rv = check(step, conf);
    if (rv != 0) {
        return rv;
    }
    Owner<Configuration> next(configuration::copy(conf, 0));
    if (!next) {
        return step.no_memory();
    }
    return configuration::voters_changed(*step.server.configuration, *next) <= 1
               ? membership::append_change(step, std::move(next), nullptr)
               : append_joint(step, *next);
}

} // namespace libraft
