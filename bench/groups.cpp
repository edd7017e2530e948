/* SPDX-License-Identifier: MIT */
/* Many groups of three servers on three hosts. Timers are driven by raft_timeout() alone. Prints a
 * line of JSON for each figure. Usage: groups MODE [number], where MODE is
 *   awake: groups that rest, but may not sleep. Fails if a server is stepped when nothing is due
 *   eager: the same, but every server is stepped with each heartbeat: this must fail
 *   asleep: groups that sleep; false alarms; a host dies, is missing, and returns
 *   batches: what the groups hold after each has had one batch of 10,000 entries */
#include "heap.hpp"
#include "hosts.hpp"
#include "marks.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <unistd.h>

using namespace bench;

namespace {

constexpr unsigned kIdleTimeout = 1000;
constexpr unsigned kBatch = 10000; /* entries */
constexpr unsigned kDead = 2;      /* the host that dies */

/* The survivors' failure detectors: a heartbeat a second, and a host that was silent for three is
 * gone. So the first to notice does so after 3 seconds, the last after 4. */
constexpr raft_time kFirstNotices = 3000;
constexpr raft_time kLastNotices = 4000;

void print(const std::string &name, double value) {
    printf("{\"name\": \"groups/%s\", \"value\": %.9g}\n", name.c_str(), value);
    fflush(stdout);
}

int failed(const char *why) {
    fprintf(stderr, "groups: %s\n", why);
    return 1;
}

double cpu_seconds() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/* Memory of this process that is in RAM. */
double resident() {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == nullptr || fscanf(file, "%*u %lu", &pages) != 1) {
        abort();
    }
    fclose(file);
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/* Bytes of one server, the mean of all: the struct and the usable heap blocks. */
double bytes_of_server(unsigned groups) {
    uint64_t bytes = 0;
    for (unsigned h = 0; h < kHosts; h++) {
        bytes += heap_of(h).bytes;
    }
    return static_cast<double>(bytes) / groups / kHosts + sizeof(struct raft);
}

/* Prints what each of the groups cost between two moments. */
class Cost {
public:
    Cost(Hosts &hosts, const char *name) : hosts_(hosts), name_(name), began_(hosts.work()) {
        hosts.begin_rates();
    }

