/* SPDX-License-Identifier: MIT */
/* Election and heartbeat timeouts: how long a cluster is without a leader when one dies, and how
 * long a leader may be silent without losing its place. */
#include "cluster.h"

enum { TRIES = 50 };

static unsigned election, heartbeat;

/* [configure] */
/* All servers get the same. */
static void configure(struct server *s) {
    CHECK(raft_set_heartbeat_timeout(&s->raft, heartbeat) == 0);
    CHECK(raft_set_election_timeout(&s->raft, election) == 0);
}
/* [configure end] */

static raft_id silent;          /* the process of this server does not run for a while, */
static raft_time stopped_clock; /* and reads no clock meanwhile */

static raft_time read_clock(const struct server *s) {
    return s->id == silent ? stopped_clock : now;
}

static bool accepts(struct server *s, const struct packet *packet) {
    (void)packet;
    return s->id != silent;
}

static struct server *start(unsigned election_msecs, unsigned heartbeat_msecs, raft_time msecs) {
    memset(servers, 0, sizeof servers);
    election = election_msecs;
    heartbeat = heartbeat_msecs;
    latency = msecs;
    return cluster_start(3);
}

struct result {
    raft_time mean, longest;
};

/* [measure] */
/* Kill the leader again and again. How long until there is another one? */
static struct result fail_over(struct server *leader) {
    struct result result = {0};
    for (int i = 0; i < TRIES; i++) {
        raft_time died = now;
        server_kill(leader);
        while (find_leader() == NULL) {
            run(1);
        }
        raft_time took = now - died;
        result.mean += took / TRIES;
        result.longest = took > result.longest ? took : result.longest;
        server_start(leader, leader->id, leader->address);
        run(10 * (raft_time)election);
        leader = find_leader();
        CHECK(leader != NULL);
    }
    return result;
}
/* [measure end] */

/* Does the leader still lead after it did not run for so long? */
static bool survives(struct server *leader, raft_time msecs) {
    run(5000);
    raft_term term = raft_current_term(&leader->raft);
    stopped_clock = now;
    silent = leader->id;
    run(msecs);
    silent = 0;
    run(10 * (raft_time)election);
    return find_leader() == leader && raft_current_term(&leader->raft) == term;
}

static raft_time longest_silence(void) {
    raft_time longest = 0;
    for (raft_time msecs = election / 2; msecs < 3 * (raft_time)election; msecs += election / 20) {
        if (!survives(start(election, heartbeat, latency), msecs)) {
            cluster_stop();
            return longest;
        }
        cluster_stop();
        longest = msecs;
    }
    return longest;
}

int main(void) {
    static const unsigned values[][3] = {{100, 10, 1},   {200, 20, 1},  {1000, 100, 1},
                                         {5000, 500, 1}, {100, 10, 50}, {1000, 100, 50}};
    hooks.configure = configure;
    hooks.clock = read_clock;
    hooks.accepts = accepts;
    printf("election  heartbeat  one way | no leader: mean  longest | silence\n");
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct server *leader = start(values[i][0], values[i][1], values[i][2]);
        struct result result = fail_over(leader);
        cluster_stop();
        raft_time silence = longest_silence();
        printf("%8u  %9u  %7llu | %15llu  %7llu | %7llu\n", election, heartbeat, latency,
               result.mean, result.longest, silence);
        if (latency * 10 <= election) {
            CHECK(result.mean > election && result.longest < 4 * (raft_time)election);
            CHECK(silence >= election / 2 && silence < 2 * (raft_time)election);
        }
    }
    return 0;
}
