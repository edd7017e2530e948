/* SPDX-License-Identifier: MIT */
/* After the faults: one voter that is awake wakes its group, and all fall asleep again. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr Time kIntervals = 100; /* heartbeat timeouts until silent members are asked again */

} // namespace

/* A living voter that may campaign. */
Server *Simulation::choose_voter(bool leads) {
    std::vector<Server *> fit;
    for (auto &s : servers_) {
        bool fits = leads ? s->up && s->view.leads() : s->may_campaign();
        if (fits && is_member(*s)) {
            fit.push_back(s.get());
        }
    }
    return fit.empty() ? nullptr : fit[extra.below(fit.size())];
}

/* A voter that has a deadline suffices. If all sleep, nobody would notice that their leader is
 * gone: one gets RAFT_WAKE. */
void Simulation::wake_if_all_sleep() {
    if (!plan.callers.has(C_SLEEP) || broken == Broken::NO_WAKE) {
        return;
    }
    std::vector<Server *> fit;
    for (auto &s : servers_) {
        if (s->may_campaign() && !s->asleep()) {
            return;
        }
        if (s->may_campaign() || (s->up && s->view.leads())) {
            fit.push_back(s.get());
        }
    }
    if (!fit.empty()) {
        Server &s = *fit[extra.below(fit.size())];
        note(s.id, "gets RAFT_WAKE, because all voters sleep");
        s.wake();
    }
}

bool Simulation::all_sleep(std::string *why) {
    Server *l = leader();
    if (l == nullptr) {
        *why = "there is no leader";
        return false;
    }
    for (const Member &m : l->view.conf.members) {
        const Server &s = server(m.id);
        if (s.up && m.role != RAFT_SPARE &&
            (!s.asleep() || s.view.term != l->view.term || s.view.leader != l->id ||
             s.view.commit != l->view.commit)) {
            *why = format("%s does not sleep in term %llu under %s", s.name(), l->view.term,
                          l->name());
            return false;
        }
    }
    return true;
}

/* The operator upgrades all servers, lets them sleep, and stops those that are not members. */
void Simulation::let_all_sleep() {
    bool upgraded = false;
    for (auto &s : servers_) {
        if (!s->lost && s->codec < kSleeping) {
            s->stop("to be upgraded");
            s->next_codec = kSleeping;
            s->boot();
            upgraded = true;
        }
    }
    auto agree = [this] {
        std::string why;
        return converged(&why);
    };
    if (upgraded && !run_until(now + liveness_bound(), agree)) {
        throw Violation("liveness", "no convergence after all servers were upgraded");
    }
    plan.tuning.pre_vote = true;
    bool sleepless = broken == Broken::SLEEPLESS;
    unsigned common = static_cast<unsigned>(extra.between(1, 3000));
    for (auto &s : servers_) {
        if (!s->lost && s->up && !is_member(*s) &&
            (votes(s->view.role) || s->view.conf_index > s->view.commit)) {
            s->stop("because it does not know that it is no voter");
            s->lost = true;
        } else if (!s->lost && s->up && !is_member(*s) && leader()->view.conf.role_of(s->id) < 0) {
            s->stop("because it is no member");
            s->lost = true;
        }
        bool wakeful = sleepless && is_member(*s) && s->up;
        sleepless = sleepless && !wakeful;
        plan.callers.idle[s->id] = wakeful ? 0 : common + static_cast<unsigned>(extra.below(500));
        if (s->up) {
            s->set_pre_vote(true);
            s->set_features(s->features() | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_SLEEP);
            s->set_idle_timeout(plan.callers.idle[s->id]);
        }
    }
}

/* Within the idle timeout, or the time after which silent members are left out. Elections may come
 * first, and members may lack entries. */
void Simulation::expect_sleep(const char *when) {
    Time start = now, bound = liveness_bound() + 10 * kSecond;
    std::string why;
    while (!all_sleep(&why)) {
        if (now > start + bound) {
            throw Violation("rest",
                            format("%s, within %llu s, %s", when,
                                   static_cast<unsigned long long>(bound / kSecond), why.c_str()));
        }
        run_until(now + 10 * kMs);
    }
    note(0, "all sleep");
}

/* A minute without a step; but a leader asks members that are down whether they are back. */
void Simulation::expect_rest() {
    run_until(now + plan.long_delay + 2 * kSecond); /* late messages have arrived */
    expect_sleep("after late messages");
    run_until(now + 4 * plan.max_election_timeout() * kMs);
    uint64_t before = stats.n[S_STEP];
    run_until(now + kMinute);
    uint64_t steps = stats.n[S_STEP] - before;
    bool asks = leader()->view.timeout != driver::kNoDeadline;
    uint64_t most = asks ? kMinute / (90 * 10 * kMs) : 0;
    if (steps > most) {
        throw Violation("rest", format("%llu steps in a minute in which all sleep",
                                       static_cast<unsigned long long>(steps)));
    }
    stats.add(S_ALL_RESTED, steps == 0);
}

/* An entry commits, and all living members apply it. */
void Simulation::expect_commit() {
    Server *l = nullptr;
    auto accepted = [&] { /* perhaps only so many may be uncommitted */
                          l = leader();
                          return l != nullptr && l->submit(std::vector<uint32_t>{kNoOp}) == 0;
    };
    if (!run_until(now + liveness_bound(), accepted)) {
        throw Violation("liveness", "no leader takes an entry after the faults");
    }
    raft_index at = l->view.last;
    auto applied = [&] {
        return std::all_of(servers_.begin(), servers_.end(), [&](auto &s) {
            return !s->up || !is_member(*s) || s->machine.applied >= at;
        });
    };
    if (!run_until(now + liveness_bound(), applied)) {
        throw Violation("liveness", format("entry %llu is not applied by all", at));
    }
}

