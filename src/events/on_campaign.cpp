/* SPDX-License-Identifier: MIT */
/* RAFT_CAMPAIGN: do now what an election timeout would do (§3.4). */
#include "events/events.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"

namespace libraft {

int on_campaign(Step &step) {
    const Server &s = step.server;
    if (s.leads()) {
        return step.fail(RAFT_INVALID, "this server is the leader already");
    }
    /* The caller answers for a sole voter, whom a timeout may not let elect itself. */
    if (s.last_stored == 0 || !election_start::may_lead(s)) {
        return step.fail(RAFT_INVALID, "this server may not campaign");
    }
    if (election_start::in_lease(s)) {
        return step.fail(RAFT_BUSY,
                         "less than an election timeout ago this server started or "
                         "heard from a leader");
    }
    if (election_start::is_installing(s)) {
        return step.fail(RAFT_BUSY, "a snapshot is being installed");
    }
    return elections::campaign(step);
}

} // namespace libraft
