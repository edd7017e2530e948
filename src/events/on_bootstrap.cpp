/* SPDX-License-Identifier: MIT */
/* RAFT_BOOTSTRAP: a pristine server founds a cluster. */
#include "events/events.hpp"
#include "rules/membership.hpp"

namespace libraft {

int on_bootstrap(Step &step) {
    const Server &s = step.server;
    /* unreachable: a server with a snapshot has a last index */
    if (s.voted_for != 0 || s.term > 1 || s.log.last() != 0 || s.snapshot_index != 0 ||
        /* unreachable: a server with a configuration has an entry or a snapshot */
        s.configuration != nullptr || s.installation) {
        return step.fail(RAFT_CANTBOOTSTRAP, "this server already has a vote, a log or a snapshot");
    }
    return membership::append_alone(step, step.event.bootstrap.conf, 1,
                                    membership::Purpose::kFound);
}

} // namespace libraft
