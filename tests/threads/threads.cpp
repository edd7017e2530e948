/* SPDX-License-Identifier: MIT */
/* Threads that share only the library's code drive clusters of their own. Each must have the same
 * results as without other threads. */
#include "../determinism/cluster.hpp"

#include <cstdio>
#include <thread>
#include <vector>

using namespace determinism;

namespace {

constexpr unsigned kThreads = 4;
constexpr unsigned kClusters = 24; /* for each thread */
constexpr unsigned kActions = 800;

struct Result {
    std::vector<uint64_t> digests;
    Reached reached;
};

/* The clusters of one thread. */
void drive(unsigned thread, Result *result) {
    for (unsigned i = 0; i < kClusters; i++) {
        Cluster cluster(thread * kClusters + i);
        cluster.run(kActions);
        result->digests.push_back(cluster.digest());
        result->reached.add(cluster.reached());
    }
}

} // namespace

int main() {
    std::vector<Result> alone(kThreads);
    std::vector<Result> together(kThreads);
    for (unsigned i = 0; i < kThreads; i++) {
        drive(i, &alone[i]);
    }
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; i++) {
        threads.emplace_back(drive, i, &together[i]);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    int status = 0;
    Reached reached;
    for (unsigned i = 0; i < kThreads; i++) {
        reached.add(together[i].reached);
        if (together[i].digests != alone[i].digests) {
            printf("thread %u has other results than alone\n", i);
            status = 1;
        }
    }
    const auto times = [&](const char *what, uint64_t n) {
        printf("%llu %s\n", static_cast<unsigned long long>(n), what);
        status = n == 0 ? 1 : status;
    };
    times("steps", reached.steps);
    times("elections and other changes of state", reached.flags[5]);
    times("updates with entries", reached.flags[2]);
    times("reads answered", reached.flags[9]);
    times("snapshots installed", reached.installed);
    return status;
}
