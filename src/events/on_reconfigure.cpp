/* SPDX-License-Identifier: MIT */
/* RAFT_RECONFIGURE: a leader moves to another configuration, in one step (§4.1) or through a joint
 * configuration (§4.3). */
#include "base/untrusted.hpp"
#include "events/events.hpp"
#include "rules/membership.hpp"
#include "rules/rounds_and_leases.hpp"
#include "state/tracker.hpp"

#include <utility>

namespace libraft {
namespace {

/* Every server that is sent the log must be able to read a joint configuration. A server that the
 * change removes need not, unless it is in contact: it may be gone for good. */
bool all_know_joint(const Server &s, const Configuration &joint) {
    for (const raft_server &server : joint) {
        const Peer *p = s.tracker->find(server.id);
        const bool gone =
            /* unreachable: the leader knows each voter of its configuration */
            server.role == RAFT_VOTER_OUTGOING && p != nullptr && !rounds::is_heard(s, *p);
        if (server.id != s.id && server.role != RAFT_SPARE && !gone &&
            (p == nullptr || (p->features & RAFT_FEATURE_JOINT) == 0)) {
            return false;
        }
    }
    return true;
}

/* Is the change legal, and possible now? `differs` tells whether anything changes at all. */
[[nodiscard]] int check(Step &step, const raft_configuration &conf, bool *differs) {
    const Server &s = step.server;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    int rv = membership::check(step, conf);
    if (rv != 0) {
        return rv;
    }
    *differs = !configuration::same_members(*s.configuration, conf);
    if (!*differs) {
        return 0;
    }
    rv = membership::check_possible(step);
    if (rv != 0) {
        return rv;
    }
    if (s.log.last() + 2 > kLimit) {
        return step.fail(RAFT_TOOBIG, "the index is at its limit");
    }
    return 0;
}

/* Returns the joint configuration, if its members can read it. */
[[nodiscard]] int join(Step &step, const Configuration &next, bool force,
                       Owner<Configuration> *joint) {
    const Server &s = step.server;
    joint->reset(configuration::join(*s.configuration, next));
    if (!*joint) {
        return step.no_memory();
    }
    const int rv = configuration::validate((*joint)->view(), configuration::Roles::kJoint);
    if (rv != 0) {
        return rv == RAFT_NOMEM ? step.no_memory()
                                : step.fail(rv, "the old and the new voters share an address");
    }
    if (!s.announces(RAFT_FEATURE_JOINT) || (!force && !all_know_joint(s, **joint))) {
        return step.fail(RAFT_CANTCHANGE, "a member does not announce joint changes");
    }
    return 0;
}

} // namespace

int on_reconfigure(Step &step) {
    const raft_event_reconfigure &event = step.event.reconfigure;
    const bool force = load_bool(event.force);
    bool differs = false;
    int rv = check(step, event.conf, &differs);
    if (rv != 0 || !differs) {
        return rv;
    }
    Owner<Configuration> next(configuration::copy(event.conf, 0));
    if (!next) {
        return step.no_memory();
    }
    Owner<Configuration> joint;
    if (configuration::voters_changed(*step.server.configuration, *next) > 1) {
        rv = join(step, *next, force, &joint);
    }
    if (rv == 0 && !force) {
        rv = membership::check_unforced(step, *next);
    }
    if (rv != 0) {
        return rv;
    }
    return membership::append_change(step, std::move(joint ? joint : next), nullptr);
}

} // namespace libraft
