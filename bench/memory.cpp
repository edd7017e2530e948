/* SPDX-License-Identifier: MIT */
/* Counts what the library allocates and holds, and prints a line of JSON for each figure. */
#include "cluster.hpp"
#include "heap.hpp"
#include "long_log.hpp"

#include <algorithm>
#include <cstdio>

using namespace bench;

namespace {

void print(const char *name, double value) {
    printf("{\"name\": \"%s\", \"value\": %g}\n", name, value);
}

/* The struct and the usable heap blocks; of the two followers the larger number. */
void count_servers(Cluster &cluster, uint64_t *follower, uint64_t *leader) {
    for (unsigned i = 0; i < cluster.nodes().size(); i++) {
        uint64_t *most = cluster.nodes()[i].state == RAFT_LEADER ? leader : follower;
        *most = std::max<uint64_t>(*most, sizeof(struct raft) + heap_of(i).bytes);
    }
}

/* After the first heartbeats. `all`: every server is bootstrapped, otherwise only the first one. */
void idle_servers(bool all, uint64_t *follower, uint64_t *leader) {
    Options options;
    options.bootstrap_all = all;
    Cluster cluster(options);
    cluster.settle();
    count_servers(cluster, follower, leader);
}

/* With settings that differ from the defaults: before the servers fall asleep, and asleep. */
void sleeping_servers() {
    Options options;
    options.idle_timeout = 1000;
    options.max_inflight = 100;
    Cluster cluster(options);
    cluster.settle();
    uint64_t follower = 0;
    uint64_t leader = 0;
    count_servers(cluster, &follower, &leader);
    print("bytes/idle follower with settings", static_cast<double>(follower));
    while (!cluster.asleep()) {
        cluster.heartbeat();
    }
    follower = leader = 0;
    count_servers(cluster, &follower, &leader);
    print("bytes/follower at rest", static_cast<double>(follower));
    print("bytes/leader at rest", static_cast<double>(leader));
}

void both_foundations() {
    uint64_t together = 0;
    uint64_t alone = 0;
    uint64_t leader = 0;
    idle_servers(true, &together, &leader);
    idle_servers(false, &alone, &leader);
    print("bytes/idle follower, all bootstrapped", static_cast<double>(together));
    print("bytes/idle follower, one bootstrapped", static_cast<double>(alone));
    print("bytes/idle follower", static_cast<double>(std::max(together, alone)));
    print("bytes/idle leader", static_cast<double>(leader));
}

void steady_state() {
    Cluster cluster(Options{});
    cluster.settle();
    constexpr unsigned kEntries = 1000;
    uint64_t before = 0;
    for (unsigned i = 0; i < 2 * kEntries; i++) {
        if (i == kEntries) {
            before = allocations();
        }
        cluster.advance(1);
        cluster.submit(1);
        cluster.deliver();
        if (i % 50 == 0) {
            cluster.heartbeat();
        }
    }
    print("allocations/entry", static_cast<double>(allocations() - before) / kEntries);
}

uint64_t held(unsigned entries, unsigned terms) {
    LongLog log(entries, terms);
    log.start();
    return heap_of(0).bytes;
}

uint64_t held_by_all() { return heap_of(0).bytes + heap_of(1).bytes + heap_of(2).bytes; }

void long_logs() {
    constexpr unsigned kLong = 1000000;
    const auto one = static_cast<double>(held(1, 1));
    print("bytes/1,000,000 entries in one term, loaded", static_cast<double>(held(kLong, 1)) - one);
    print("bytes/1,000,000 entries in 100,000 terms, loaded",
          static_cast<double>(held(kLong, kLong / 10)) - one);

    constexpr unsigned kBatch = 64;
    Options options;
    options.log_room = kLong + 2 * kBatch + 16;
    Cluster cluster(options);
    cluster.settle();
    cluster.submit(kBatch);
    cluster.deliver();
    const uint64_t before = held_by_all();
    for (unsigned i = 0; i < kLong; i += kBatch) {
        cluster.submit(kBatch);
        cluster.deliver();
    }
    print("bytes/1,000,000 entries in one term, replicated",
          static_cast<double>(held_by_all()) - static_cast<double>(before));
}

} // namespace

int main() {
    both_foundations();
    sleeping_servers();
    steady_state();
    long_logs();
    return 0;
}
