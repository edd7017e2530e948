/* SPDX-License-Identifier: MIT */
/* All figures are of the three servers of a group together. */
#include "cluster.hpp"
#include "workloads.hpp"

#include <cstdio>
#include <cstdlib>

namespace bench {
namespace {

constexpr unsigned kIdleTimeout = 1000;
constexpr unsigned kTimes = 50;

Options sleepy() {
    Options options;
    options.idle_timeout = kIdleTimeout;
    return options;
}

void require(bool condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "bench: sleep: %s\n", what);
        abort();
    }
}

/* Heartbeats until the group sleeps. The last one is counted, if that is wanted: the leader's
 * timer, the heartbeats that tell the others to sleep, and their answers. */
void fall_asleep(Cluster &cluster, Count *count) {
    require(!cluster.asleep(), "the group sleeps already");
    for (unsigned beats = 0; !cluster.asleep(); beats++) {
        require(beats < 2 * kIdleTimeout / 100, "the group does not fall asleep");
        if (count != nullptr) {
            count->begin();
        }
        cluster.heartbeat();
    }
    if (count != nullptr) {
        count->end(1);
    }
}

/* One entry, until it is committed and all messages have been delivered. */
void write(Cluster &cluster) {
    cluster.submit(1);
    cluster.deliver();
    cluster.require_committed(cluster.leader().log.size());
}

void falling_asleep(Count &count) {
    Cluster cluster(sleepy());
    cluster.settle();
    for (unsigned i = 0; i < kTimes; i++) {
        write(cluster);
        fall_asleep(cluster, &count);
    }
}

/* RAFT_WAKE on one server that sleeps, although its leader is alive, until all sleep again. */
void false_alarm(Count &count, bool on_leader) {
    Cluster cluster(sleepy());
    cluster.settle();
    fall_asleep(cluster, nullptr);
    const unsigned leader = cluster.leader_number();
    for (unsigned i = 0; i < kTimes; i++) {
        cluster.advance(1000);
        count.begin();
        cluster.wake(on_leader ? leader : (leader + 1) % 3);
        cluster.deliver();
        count.end(1);
        require(cluster.asleep(), "a false alarm keeps the group awake");
    }
}

/* A submission to a group that sleeps, as in W1. */
void writing(Count &count) {
    Cluster cluster(sleepy());
    cluster.settle();
    for (unsigned i = 0; i < kTimes; i++) {
        fall_asleep(cluster, nullptr);
        cluster.advance(1000);
        count.begin();
        write(cluster);
        count.end(1);
    }
}

} // namespace

void add_sleep_workloads(std::vector<Workload> *workloads) {
    workloads->push_back({"sleep/falling asleep", true, falling_asleep});
    workloads->push_back(
        {"sleep/false alarm of a follower", true, [](Count &c) { false_alarm(c, false); }});
    workloads->push_back(
        {"sleep/false alarm of the leader", true, [](Count &c) { false_alarm(c, true); }});
    workloads->push_back({"sleep/write", true, writing});
}

} // namespace bench
