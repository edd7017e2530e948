/* SPDX-License-Identifier: MIT */
/* A minority is lost for good while a follower has received a part of the leader's snapshot; the
 * leader is among the lost. The remaining majority, with that follower, must make progress. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr Time kLongestPhase = 5 * kSecond;

} // namespace

bool Simulation::run_until(Time end, const std::function<bool()> &reached) {
    while (!heap_.empty() && heap_.front().at <= end) {
        if (reached()) {
            return true;
        }
        advance();
    }
    now = std::max(now, end);
    return reached();
}

/* Compact the leader's log until it lacks entries that the follower needs and the others have. */
bool Simulation::make_lag(Server &l, Server &follower) {
    plan.snapshot_every = 0;
    network.split(1U << follower.id, true, true);
    raft_term term = l.view.term;
    auto leads = [&] { return l.up && l.view.leads() && l.view.term == term; };
    bool ahead = run_until(now + kLongestPhase,
                           [&] { return !leads() || l.machine.applied > follower.log.last() + 1; });
    if (ahead && leads()) {
        ahead = run_until(now + kLongestPhase, [&] {
            if (leads()) {
                l.take_snapshot(true);
            }
            return !leads() || l.view.first > follower.log.last() + 1;
        });
    }
    network.heal();
    return ahead && leads();
}

/* The leader, and as many of the other voters as may be lost. */
void Simulation::lose_servers(Server &l, const Server &needed) {
    Configuration conf = l.view.conf;
    auto lose = [&](Server &s) {
        s.stop("lost for good");
        s.lost = true;
        bool left = quorum(conf, [&](raft_id id) { return server(id).up; });
        if (!left && broken != Broken::LOST_MAJORITY) {
            s.lost = false;
            s.boot();
        }
    };
    lose(l);
    size_t n = conf.members.size(), begin = random.below(n);
    for (size_t i = 0; i < n; i++) {
        const Member &m = conf.members[(begin + i) % n];
        if (m.id != needed.id && votes(m.role) && server(m.id).up) {
            lose(server(m.id));
        }
    }
}

bool Simulation::lose_minority_during_install() {
    Server *l = leader();
    if (!plan.loses_minority || l == nullptr || l->view.conf.voters() < 3 || l->view.conf.joint() ||
        l->view.conf_index > l->view.commit) {
        return false;
    }
    const auto &members = l->view.conf.members;
    Server &follower = server(members[random.below(members.size())].id);
    if (follower.id == l->id || l->view.conf.role_of(follower.id) != RAFT_VOTER || !follower.up) {
        return false;
    }
    note(follower.id, "falls behind");
    if (!make_lag(*l, follower)) {
        return false;
    }
    bool durable = random.percent(70); /* else it is being written */
    bool half = run_until(now + kLongestPhase + 2 * plan.max_election_timeout() * kMs,
                          [&] { return follower.has_part(durable); });
    if (!half || !l->up || !l->view.leads()) {
        return false;
    }
    stats.add(S_MINORITY_LOST);
    lose_servers(*l, follower);
    wake_if_all_sleep();
    target_ = follower.id;
    run_until(now + 6 * plan.max_election_timeout() * kMs);
    target_ = 0;
    return true;
}

/* The next leader's entries for that follower are often lost at first. */
bool Simulation::drops_for_target(const Wire &wire) {
    return wire.to == target_ && wire.m.type == RAFT_APPEND_ENTRIES &&
           wire.m.append_entries.n_entries > 0 && random.percent(70);
}

} // namespace sim