    void print_per_group(unsigned groups) const {
        const Work now = hosts_.work();
        print(name_ + ": steps per group", static_cast<double>(now.steps - began_.steps) / groups);
        print(name_ + ": messages per group",
              static_cast<double>(now.messages - began_.messages) / groups);
        print(name_ + ": messages of one host in one second, at most",
              static_cast<double>(hosts_.most_messages()));
    }

private:
    const Hosts &hosts_;
    std::string name_;
    Work began_;
};

int awake(unsigned n, bool eager) {
    constexpr raft_time kSettled = 5000;
    constexpr raft_time kSeconds = 2;
    HostsOptions options;
    options.groups = n;
    options.eager = eager;
    Hosts hosts(options);
    hosts.elect();
    hosts.run_until(kSettled);
    const Work before = hosts.work();
    const uint64_t allocated = allocations();
    Count count("groups/awake: idle second");
    count.begin();
    hosts.run_until(kSettled + 1000 * kSeconds);
    count.end(uint64_t{n} * kSeconds * kHosts);

    const double servers = static_cast<double>(n) * kSeconds * kHosts;
    print("awake: number", n);
    print("awake: bytes per server", bytes_of_server(n));
    print("awake: steps per idle server and second",
          static_cast<double>(hosts.work().steps - before.steps) / servers);
    print("awake: timeouts per idle server and second",
          static_cast<double>(hosts.work().timeouts - before.timeouts) / servers);
    print("awake: timeouts that found nothing due", static_cast<double>(hosts.idle_timeouts()));
    print("awake: timeouts before they were due", static_cast<double>(hosts.early_timeouts()));
    print("awake: allocations while idle", static_cast<double>(allocations() - allocated));
    count.print();
    if (hosts.leaders() != n || hosts.idle_timeouts() != 0 || hosts.early_timeouts() != 0) {
        return failed("a leader was lost, or a server was stepped for nothing");
    }
    return 0;
}

/* The longest time from the death until a group has a leader. When the last detector has noticed,
 * both survivors are awake. Each campaigns within two election timeouts. If the other one woke up
 * less than an election timeout before, it refuses; but then its own request comes later, and is
 * granted, because the first one's refusal period began earlier. An election fails only if both
 * campaign at about the same time: within a message's latency of each other, of an election timeout
 * from which both draw. Then both draw again. `tries` are made until fewer than one of the groups
 * is expected to fail in all of them. */
raft_time longest_election(unsigned groups, unsigned *tries) {
    const double chance = static_cast<double>(2 * kLatency + 1) / kElection;
    *tries = 1;
    for (double failing = groups * chance; failing >= 1; failing *= chance) {
        (*tries)++;
    }
    constexpr raft_time kRoundTrips = 2 * 2 * kLatency; /* pre-votes, then votes */
    return kLastNotices + *tries * (2 * kElection + kRoundTrips);
}

int lose_a_host(Hosts &hosts, unsigned n) {
    const unsigned orphans = hosts.led_by(kDead);
    const raft_time death = hosts.now();
    Cost cost(hosts, "death");
    hosts.kill(kDead);
    hosts.run_until(death + kFirstNotices);
    hosts.report_gone(0, kDead);
    hosts.run_until(death + kLastNotices);
    hosts.report_gone(1, kDead);
    unsigned tries = 0;
    const raft_time limit = death + longest_election(orphans, &tries);
    while (hosts.leaders() < n && hosts.now() < limit) {
        hosts.run_until(hosts.now() + kLatency);
    }
    print("death: groups without a leader", orphans);
    print("death: ms until all have leaders", static_cast<double>(hosts.now() - death));
    print("death: ms at most", static_cast<double>(limit - death));
    print("death: tries at most", tries);
    if (hosts.leaders() < n) {
        return failed("groups of the dead host have no leader in time");
    }
    print("death: ms until all sleep, after that", static_cast<double>(hosts.run_until_rest()));
    cost.print_per_group(orphans);
    return 0;
}

/* One host is down. Each group is written to; it must sleep again. */
int rest_without_host(Hosts &hosts, unsigned n) {
    for (unsigned g = 0; g < n; g++) {
        hosts.submit(g, 1);
    }
    const raft_time slept = hosts.run_until_rest();
    constexpr raft_time kSeconds = 20;
    const Work before = hosts.work();
    const double cpu = cpu_seconds();
    hosts.run_until(hosts.now() + 1000 * kSeconds);
    print("one host down: ms from a write until all sleep", static_cast<double>(slept));
    print("one host down: steps per group and second",
          static_cast<double>(hosts.work().steps - before.steps) / n / kSeconds);
    print("one host down: messages per group and second",
          static_cast<double>(hosts.work().messages - before.messages) / n / kSeconds);
    print("one host down: CPU ms per second", (cpu_seconds() - cpu) * 1000 / kSeconds);
    if (hosts.work().steps - before.steps > n * kSeconds / 10) {
        return failed("a host that is down keeps groups awake");
    }
    return 0;
}

int return_of_host(Hosts &hosts, unsigned n) {
    Cost cost(hosts, "return");
    const uint64_t sent = hosts.work_of(kDead).messages;
    hosts.restart(kDead);
    print("return: ms until all sleep", static_cast<double>(hosts.run_until_rest()));
    cost.print_per_group(n);
    print("return: messages that it sends per group",
          static_cast<double>(hosts.work_of(kDead).messages - sent) / n);
    for (unsigned g = 0; g < n; g++) {
        if (!hosts.committed_everywhere(g)) {
            return failed("a write is missing on the host that returned");
        }
    }
    return hosts.leaders() == n ? 0 : failed("the host that returned unseated a leader");
}

/* As before a planned stop of the host. */
int hand_over(Hosts &hosts) {
    constexpr unsigned kStopping = 0;
    const unsigned led = hosts.led_by(kStopping);
    Cost cost(hosts, "transfer");
    for (unsigned g = 0; g < hosts.groups(); g++) {
        if (hosts.leads(kStopping, g)) {
            hosts.transfer(g);
        }
    }
    hosts.run_until(hosts.now() + kElection);
    if (hosts.led_by(kStopping) != 0) {
        return failed("a group is still led by the host that is to stop");
    }
    print("transfer: ms until all sleep", static_cast<double>(kElection + hosts.run_until_rest()));
    cost.print_per_group(led);
    return 0;
}

void false_alarms(Hosts &hosts, unsigned n) {
    Cost cost(hosts, "false alarm");
    for (unsigned g = 0; g < n; g++) {
        hosts.wake((g + 1) % kHosts, g);
    }
    print("false alarm: ms until all sleep", static_cast<double>(hosts.run_until_rest()));
    cost.print_per_group(n);
}

int asleep(unsigned n) {
    const double before = resident();
    HostsOptions options;
    options.groups = n;
    options.idle_timeout = kIdleTimeout;
    Hosts hosts(options);
    hosts.elect();
    hosts.run_until_rest();
    print("asleep: number", n);
    print("asleep: bytes per server", bytes_of_server(n));
    print("asleep: resident bytes per server, driver included", (resident() - before) / n / kHosts);

    constexpr raft_time kSeconds = 60;
    const Work rested = hosts.work();
    const double cpu = cpu_seconds();
    hosts.run_until(hosts.now() + 1000 * kSeconds);
    print("asleep: CPU ms in a minute, driver included", (cpu_seconds() - cpu) * 1000);
    print("asleep: steps in a minute", static_cast<double>(hosts.work().steps - rested.steps));
    print("asleep: servers with a deadline", hosts.scheduled());
    if (hosts.work().steps != rested.steps || hosts.scheduled() != 0) {
        return failed("a server that sleeps was stepped, or has a deadline");
    }
    false_alarms(hosts, n);
    Cost cost(hosts, "write");
    for (unsigned g = 0; g < n; g++) {
        hosts.submit(g, 1);
    }
    print("write: ms until all sleep", static_cast<double>(hosts.run_until_rest()));
    cost.print_per_group(n);
    const bool well = lose_a_host(hosts, n) == 0 && rest_without_host(hosts, n) == 0 &&
                      return_of_host(hosts, n) == 0 && hand_over(hosts) == 0;
    return well ? 0 : 1;
}

/* Memory of all servers beyond `before`, which is the mean of each. */
double more_than(double before, unsigned groups) {
    return (bytes_of_server(groups) - before) * groups * kHosts;
}

/* What a group holds after its batch, and when it has given that back. */
bool one_batch(Hosts &hosts, unsigned n, double before) {
    constexpr double kLittle = 1024; /* for each server */
    const raft_time began = hosts.now();
    hosts.submit(0, kBatch);
    hosts.run_until(began + 2 * kLatency);
    print("batches: bytes per server just after its batch", more_than(before, n) / kHosts);
    while (more_than(before, n) > kHosts * kLittle && hosts.now() < began + kIdleTimeout) {
        hosts.run_until(hosts.now() + kLatency);
    }
    print("batches: ms until they are given back", static_cast<double>(hosts.now() - began));
    return more_than(before, n) <= kHosts * kLittle;
}

int batches(unsigned n) {
    const double free = resident();
    HostsOptions options;
    options.groups = n;
    options.idle_timeout = kIdleTimeout;
    options.max_inflight = 2 * kBatch;
    Hosts hosts(options);
    hosts.elect();
    hosts.run_until_rest();
    const double before = bytes_of_server(n);
    print("batches: number", n);
    print("batches: bytes per server before", before);
    print("batches: resident bytes per server before, driver included",
          (resident() - free) / n / kHosts);
    if (!one_batch(hosts, n, before)) {
        return failed("a group keeps the memory of its batch");
    }
    /* Two milliseconds each: some hundreds of groups hold their batches at the same time. */
    for (unsigned g = 0; g < n; g++) {
        hosts.submit(g, kBatch);
        hosts.run_until(hosts.now() + 2 * kLatency);
    }
    hosts.run_until_rest();
    for (unsigned g = 0; g < n; g++) {
        if (!hosts.committed_everywhere(g)) {
            return failed("a batch is not committed");
        }
    }
    print("batches: bytes per server kept", bytes_of_server(n) - before);
    print("batches: resident bytes per server after, driver included",
          (resident() - free) / n / kHosts);
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    const unsigned n = argc > 2 ? static_cast<unsigned>(strtoul(argv[2], nullptr, 10)) : 100000;
    if (mode == "awake" || mode == "eager") {
        return awake(n, mode == "eager");
    }
    if (mode == "asleep") {
        return asleep(n);
    }
    if (mode == "batches") {
        return batches(n);
    }
    return failed("the mode is awake, eager, asleep or batches");
}
