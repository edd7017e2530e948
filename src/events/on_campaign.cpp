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
    /* election_start::may_elect_itself() is not asked: where a sole voter does not elect itself by
     * a timeout, this event is the way to make it lead. */
    if (s.last_stored == 0 || !election_start::may_lead(s)) {
        return step.fail(RAFT_INVALID, "this server may not campaign");
    }
    if (election_start::in_lease(s)) {
        return step.fail(RAFT_BUSY,
                         "this server sleeps, or it started or heard from a leader less than an "
                         "election timeout ago");
    }
    if (election_start::is_installing(s)) {
        return step.fail(RAFT_BUSY, "a snapshot is being installed");
    }
    return elections::campaign(step);
}

} // namespace libraft
