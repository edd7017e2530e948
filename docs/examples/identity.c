/* SPDX-License-Identifier: MIT */
/* Incarnations: a server whose disk was emptied is not taken for the one that it was. */
#include "cluster.h"

static unsigned n_refused;

/* [create] */
/* The incarnation is stored when a disk is first used, and is part of the address. Here it
 * is a counter; a program uses 16 random bytes. */
static unsigned created[MAX_SERVERS]; /* "on disk", with everything else; 0: an empty disk */

static void open_disk(struct server *s, raft_id id) {
    static unsigned random_number = 1000;
    unsigned *incarnation = &created[id - 1];
    if (*incarnation == 0) {
        *incarnation = ++random_number;
    }
    s->id = id;
    snprintf(s->address, ADDRESS_MAX, "server%llu/%u", id, *incarnation);
}

static const char *incarnation_of(const char *address) {
    const char *slash = strrchr(address, '/');
    return slash != NULL ? slash + 1 : "";
}
/* [create end] */

/* [check] */
/* Before a message is passed to the library: is it for this incarnation, and is the sender
 * the one that the configuration names? In a connection's handshake, check both once. */
static bool accepts(struct server *s, const struct packet *packet) {
    const char *sender = incarnation_of(packet->from_address);
    struct raft_configuration conf;
    if (strcmp(incarnation_of(packet->to_address), incarnation_of(s->address)) != 0) {
        n_refused++;
        return false;
    }
    if (raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, NULL) != 0) {
        return true; /* a new server, which has no configuration yet */
    }
    for (unsigned i = 0; i < conf.n; i++) {
        if (conf.servers[i].id == packet->from &&
            strcmp(incarnation_of(conf.servers[i].address), sender) != 0) {
            n_refused++;
            return false;
        }
    }
    return true; /* a member, or a server that this one does not know yet */
}
/* [check end] */

/* Somebody has emptied the disk. */
static void empty(struct server *s) {
    server_kill(s);
    memset(s, 0, sizeof *s);
}

/* Start three servers, commit something, and empty the disk of a follower. */
static struct server *lose_a_disk(struct server **leader) {
    for (unsigned i = 0; i < 3; i++) {
        open_disk(&servers[i], i + 1);
    }
    *leader = cluster_start(3);
    submit(*leader, "red");
    run(500);
    struct server *lost = other_server(*leader);
    empty(lost);
    run(500);
    return lost;
}

static void with_check(void) {
    struct server *leader;
    struct server *lost = lose_a_disk(&leader);
    raft_id id = (raft_id)(lost - servers) + 1;
    created[id - 1] = 0;
    open_disk(lost, id);
    server_start(lost, id, lost->address);
    run(5000);
    CHECK(find_leader() == leader && n_refused > 0 && raft_last_index(&lost->raft) == 0);

    /* Remove it, and add it as a new server with a new ID. */
    struct raft_server members[4];
    unsigned n = 0;
    for (int i = 0; i < 3; i++) {
        if (&servers[i] != lost) {
            members[n++] = (struct raft_server){servers[i].id, servers[i].address, RAFT_VOTER};
        }
    }
    server_kill(lost);
    change_members(leader, members, n);
    struct server *added = &servers[3];
    open_disk(added, 4);
    server_start(added, 4, added->address);
    members[n++] = (struct raft_server){4, added->address, RAFT_STANDBY};
    change_members(leader, members, n);
    run(1000);
    members[n - 1].role = RAFT_VOTER;
    change_members(leader, members, n);
    submit(leader, "green");
    run(500);
    CHECK(added->sum == leader->sum && raft_role(&added->raft) == RAFT_VOTER);
    printf("%u messages were refused\n", n_refused);
    cluster_stop();
}

/* [report] */
/* Without the check, the leader can only notice that a member lost data. */
static void report_losses(const struct server *leader, const struct raft_configuration *conf) {
    struct raft_peer peer;
    for (unsigned i = 0; i < conf->n; i++) {
        if (raft_progress(&leader->raft, conf->servers[i].id, &peer) == 0 && peer.data_losses > 0) {
            printf("server %llu has lost data: remove it\n", conf->servers[i].id);
        }
    }
}
/* [report end] */

static void without_check(void) {
    struct server *leader;
    struct server *lost = lose_a_disk(&leader);
    raft_id id = (raft_id)(lost - servers) + 1;
    open_disk(lost, id); /* the same incarnation: as if there were none */
    server_start(lost, id, lost->address);
    run(5000);
    struct raft_peer peer;
    struct raft_configuration conf;
    CHECK(find_leader() == leader && raft_progress(&leader->raft, id, &peer) == 0);
    CHECK(peer.data_losses == 1);
    CHECK(raft_configuration_at(&leader->raft, leader->last, &conf, NULL) == 0);
    report_losses(leader, &conf);
    cluster_stop();
}

int main(void) {
    hooks.accepts = accepts;
    with_check();
    memset(servers, 0, sizeof servers);
    memset(created, 0, sizeof created);
    without_check();
    return 0;
}
