/* SPDX-License-Identifier: MIT */
/* One host that runs one server of each of many three-server groups. Its timers are driven by
 * raft_timeout() alone. Prints a line of JSON for each figure. Fails if a group is stepped when
 * nothing is due. With `eager` it must fail. Usage: groups [number [eager]] */
#include "heap.hpp"
#include "host.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void print(const char *name, double value) {
    printf("{\"name\": \"groups/%s\", \"value\": %g}\n", name, value);
}

} // namespace

int main(int argc, char **argv) {
    const unsigned n = argc > 1 ? static_cast<unsigned>(strtoul(argv[1], nullptr, 10)) : 100000;
    constexpr raft_time kElected = 5000;
    constexpr raft_time kSeconds = 2;
    bench::Host host(n, argc > 2 && strcmp(argv[2], "eager") == 0);
    host.run_until(kElected);
    if (host.leaders() != (n + 2) / 3) {
        fprintf(stderr, "groups: %u leaders of %u groups\n", host.leaders(), n);
        return 1;
    }
    const uint64_t steps = host.steps();
    const uint64_t timeouts = host.timeouts();
    const uint64_t allocations = bench::allocations();
    bench::Count count("groups/idle second");
    count.begin();
    host.run_until(kElected + 1000 * kSeconds);
    count.end(uint64_t{n} * kSeconds);

    const double group_seconds = static_cast<double>(n) * kSeconds;
    const double held = static_cast<double>(bench::heap_of(0).bytes) / n + sizeof(struct raft);
    print("number", n);
    print("led here", host.leaders());
    print("bytes per group", held);
    print("steps per idle group and second",
          static_cast<double>(host.steps() - steps) / group_seconds);
    print("timeouts per idle group and second",
          static_cast<double>(host.timeouts() - timeouts) / group_seconds);
    print("timeouts that found nothing due", static_cast<double>(host.idle_timeouts()));
    print("timeouts before they were due", static_cast<double>(host.early_timeouts()));
    print("allocations while idle", static_cast<double>(bench::allocations() - allocations));
    count.print();
    if (host.leaders() != (n + 2) / 3 || host.idle_timeouts() != 0 || host.early_timeouts() != 0) {
        fprintf(stderr, "groups: a leader was lost, or a group was stepped for nothing\n");
        return 1;
    }
    return 0;
}
