/* SPDX-License-Identifier: MIT */
/* Groups that sleep while the faults go on: the clients pause, settings change, and RAFT_WAKE is
 * stepped for no reason, or by a host that notices that another one failed. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {

/* Often the operator has nothing to ask, either. */
void Simulation::pause() {
    if (calm || plan.callers.pause_max == 0) {
        return;
    }
    const Callers &c = plan.callers;
    paused_until_ = now + extra.skewed(c.pause_max / 4, c.pause_max);
    operator_pauses_ = extra.percent(60);
    schedule(paused_until_ + extra.between(0, c.awake_max), Scheduled::PAUSE, 0, 0);
    note(0, "the clients pause until %.3f ms", static_cast<double>(paused_until_) / 1000.0);
}

void Simulation::wake_someone() {
    Server &s = server(extra.between(1, plan.servers));
    if (s.up) {
        stats.add(S_WAKE);
        s.wake();
    }
}

/* A setting without which a server does not sleep, and often back again before the next event. */
void Simulation::change_sleep_setting() {
    Server &s = server(extra.between(1, plan.servers));
    if (!s.up || s.codec < kSleeping) {
        return;
    }
    stats.add(S_SLEEP_SETTING);
    bool back = extra.percent(40);
    unsigned old = 0;
    switch (extra.below(4)) {
        case 0:
            old = plan.callers.idle[s.id];
            s.set_idle_timeout(extra.percent(50) ? 0
                                                 : static_cast<unsigned>(extra.between(1, 3000)));
            if (back) {
                s.set_idle_timeout(old);
            }
            break;
        case 1:
            s.set_pre_vote(false);
            if (back || extra.percent(70)) {
                s.set_pre_vote(true);
            }
            break;
        case 2:
            old = s.features();
            /* Data loss is followed by rounds: with data loss, features do not change. */
            s.set_features(old & ~unsigned{plan.callers.has(C_DATA_LOSS) || extra.percent(50)
                                               ? RAFT_FEATURE_SLEEP
                                               : RAFT_FEATURE_ROUNDS});
            if (back) {
                s.set_features(old);
            }
            break;
        default: /* A leader that never leads must step down: not one that is needed. */
            if (plan.callers.has(C_PREFERENCES)) {
                change_preference();
            } else if (back) {
                s.set_election_delay(UINT32_MAX);
                s.set_election_delay(0);
            }
    }
}

void Simulation::detect_failure(raft_id id) {
    if (plan.callers.has(C_SLEEP) && plan.callers.detection_max != 0) {
        schedule(now + extra.between(0, plan.callers.detection_max), Scheduled::DETECT, id, 0);
    }
}

/* The host steps RAFT_WAKE for the groups that are led there. */
void Simulation::notice_failure(raft_id id) {
    for (auto &s : servers_) {
        if (s->up && s->id != id && s->view.leader == id) {
            stats.add(S_DETECTED);
            s->wake();
        }
    }
}

bool Simulation::is_member(const Server &s) {
    Server *l = leader();
    int role = l != nullptr ? l->view.conf.role_of(s.id) : -1;
    return role >= 0 && role != RAFT_SPARE;
}

void Simulation::see_group_sleep(const Server &s) {
    std::string why;
    stats.add(S_GROUP_ASLEEP, !calm && s.up && all_sleep(&why));
}

} // namespace sim
