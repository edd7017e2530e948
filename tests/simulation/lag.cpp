/* SPDX-License-Identifier: MIT */
/* A server needs a snapshot whose transfer takes longer than the leader's snapshot interval, under
 * load: it must be up to date within a bound that follows from the size of the snapshot, the chunks
 * and the bandwidth. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {

/* How long the transfer of one snapshot takes, at most. */
Time Simulation::transfer_bound() const {
    uint64_t size = plan.padding + sizeof(Machine);
    /* Chunks have any size up to the limit: half of it on average, less towards the end. */
    uint64_t chunks = 4 * size / plan.chunk_max + 25;
    Time chunk = 2 * (plan.delay_max + plan.disk_max) + plan.callers.chunk_write_max;
    Time bytes =
        plan.callers.bandwidth != 0 ? (size + 100 * chunks) * kSecond / plan.callers.bandwidth : 0;
    /* Every server may be sent one, over connections of their own. A chunk or its answer may have
     * been lost just before the faults stopped. */
    return 2 * (chunks * chunk + bytes) + 2 * plan.tuning.snapshot_timeout * kMs;
}

void Simulation::expect_catch_up_under_load() {
    for (unsigned tries = 0; tries < 4 && plan.callers.has(C_LAG); tries++) {
        if (expect_catch_up()) {
            return;
        }
        run_until(now + 2 * plan.max_election_timeout() * kMs);
    }
}

/* False: no server could be made to need a snapshot. */
bool Simulation::expect_catch_up() {
    Server *l = leader();
    if (l == nullptr || l->view.conf.joint()) {
        return false;
    }
    const auto members = l->view.conf.members;
    Server &follower = server(members[extra.below(members.size())].id);
    if (follower.id == l->id || l->view.conf.role_of(follower.id) == RAFT_SPARE || !follower.up) {
        return false;
    }
    raft_index every = plan.snapshot_every;
    bool lags = make_lag(*l, follower);
    plan.snapshot_every = every;
    if (!lags) {
        return false;
    }
    stats.add(S_LAG);
    note(follower.id, "needs a snapshot, while %s takes new ones", l->name());
    raft_index target = l->view.commit;
    Time end = now + transfer_bound() + 10 * plan.max_election_timeout() * kMs;
    while (follower.machine.applied < target) {
        if (now > end) {
            throw Violation("liveness",
                            format("%s needs a snapshot under load, and has applied %llu of %llu "
                                   "within the time of two transfers",
                                   follower.name(), follower.machine.applied, target));
        }
        run_until(now + 10 * kMs);
        if (Server *now_leader = leader()) {
            now_leader->take_snapshot(true);
        }
    }
    return true;
}

} // namespace sim
