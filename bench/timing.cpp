/* SPDX-License-Identifier: MIT */
/* The times of the workloads, and lower bounds for comparison. Times are reported, never judged;
 * they include the driver's own work. */
#include "cluster.hpp"
#include "library.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>

namespace bench {
int inside_server = -1;
}

namespace {

using bench::Cluster;
using bench::Options;

constexpr unsigned kSubmissions = 4000;

/* So many servers, so many entries in a batch. */
void commit(benchmark::State &state) {
    Options options;
    options.servers = static_cast<unsigned>(state.range(0));
    const auto batch = static_cast<unsigned>(state.range(1));
    options.log_room = size_t{batch} * (kSubmissions + 1) + 16;
    Cluster cluster(options);
    cluster.settle();
    for (auto _ : state) {
        cluster.submit(batch);
        cluster.deliver();
    }
    cluster.require_committed(cluster.leader().log.size());
    state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(commit)
    ->ArgNames({"servers", "batch"})
    ->ArgsProduct({{3, 9, 51}, {1, 64}})
    ->Iterations(kSubmissions);

void idle_interval(benchmark::State &state) {
    Options options;
    options.servers = static_cast<unsigned>(state.range(0));
    Cluster cluster(options);
    cluster.settle();
    for (auto _ : state) {
        cluster.heartbeat();
    }
}
BENCHMARK(idle_interval)->ArgName("servers")->Arg(3)->Arg(9)->Arg(51);

void copy(benchmark::State &state) {
    std::vector<char> from(static_cast<size_t>(state.range(0)), 'x');
    std::vector<char> to(from.size());
    for (auto _ : state) {
        memcpy(to.data(), from.data(), from.size());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(copy)->ArgName("bytes")->Arg(bench::kPayload)->Arg(sizeof(raft_message));

void allocate(benchmark::State &state) {
    for (auto _ : state) {
        void *p = malloc(static_cast<size_t>(state.range(0)));
        benchmark::DoNotOptimize(p);
        free(p);
    }
}
BENCHMARK(allocate)->ArgName("bytes")->Arg(bench::kPayload);

void empty_call(benchmark::State &state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(raft_current_term(nullptr));
    }
}
BENCHMARK(empty_call);

} // namespace

BENCHMARK_MAIN();
