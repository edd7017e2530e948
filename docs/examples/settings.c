/* SPDX-License-Identifier: MIT */
/* The settings of a server in one place, and what happens if timeouts do not fit the network. */
#include "cluster.h"

static unsigned election = 1000, heartbeat = 100; /* milliseconds */

/* [settings] */
static void configure(struct server *s) {
    struct raft *r = &s->raft;

    /* Always: what the message codec carries. Without it, reads cost log entries. */
    int error = raft_set_features(r, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_JOINT);

    /* Depends on the network and the disk: the same on all servers. */
    error |= raft_set_election_timeout(r, election);   /* 1000: 10 round trips and syncs, or more */
    error |= raft_set_heartbeat_timeout(r, heartbeat); /* 100: a tenth of it */

    /* Bounds memory: what may be under way, and what may wait. */
    error |= raft_set_max_inflight_entries(r, 1024);
    error |= raft_set_max_message_entries(r, 256);
    error |= raft_set_max_uncommitted_entries(r, 10000); /* above it: RAFT_BUSY */

    /* The servers of a group may have the same seed, because their IDs differ. Groups that share
     * a host must not, or all of them would campaign at the same time. */
    error |= raft_seed(r, 42);

    /* Setters fail only if an argument cannot be right. Their combination is checked by
     * RAFT_START, so the order does not matter. */
    CHECK(error == 0);
}
/* [settings end] */

/* How many terms has the cluster used in a minute? One is right. */
static raft_term terms_in_a_minute(raft_time one_way) {
    memset(servers, 0, sizeof servers);
    latency = one_way;
    cluster_start(3);
    raft_term first = find_leader()->term;
    run(60 * 1000);
    raft_term last = 0;
    for (int i = 0; i < 3; i++) {
        last = servers[i].term > last ? servers[i].term : last;
    }
    cluster_stop();
    return last - first + 1;
}

/* [running] */
/* Raise the timeouts of a running cluster, without a restart. The leader comes last, so that its
 * lease is never longer than the timeouts of the other servers. */
static void slow_down(struct server *leader) {
    for (int i = 0; i < 3; i++) {
        if (&servers[i] != leader) {
            CHECK(raft_set_election_timeout(&servers[i].raft, 2000) == 0);
            CHECK(raft_set_heartbeat_timeout(&servers[i].raft, 200) == 0);
        }
    }
    CHECK(raft_set_election_timeout(&leader->raft, 2000) == 0);
    CHECK(raft_set_heartbeat_timeout(&leader->raft, 200) == 0);
    /* A setter has no update: set the timers to raft_timeout() of each server now. */
}
/* [running end] */

int main(void) {
    hooks.configure = configure;
    printf("1000 ms, messages take 1 ms: %llu term\n", terms_in_a_minute(1));
    printf("1000 ms, messages take 100 ms: %llu term\n", terms_in_a_minute(100));
    CHECK(terms_in_a_minute(1) == 1 && terms_in_a_minute(100) == 1);

    /* If settings contradict each other, RAFT_START says so. */
    struct raft r;
    struct raft_update update;
    struct raft_event start = {.type = RAFT_START};
    CHECK(raft_init(&r, 1, "one") == 0);
    CHECK(raft_set_heartbeat_timeout(&r, 2000) == 0); /* the election timeout may still come */
    CHECK(raft_step(&r, &start, &update) == RAFT_INVALID);
    printf("RAFT_START: %s\n", raft_errmsg(&r));
    raft_close(&r);

    memset(servers, 0, sizeof servers);
    latency = 1;
    struct server *leader = cluster_start(3);
    slow_down(leader);
    CHECK(raft_set_heartbeat_timeout(&leader->raft, 2000) == RAFT_INVALID);
    run(10000);
    CHECK(find_leader() == leader);
    cluster_stop();

    /* Timeouts that are shorter than a round trip: no election ends in time. */
    election = 50;
    heartbeat = 10;
    memset(servers, 0, sizeof servers);
    latency = 1;
    leader = cluster_start(3);
    raft_term first = leader->term;
    latency = 200;
    run(60 * 1000);
    raft_term last = 0;
    for (int i = 0; i < 3; i++) {
        last = servers[i].term > last ? servers[i].term : last;
    }
    printf("50 ms, messages take 200 ms: %llu more terms, %s\n", last - first,
           find_leader() != NULL ? "a leader" : "no leader");
    CHECK(last > first || find_leader() == NULL);
    cluster_stop();
    return 0;
}