/* A member restarts, cut off, or wakes up there. Then it comes back. It must not unseat the leader,
 * which is alive and sleeps (§9.6, §4.2.3). */
void Simulation::expect_undisturbed() {
    Server &l = *leader();
    raft_term term = l.view.term;
    raft_id id = extra.between(1, plan.servers);
    Server &s = server(id);
    auto others = [&](raft_id other) { return other != id && server(other).up; };
    if (id == l.id || !is_member(s) || !s.up || !quorum(l.view.conf, others)) {
        return;
    }
    note(id, "is cut off from a group that sleeps");
    bool cut = extra.percent(70), restarts = extra.percent(60);
    if (cut) {
        network.split(1U << id, true, true);
    }
    if (restarts) {
        s.stop("while its group sleeps");
        run_until(now + extra.below(2 * kSecond));
        s.boot();
    } else {
        s.wake();
    }
    run_until(now + extra.below(8 * plan.max_election_timeout()) * kMs);
    network.heal();
    if (!s.may_campaign() && s.view.state == RAFT_FOLLOWER) {
        l.wake(); /* its host sees that the other one is back */
    }
    Time bound = kIntervals * plan.max_heartbeat() * kMs;
    if (!run_until(now + liveness_bound() + 2 * bound, [&] { return s.view.leader == l.id; })) {
        throw Violation("liveness",
                        format("%s comes back and does not learn its leader", s.name()));
    }
    expect_sleep("after a member was cut off");
    if (!l.view.leads() || l.view.term != term) {
        throw Violation("undisturbed", format("%s, which comes back, unseats %s, which slept",
                                              s.name(), l.name()));
    }
}

/* RAFT_WAKE while the leader is alive costs two rounds, not an idle timeout. */
void Simulation::expect_false_alarm() {
    Server &l = *leader();
    raft_term term = l.view.term;
    Server *s = extra.percent(30) ? &l : choose_voter(false);
    if (s == nullptr) {
        return;
    }
    note(s->id, "gets RAFT_WAKE for no reason");
    s->wake();
    Time round = 2 * (plan.delay_max + kMs);
    Time end = now + 3 * round + 2 * plan.max_heartbeat() * kMs;
    std::string why;
    if (!run_until(end, [&] { return all_sleep(&why); }) || l.view.term != term) {
        throw Violation("rest", format("a false alarm: %s", why.c_str()));
    }
}

/* The leader dies asleep, and nobody notices. Then one voter gets RAFT_WAKE, or restarts. */
void Simulation::expect_successor() {
    Server &l = *leader();
    raft_term term = l.view.term;
    auto others = [&](raft_id other) { return other != l.id && server(other).up; };
    if (!quorum(l.view.conf, others)) {
        return;
    }
    const Configuration conf = l.view.conf;
    Server *s = nullptr;
    for (const Member &m : conf.members) {
        Server &other = server(m.id);
        if (m.id != l.id && other.may_campaign() && (s == nullptr || extra.percent(50))) {
            s = &other;
        }
    }
    if (s == nullptr) {
        return;
    }
    run_until(now + kSecond); /* the last answers arrive */
    expect_sleep("before its leader dies");
    Time detection = plan.callers.detection_max;
    plan.callers.detection_max = 0;
    l.stop("for long, while its group sleeps");
    uint64_t steps = stats.n[S_STEP];
    run_until(now + extra.below(5 * plan.max_election_timeout()) * kMs);
    if (stats.n[S_STEP] != steps) {
        throw Violation("rest", "members that sleep notice that their leader died");
    }
    if (broken != Broken::NO_WAKE && extra.percent(60)) {
        stats.add(S_LONE_WAKE);
        note(s->id, "gets RAFT_WAKE");
        s->wake();
    } else if (broken != Broken::NO_WAKE) {
        s->stop("while its leader is dead");
        s->boot();
    }
    expect_leader();
    auto known = [&] {
        Server *next = leader();
        return next != nullptr && std::all_of(servers_.begin(), servers_.end(), [&](auto &o) {
                   return !o->up || !is_member(*o) || o->view.leader == next->id;
               });
    };
    if (!run_until(now + liveness_bound(), known)) {
        throw Violation("liveness", "not all know the successor of a leader that died asleep");
    }
    expect_commit();
    expect_sleep("after a leader died asleep");
    bool back = !extra.percent(20);
    if (back) {
        l.boot();
        run_until(now + kMs);
        Time bound = liveness_bound() + 2 * kIntervals * plan.max_heartbeat() * kMs;
        auto follows = [&] { return l.view.term > term && l.view.leader != 0; };
        if (!run_until(now + bound, follows)) {
            throw Violation("liveness",
                            format("%s comes back and does not learn its leader", l.name()));
        }
        expect_sleep("after the old leader came back");
    } else {
        l.lost = true;
    }
    plan.callers.detection_max = detection;
}

void Simulation::expect_sleep_and_waking() {
    if (!plan.callers.has(C_SLEEP)) {
        return;
    }
    let_all_sleep();
    expect_sleep("after the faults");
    expect_rest();
    for (unsigned i = 0; i < 4; i++) {
        switch (extra.below(4)) {
            case 0:
                expect_undisturbed();
                break;
            case 1:
                expect_false_alarm();
                break;
            case 2:
                expect_successor();
                break;
            default:
                expect_commit();
                expect_sleep("after a commit");
        }
    }
    expect_convergence();
}

} // namespace sim
