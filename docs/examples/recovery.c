/* SPDX-License-Identifier: MIT */
/* Disaster recovery: three of five servers are lost for good. */
#include "cluster.h"

static bool partitioned; /* servers 3, 4 and 5 get nothing from 1 and 2, and reversed */
static raft_id deaf;     /* this server gets nothing */

static bool accepts(struct server *s, const struct packet *packet) {
    return packet->from <= MAX_SERVERS && s->id != deaf &&
           (!partitioned || (packet->from <= 2) == (s->id <= 2));
}

/* [choose] */
/* Which of two survivors has the better log? The one whose last durable entry has the higher
 * term and, among equal terms, the higher index. Look at the disks: no server runs. */
static raft_term last_term(const struct server *s) {
    return s->last >= s->first ? s->log[s->last].term : s->snapshot.metadata.term;
}

static struct server *better(struct server *a, struct server *b) {
    if (last_term(a) != last_term(b)) {
        return last_term(a) > last_term(b) ? a : b;
    }
    return a->last >= b->last ? a : b;
}
/* [choose end] */

/* [recover] */
/* Start the chosen server. It becomes the only voter of a new configuration, and elects
 * itself after an election timeout. */
static void recover(struct server *s) {
    struct raft_server self = {s->id, s->address, RAFT_VOTER};
    struct raft_event event = {.type = RAFT_RECOVER};
    event.recover.conf.servers = &self;
    event.recover.conf.n = 1;
    server_start(s, s->id, s->address);
    CHECK(step(s, &event) == 0);
}
/* [recover end] */

/* [lost] */
/* Tell the operator before the step. */
static void say_what_is_lost(const struct server *s) {
    printf("the last entry is %llu, of term %llu\n", s->last, last_term(s));
    printf("later entries are lost, although clients may have been told that they are committed\n");
    printf("all entries up to it take effect, although clients may not have been told so\n");
}
/* [lost end] */

/* [add] */
/* Add a server with an empty disk and a new ID: first as a standby, then as a voter. */
static void add(struct server *leader, raft_id id, const char *address) {
    struct raft_server members[MAX_SERVERS];
    struct raft_configuration conf;
    raft_index last = raft_last_index(&leader->raft);
    CHECK(raft_configuration_at(&leader->raft, last, &conf, NULL) == 0);
    memcpy(members, conf.servers, conf.n * sizeof *members);
    members[conf.n] = (struct raft_server){id, address, RAFT_STANDBY};
    unsigned n = conf.n + 1; /* `conf` is valid until the next step */
    char kept[MAX_SERVERS][ADDRESS_MAX];
    for (unsigned i = 0; i < n; i++) {
        snprintf(kept[i], ADDRESS_MAX, "%s", members[i].address);
        members[i].address = kept[i];
    }
    server_start(&servers[id - 1], id, address);
    change_members(leader, members, n); /* a real program now steps RAFT_CATCH_UP, and waits */
    members[n - 1].role = RAFT_VOTER;
    change_members(leader, members, n);
}
/* [add end] */

static unsigned long long sum_of(const char *text) {
    unsigned long long sum = 0;
    while (*text != '\0') {
        sum += (unsigned char)*text++;
    }
    return sum;
}

int main(void) {
    hooks.accepts = accepts;
    cluster_start(5);
    /* Let server 3 lead, so that everything below is the same in each run. */
    struct raft_event transfer = {.type = RAFT_TRANSFER};
    transfer.transfer.server_id = 3;
    if (find_leader() != &servers[2]) {
        CHECK(step(find_leader(), &transfer) == 0);
    }
    run(1000);
    struct server *leader = find_leader();
    CHECK(leader == &servers[2]);

    submit(leader, "red"); /* all have it */
    run(500);
    deaf = 1;
    submit(leader, "green"); /* server 1 does not have it */
    run(500);
    CHECK(servers[1].last > servers[0].last);
    partitioned = true;
    raft_index blue = submit(leader, "blue"); /* acknowledged: 3, 4 and 5 have it */
    run(500);
    CHECK(raft_commit_index(&leader->raft) == blue);

    /* Fire destroys servers 3, 4 and 5. The others are stopped. */
    for (int i = 0; i < 5; i++) {
        server_kill(&servers[i]);
    }
    partitioned = false;
    deaf = 0;
    for (int i = 2; i < 5; i++) {
        memset(&servers[i], 0, sizeof servers[i]);
    }

    /* Two of five are no majority: they wait for ever. */
    server_start(&servers[0], 1, "server1");
    server_start(&servers[1], 2, "server2");
    run(60000);
    CHECK(find_leader() == NULL);
    server_kill(&servers[0]);
    server_kill(&servers[1]);

    struct server *chosen = better(&servers[0], &servers[1]);
    CHECK(chosen == &servers[1] && better(&servers[1], &servers[0]) == chosen);
    say_what_is_lost(chosen);
    recover(chosen);
    run(3000);
    CHECK(find_leader() == chosen);
    CHECK(chosen->sum == sum_of("red") + sum_of("green")); /* "blue" is lost */

    add(chosen, 6, "server6");
    submit(chosen, "white");
    run(500);
    CHECK(servers[5].sum == chosen->sum && raft_role(&servers[5].raft) == RAFT_VOTER);
    printf("server %llu leads a cluster of two: add one more\n", find_leader()->id);
    cluster_stop();
    return 0;
}
