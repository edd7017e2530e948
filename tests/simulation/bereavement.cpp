/* SPDX-License-Identifier: MIT */
/* A minority is lost for good, at the worst moment: the leader dies while a follower has half of
 * its snapshot. Nobody comes back; the majority that lives, with that follower, must go on. */
#include "world.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr Time kPatience = 5 * kSecond; /* for each of its steps */

} // namespace

bool World::live_until(Time end, const std::function<bool()> &reached) {
    while (!heap_.empty() && heap_.front().at <= end) {
        if (reached()) {
            return true;
        }
        advance();
    }
    now = std::max(now, end);
    return reached();
}

/* The leader's log no longer has what that follower lacks; that of the others has. */
bool World::outrun(Server &l, Server &follower) {
    plan.snapshot_every = 0;
    network.split(1U << follower.id, true, true);
    raft_term term = l.view.term;
    auto leads = [&] { return l.up && l.view.leads() && l.view.term == term; };
    bool ahead = live_until(
        now + kPatience, [&] { return !leads() || l.machine.applied > follower.log.last() + 1; });
    if (ahead && leads()) {
        ahead = live_until(now + kPatience, [&] {
            if (leads()) {
                l.take_snapshot(true);
            }
            return !leads() || l.view.first > follower.log.last() + 1;
        });
    }
    network.heal();
    return ahead && leads();
}

/* It, and of the other voters as many as may be lost besides. */
void World::lose_minority(Server &l, const Server &needed) {
    Configuration conf = l.view.conf;
    auto lose = [&](Server &s) {
        s.stop("dies for good");
        s.gone = true;
        bool left = quorum(conf, [&](raft_id id) { return server(id).up; });
        if (!left && sabotage != Sabotage::DEAD_MAJORITY) {
            s.gone = false;
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

bool World::bereave() {
    Server *l = leader();
    if (!plan.bereaved || l == nullptr || l->view.conf.voters() < 3 || l->view.conf.joint() ||
        l->view.conf_index > l->view.commit) {
        return false;
    }
    const auto &members = l->view.conf.members;
    Server &follower = server(members[random.below(members.size())].id);
    if (follower.id == l->id || l->view.conf.role_of(follower.id) != RAFT_VOTER || !follower.up) {
        return false;
    }
    say(follower.id, "falls behind");
    if (!outrun(*l, follower)) {
        return false;
    }
    bool durable = random.percent(70); /* or still being written */
    bool half = live_until(now + kPatience + 2 * plan.max_election_timeout() * kMs,
                           [&] { return follower.has_half(durable); });
    if (!half || !l->up || !l->view.leads()) {
        return false;
    }
    stats.add(S_BEREAVED);
    lose_minority(*l, follower);
    thwarted_ = follower.id;
    live_until(now + 6 * plan.max_election_timeout() * kMs);
    thwarted_ = 0;
    return true;
}

/* What the next leader has for it is often lost at first. */
bool World::thwarts(const Wire &wire) {
    return wire.to == thwarted_ && wire.m.type == RAFT_APPEND_ENTRIES &&
           wire.m.append_entries.n_entries > 0 && random.percent(70);
}

} // namespace sim
