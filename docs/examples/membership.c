/* SPDX-License-Identifier: MIT */
/* Changing the members of a cluster: add, replace, demote and remove servers, one and several at
 * once, and the changes that are refused. */
#include "cluster.h"

/* [members] */
/* A configuration that the program may edit. What raft_configuration_at() returns
 * belongs to the library, and is valid until the next step: copy it, addresses too. */
struct members {
    struct raft_server servers[MAX_SERVERS];
    char addresses[MAX_SERVERS][ADDRESS_MAX];
    unsigned n;
};

static void get_members(const struct server *s, struct members *m) {
    struct raft_configuration conf;
    CHECK(raft_configuration_at(&s->raft, raft_last_index(&s->raft), &conf, NULL) == 0);
    m->n = conf.n;
    for (unsigned i = 0; i < conf.n; i++) {
        m->servers[i] = conf.servers[i];
        snprintf(m->addresses[i], ADDRESS_MAX, "%s", conf.servers[i].address);
        m->servers[i].address = m->addresses[i];
    }
}
/* [members end] */

static int role_of(const struct members *m, raft_id id) {
    for (unsigned i = 0; i < m->n; i++) {
        if (m->servers[i].id == id) {
            return m->servers[i].role;
        }
    }
    return -1;
}

static void put(struct members *m, raft_id id, const char *address, int role) {
    unsigned i = 0;
    while (i < m->n && m->servers[i].id != id) {
        i++;
    }
    m->n += i == m->n;
    snprintf(m->addresses[i], ADDRESS_MAX, "%s", address);
    m->servers[i] = (struct raft_server){id, m->addresses[i], role};
}

static void take_out(struct members *m, raft_id id) {
    struct members old = *m;
    m->n = 0;
    for (unsigned i = 0; i < old.n; i++) {
        if (old.servers[i].id != id) {
            put(m, old.servers[i].id, old.addresses[i], old.servers[i].role);
        }
    }
}

/* [reconfigure] */
/* Ask the leader for a change. `m` has all members that the cluster shall have. */
static int reconfigure(struct server *leader, struct members *m) {
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    event.reconfigure.conf.servers = m->servers;
    event.reconfigure.conf.n = m->n;
    return step(leader, &event);
}

/* Is the latest change committed? A joint change has two entries; the second one
 * counts. */
static bool is_committed(const struct server *leader) {
    struct raft_configuration conf;
    raft_index index;
    CHECK(raft_configuration_at(&leader->raft, raft_last_index(&leader->raft), &conf, &index) == 0);
    return raft_commit_index(&leader->raft) >= index;
}
/* [reconfigure end] */

/* [add] */
/* Make a server a voter. Call this again and again until it returns true, on the
 * leader of the moment: it asks the library how far the change is, and does the next
 * part. */
static bool add(struct server *leader, raft_id id, const char *address) {
    struct raft_event event = {.type = RAFT_CATCH_UP};
    struct members m;
    int status = RAFT_CATCH_UP_NONE;
    get_members(leader, &m);
    int role = role_of(&m, id);
    if (!is_committed(leader)) {
        return false;
    }
    if (role == RAFT_VOTER) {
        return true;
    }
    if (role == -1) {
        put(&m, id, address, RAFT_STANDBY);
        reconfigure(leader, &m);
    } else if (raft_catch_up(&leader->raft, id, &status) == 0 && status == RAFT_CATCH_UP_FINISHED) {
        put(&m, id, address, RAFT_VOTER);
        reconfigure(leader, &m);
    } else if (status != RAFT_CATCH_UP_RUNNING) { /* not begun, or it was too slow */
        event.catch_up.server_id = id;
        step(leader, &event);
    }
    return false;
}
/* [add end] */

/* [remove] */
/* Remove a server. Call this until it returns true; then the server may be stopped. */
static bool remove_server(struct server *leader, raft_id id) {
    struct members m;
    get_members(leader, &m);
    if (role_of(&m, id) == -1) {
        return is_committed(leader);
    }
    take_out(&m, id);
    reconfigure(leader, &m);
    return false;
}
/* [remove end] */

/* [replace] */
/* Replace two voters at once. The new ones are standbys that have caught up. This is
 * a joint change: the library enters the joint configuration, and leaves it when it
 * is committed. */
static int replace_two(struct server *leader, const raft_id *old, const raft_id *new) {
    struct members m;
    get_members(leader, &m);
    for (int i = 0; i < 2; i++) {
        take_out(&m, old[i]);
        put(&m, new[i], servers[new[i] - 1].address, RAFT_VOTER);
    }
    return reconfigure(leader, &m);
}
/* [replace end] */

static void wait_committed(const struct server *leader) {
    for (int i = 0; i < 5000 && !is_committed(leader); i++) {
        run(1);
    }
    CHECK(is_committed(leader));
}

