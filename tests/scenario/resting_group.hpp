/* SPDX-License-Identifier: MIT */
/* Groups that sleep when they rest: see raft_set_idle_timeout(). */
#pragma once

#include "catch.hpp"
#include "cluster.hpp"

namespace scenario {

constexpr unsigned kIdle = 500; /* the idle timeout, ms */
constexpr unsigned kSleepFeatures = all_features | RAFT_FEATURE_SLEEP;

inline void let_sleep(raft *r) { REQUIRE(raft_set_idle_timeout(r, kIdle) == 0); }

/* Servers that may sleep. */
inline std::vector<Draw> sleepers(const char *members) {
    std::vector<Draw> draws = Cluster::fresh(members, kSleepFeatures);
    for (Draw &d : draws) {
        d.set = let_sleep;
    }
    return draws;
}

struct Group : Cluster {
    explicit Group(const std::vector<Draw> &servers) : Cluster(servers) { elect(1); }
    explicit Group(const char *members = "1 2 3") : Group(sleepers(members)) {}

    /* A server that sleeps knows a leader and has no deadline, unless it leads and waits for a
     * member that is silent. */
    bool asleep(raft_id id) {
        Server &s = (*this)[id];
        return s.leader() != 0 && s.deadline() > now + (s.leads() ? 1000U : 1000000000U);
    }
    bool all_asleep(std::initializer_list<raft_id> ids = {1, 2, 3}) {
        return std::all_of(ids.begin(), ids.end(), [&](raft_id id) { return asleep(id); });
    }
    /* Nothing is asked until the group sleeps. */
    void rest(std::initializer_list<raft_id> ids = {1, 2, 3}) {
        run(kIdle + 300);
        REQUIRE(all_asleep(ids));
    }
    void wake(raft_id id) { (*this)[id].step(Event(RAFT_WAKE)); }
};

/* Server 1 leads two others, and all sleep. */
struct RestingGroup : Group {
    RestingGroup() { rest(); }
};

/* Server 1 follows the played server 2 in term 1 and has heard its round 20. */
struct Follower : Cluster {
    Follower() : Follower(Draw{.id = 1, .log = "1[1 2 3] 1"}) {}
    explicit Follower(Draw d) : Cluster({sleeper(d)}) {
        (*this)[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2, .round = 20});
        drop();
    }
    static Draw sleeper(Draw d) {
        d.features = kSleepFeatures;
        d.set = let_sleep;
        return d;
    }
    static AppendEntries order(unsigned long long round = 21) {
        return {
            .term = 1, .prev = {2, 1}, .commit = 2, .round = round, .version = 2, .sleep = true};
    }
    bool asleep() { return (*this)[1].leader() != 0 && (*this)[1].deadline() == kNoDeadline; }
};

} // namespace scenario
