/* SPDX-License-Identifier: MIT */
#include "cluster.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

constexpr unsigned kStretch = 50; /* submissions between two heartbeats */
constexpr unsigned kManyTerms = 100000;

/* W1 and W2: submit a batch, commit it, repeat. The clock advances by a millisecond each time,
 * so that timers are re-armed as in practice. Heartbeats are sent between the stretches and not
 * counted (they are W4). */
void one_at_a_time(Count &count, unsigned servers, unsigned batch, unsigned stretches,
                   bool tickets) {
    Options options;
    options.servers = servers;
    options.tickets = tickets;
    options.log_room = size_t{batch} * kStretch * (stretches + 1) + 16;
    Cluster cluster(options);
    cluster.settle();
    for (unsigned i = 0; i <= stretches; i++) {
        if (i > 0) { /* the first one warms up */
            count.begin();
        }
        for (unsigned k = 0; k < kStretch; k++) {
            cluster.advance(1);
            cluster.submit(batch);
            cluster.deliver();
        }
        if (i > 0) {
            count.end(uint64_t{kStretch} * batch);
        }
        cluster.require_committed(cluster.leader().log.size());
        cluster.heartbeat();
    }
}

Options windowed(unsigned servers, unsigned window) {
    Options options;
    options.servers = servers;
    options.log_room = size_t{window} * 3 + 16;
    options.max_inflight = window >= 1000 ? 2 * window : 0;
    return options;
}

/* W3: fill the window, one submission an entry, then deliver all messages. */
void in_flight(Count &count, unsigned servers, unsigned window, bool by_link) {
    Cluster cluster(windowed(servers, window));
    cluster.settle();
    for (unsigned round = 0; round < 2; round++) {
        if (round > 0) {
            count.begin();
        }
        for (unsigned i = 0; i < window; i++) {
            cluster.submit(1);
        }
        if (by_link) {
            cluster.deliver_by_link();
        } else {
            cluster.deliver();
        }
        if (round > 0) {
            count.end(window);
        }
        cluster.require_committed(cluster.leader().log.size());
        cluster.heartbeat();
    }
}

/* The cost of one acknowledgement, by the leader's own disk or by a follower, with a full window
 * and a log of so many terms. */
void acknowledgements(Count &count, unsigned window, unsigned terms) {
    Options options = windowed(3, window);
    options.hold_disk = true;
    options.terms = terms;
    options.log_room += terms;
    Cluster cluster(options);
    cluster.settle();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < window; i++) {
            cluster.submit(1);
        }
        cluster.deliver_once();
        if (round > 0) {
            count.begin();
        }
        cluster.acknowledge_writes();
        cluster.deliver();
        if (round > 0) {
            count.end(uint64_t{window} * 3);
        }
        cluster.require_committed(cluster.leader().log.size());
        cluster.heartbeat();
    }
}

/* W4: only heartbeats. */
void idle(Count &count, unsigned servers) {
    Options options;
    options.servers = servers;
    Cluster cluster(options);
    cluster.settle();
    cluster.heartbeat();
    constexpr unsigned kIntervals = 200;
    count.begin();
    for (unsigned i = 0; i < kIntervals; i++) {
        cluster.heartbeat();
    }
    count.end(kIntervals);
}

} // namespace

void add_cluster_workloads(std::vector<Workload> *workloads) {
    const auto add = [&](const char *what, const char *variable, unsigned value, bool judged,
                         std::function<void(Count &)> run) {
        workloads->push_back({std::string(what) + "/" + variable + "=" + std::to_string(value),
                              judged, std::move(run)});
    };
    for (unsigned n : {3, 5, 7, 9, 15, 25, 35, 51}) {
        add("W1", "N", n, n == 3 || n == 9 || n == 51,
            [=](Count &c) { one_at_a_time(c, n, 1, n > 9 ? 4 : 20, false); });
    }
    add("W1-tickets", "N", 3, true, [](Count &c) { one_at_a_time(c, 3, 1, 20, true); });
    for (unsigned batch : {4, 16, 64, 256}) {
        add("W2", "batch", batch, batch == 64,
            [=](Count &c) { one_at_a_time(c, 3, batch, 4, false); });
    }
    for (unsigned window : {10, 100, 1000, 10000}) {
        add("W3", "window", window, window == 1000,
            [=](Count &c) { in_flight(c, 3, window, false); });
        add("acknowledgement", "window", window, window == 10 || window == 10000,
            [=](Count &c) { acknowledgements(c, window, 0); });
    }
    for (unsigned terms = 1; terms <= kManyTerms; terms *= 10) {
        add("acknowledgement", "terms", terms, terms == 1 || terms == kManyTerms,
            [=](Count &c) { acknowledgements(c, 100, terms); });
    }
    for (unsigned n : {3, 9, 25, 51}) {
        add("W3-links", "N", n, n == 25, [=](Count &c) { in_flight(c, n, 1000, true); });
        add("W4", "N", n, n == 3, [=](Count &c) { idle(c, n); });
    }
}

} // namespace bench