static void finish(bool (*change)(struct server *, raft_id), raft_id id) {
    for (int i = 0; i < 100 && (find_leader() == NULL || !change(find_leader(), id)); i++) {
        run(100);
    }
    CHECK(find_leader() != NULL && change(find_leader(), id));
}

static bool add_by_id(struct server *leader, raft_id id) {
    return add(leader, id, servers[id - 1].address);
}

static void start_new(raft_id id) {
    char address[ADDRESS_MAX];
    snprintf(address, sizeof address, "server%llu", id);
    server_start(&servers[id - 1], id, address); /* an empty disk; no RAFT_BOOTSTRAP */
}

static bool has_role(const struct server *s, raft_id id, int role) {
    struct members m;
    get_members(s, &m);
    return role_of(&m, id) == role;
}

/* [transfer] */
static int hand_over(struct server *leader, raft_id id) {
    struct raft_event event = {.type = RAFT_TRANSFER};
    event.transfer.server_id = id; /* 0: the most up-to-date of the other voters */
    return step(leader, &event);
}
/* [transfer end] */

int main(void) {
    struct members m;
    struct server *leader = cluster_start(3);
    struct raft_event event = {.type = RAFT_CATCH_UP};
    raft_id follower = leader->id == 1 ? 2 : 1;
    for (int i = 0; i < 100; i++) {
        submit(leader, "red");
    }
    run(200);

    /* Replace a follower: the new server first, then the old one. */
    start_new(4);
    finish(add_by_id, 4);
    CHECK(raft_role(&servers[3].raft) == RAFT_VOTER && servers[3].sum == leader->sum);
    finish(remove_server, follower);
    server_kill(&servers[follower - 1]);
    run(3000);
    CHECK(find_leader() == leader && has_role(leader, follower, -1));
    printf("server 4 has replaced server %llu\n", follower);

    /* [errors] */
    /* One change at a time. */
    start_new(5);
    get_members(leader, &m);
    put(&m, 5, servers[4].address, RAFT_STANDBY);
    CHECK(reconfigure(leader, &m) == 0);
    take_out(&m, 4);
    CHECK(reconfigure(leader, &m) == RAFT_CANTCHANGE); /* it is not committed yet */
    wait_committed(leader);

    /* An ID is used once. */
    get_members(leader, &m);
    put(&m, follower, "another server", RAFT_STANDBY);
    CHECK(reconfigure(leader, &m) == RAFT_BADID);

    /* Voters that the change needs must be there: server 6 was never started. */
    get_members(leader, &m);
    put(&m, 6, "server6", RAFT_VOTER);
    server_kill(&servers[3]);
    run(2000);
    CHECK(reconfigure(leader, &m) == RAFT_NOCONNECTION);
    server_start(&servers[3], 4, servers[3].address);
    run(2000);

    /* A voter needs no catch-up, and only a leader makes changes. */
    event.catch_up.server_id = 4;
    CHECK(step(leader, &event) == RAFT_BADROLE);
    CHECK(reconfigure(&servers[3], &m) == RAFT_NOTLEADER);

    /* The same configuration again: nothing to do. */
    get_members(leader, &m);
    CHECK(reconfigure(leader, &m) == 0 && is_committed(leader));
    /* [errors end] */

    /* Demote a voter, and promote it again. */
    put(&m, 4, servers[3].address, RAFT_STANDBY);
    CHECK(reconfigure(leader, &m) == 0);
    wait_committed(leader);
    run(200);
    CHECK(raft_role(&servers[3].raft) == RAFT_STANDBY);
    finish(add_by_id, 4);

    /* Replace two of three voters in one change. */
    start_new(6);
    get_members(leader, &m);
    put(&m, 6, servers[5].address, RAFT_STANDBY);
    CHECK(reconfigure(leader, &m) == 0);
    run(2000);
    raft_id third = 6 - leader->id - follower; /* of the founders */
    CHECK(replace_two(leader, (raft_id[]){4, third}, (raft_id[]){5, 6}) == 0);
    CHECK(has_role(leader, third, RAFT_VOTER_OUTGOING));
    CHECK(has_role(leader, 6, RAFT_VOTER_INCOMING) && !is_committed(leader));
    wait_committed(leader);
    CHECK(has_role(leader, 6, RAFT_VOTER) && has_role(leader, third, -1));
    server_kill(&servers[3]);
    server_kill(&servers[third - 1]);

    /* Remove the leader: hand leadership over first, so that nobody waits for an election. */
    CHECK(hand_over(leader, 0) == 0);
    run(1000);
    CHECK(find_leader() != NULL && find_leader() != leader);
    finish(remove_server, leader->id);
    server_kill(leader);
    submit(find_leader(), "green");
    run(500);
    get_members(find_leader(), &m);
    CHECK(m.n == 2 && servers[4].sum == servers[5].sum && servers[4].sum > 100);
    printf("servers 5 and 6 have replaced all others\n");
    cluster_stop();
    return 0;
}
