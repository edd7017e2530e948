/* SPDX-License-Identifier: MIT */
/* Preferred leaders: server 1 leads whenever it can, else server 2, else server 3. */
#include "cluster.h"

enum { PREFERRED = 1, DELAY = 500, LAG_MAX = 100, SILENCE_MAX = 500 };

/* [delay] */
/* A server that is less preferred waits longer before it campaigns. */
static void configure(struct server *s) {
    unsigned rank = (unsigned)s->id - 1; /* 0: the most preferred server */
    CHECK(raft_set_election_delay(&s->raft, rank * DELAY) == 0);
}
/* [delay end] */

/* [give back] */
/* Call this on the leader once a second, for example. It transfers leadership to the
 * preferred server when that server is running and has nearly the whole log. */
static void give_back(struct server *s) {
    struct raft_event event = {.type = RAFT_TRANSFER};
    struct raft_peer peer;
    if (s->id == PREFERRED || raft_transferee(&s->raft) != 0 ||
        raft_progress(&s->raft, PREFERRED, &peer) != 0) {
        return; /* also if this server does not lead, or the preferred one is no member */
    }
    if (peer.mode == RAFT_PROGRESS_PIPELINE && peer.last_contact + SILENCE_MAX > now &&
        raft_last_index(&s->raft) - peer.match <= LAG_MAX) {
        event.transfer.server_id = PREFERRED;
        step(s, &event); /* an error means that another attempt is needed: try again later */
    }
}
/* [give back end] */

/* [campaign] */
/* The program knows that the leader is gone: its host is down, for example. Do not wait
 * for the rest of the election timeout. Returns false if it is too early: call again later. */
static bool campaign(struct server *s) {
    struct raft_event event = {.type = RAFT_CAMPAIGN};
    return step(s, &event) != RAFT_BUSY;
}
/* [campaign end] */

int main(void) {
    hooks.configure = configure;
    struct server *leader = cluster_start(3);
    printf("server %llu leads\n", leader->id);
    submit(leader, "red");
    run(200);

    /* Whoever leads gives leadership to server 1. */
    give_back(leader);
    run(200);
    CHECK(find_leader() == &servers[0]);

    /* Server 1 dies. Server 2 does not wait for its deadline. */
    server_kill(&servers[0]);
    raft_time died = now;
    CHECK(!campaign(&servers[1])); /* server 1 may hold a lease */
    while (!campaign(&servers[1])) {
        run(10);
    }
    run(100);
    CHECK(find_leader() == &servers[1]);
    printf("server 2 leads %llu ms after the death of server 1\n", now - died);
    CHECK(now - died < 1200);
    submit(&servers[1], "green");
    run(200);

    /* Server 1 returns, and gets leadership when it has the log. */
    server_start(&servers[0], 1, "server1");
    give_back(&servers[1]);
    CHECK(raft_transferee(&servers[1].raft) == 0); /* it has not answered yet */
    for (int i = 0; i < 10 && find_leader() != &servers[0]; i++) {
        run(1000);
        give_back(find_leader());
    }
    run(1000);
    CHECK(find_leader() == &servers[0]);
    CHECK(servers[0].sum == servers[1].sum && servers[0].sum == servers[2].sum);
    cluster_stop();
    return 0;
}
