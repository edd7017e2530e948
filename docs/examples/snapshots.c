/* SPDX-License-Identifier: MIT */
/* Snapshots: when to take one, how to send it in chunks, and how to restart from it. */
#include "cluster.h"

enum { CELLS = 2000, CHUNK = 1000, EVERY = 100, TRAILING = 20, KEPT = 4 };

/* The state machine: a command adds 1 to a cell, which its index chooses. */
struct table {
    unsigned short cells[CELLS];
};

/* A snapshot as a file. Its name has the index. */
struct file {
    raft_index index; /* 0: no file */
    struct table table;
};

static struct table tables[MAX_SERVERS];
static struct file files[MAX_SERVERS][KEPT];    /* "on disk", durable at once */
static struct table drafts[MAX_SERVERS];        /* "on disk": a snapshot that is being received */
static unsigned n_chunks, n_begun, n_installed; /* of all servers */

static struct file *find_file(const struct server *s, raft_index index) {
    for (int i = 0; i < KEPT; i++) {
        if (files[s->id - 1][i].index == index) {
            return &files[s->id - 1][i];
        }
    }
    return NULL;
}

static void write_file(const struct server *s, raft_index index, const struct table *table) {
    struct file *file = find_file(s, 0);
    CHECK(file != NULL);
    *file = (struct file){index, *table};
}

static unsigned count_files(const struct server *s) {
    unsigned n = 0;
    for (int i = 0; i < KEPT; i++) {
        n += files[s->id - 1][i].index != 0;
    }
    return n;
}

/* [delete] */
/* Delete what no message can ask for any more. */
static void delete_old(struct server *s) {
    s->first = raft_first_index(&s->raft); /* entries before this one */
    for (int i = 0; i < KEPT; i++) {       /* snapshots before this one */
        struct file *file = &files[s->id - 1][i];
        if (file->index < raft_oldest_snapshot_index(&s->raft)) {
            file->index = 0;
        }
    }
}
/* [delete end] */

/* [take] */
static void take_snapshot(struct server *s) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct raft_snapshot_metadata m = {.index = s->applied};
    m.term = raft_term_of(&s->raft, m.index); /* ask before the step */
    CHECK(raft_configuration_at(&s->raft, m.index, &m.configuration, &m.configuration_index) == 0);
    write_file(s, m.index, &tables[s->id - 1]);
    save_metadata(s, &m); /* both must be durable before the step */
    event.snapshot.metadata.index = m.index;
    event.snapshot.trailing = TRAILING;
    CHECK(step(s, &event) == 0);
    delete_old(s);
}

static void take_snapshot_if_due(struct server *s) {
    if (s->applied >= raft_snapshot_index(&s->raft) + EVERY) {
        take_snapshot(s);
    }
}
/* [take end] */

/* [chunk] */
/* Attach bytes to an InstallSnapshot: those at the offset which the library names. */
static void chunk(struct server *s, struct packet *packet) {
    struct raft_install_snapshot *install = &packet->message.install_snapshot;
    const struct file *file = find_file(s, install->last_index);
    CHECK(file != NULL); /* delete_old() keeps what messages ask for */
    size_t left = sizeof file->table - install->offset;
    install->data.len = left < CHUNK ? left : CHUNK;
    install->last = install->data.len == left;
    packet->bytes = malloc(CHUNK);
    CHECK(packet->bytes != NULL);
    memcpy(packet->bytes, (const char *)&file->table + install->offset, install->data.len);
}
/* [chunk end] */

/* [install] */
/* Duty 3: write a chunk, and say when it is durable. */
static void install(struct server *s, const struct raft_update_snapshot *u) {
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    struct table *draft = &drafts[s->id - 1];
    CHECK(u->offset + u->chunk.len <= sizeof *draft);
    memcpy((char *)draft + u->offset, u->chunk.base, u->chunk.len);
    if (u->last) {
        write_file(s, u->metadata.index, draft);
        save_metadata(s, &u->metadata); /* from now on a restart uses it */
    }
    event.persisted_snapshot.metadata.index = u->metadata.index;
    event.persisted_snapshot.metadata.term = u->metadata.term;
    event.persisted_snapshot.offset = u->offset;
    event.persisted_snapshot.last = u->last;
    CHECK(step(s, &event) == 0); /* after the last chunk, it raises the commit index */
    if (u->last) {
        s->last = raft_last_index(&s->raft); /* the old log goes now, and not earlier */
        delete_old(s);
    }
    n_chunks++;
    n_begun += u->offset == 0;
    n_installed += u->last;
}
/* [install end] */

/* [restore] */
/* Duty 5: the commit index has reached the snapshot, and the log does not hold what
 * precedes it. */
static void restore(struct server *s) {
    tables[s->id - 1] = find_file(s, s->snapshot.metadata.index)->table;
}
/* [restore end] */

static void applied(struct server *s, raft_index index) {
    if (s->log[index].type == RAFT_COMMAND) {
        tables[s->id - 1].cells[index * 7919 % CELLS]++;
    }
}

/* [configure] */
static void configure(struct server *s) {
    CHECK(raft_set_features(&s->raft,
                            RAFT_FEATURE_ROUNDS | RAFT_FEATURE_JOINT | RAFT_FEATURE_CHUNKS) == 0);
    CHECK(raft_set_install_snapshot_timeout(&s->raft, 1000) == 0); /* for one chunk */
}
/* [configure end] */

static void work(struct server *leader, int n_commands) {
    for (int i = 0; i < n_commands; i++) {
        submit(leader, "x");
        run(5);
        for (int j = 0; j < MAX_SERVERS; j++) {
            if (servers[j].runs) {
                take_snapshot_if_due(&servers[j]);
            }
        }
    }
}

static bool same(const struct server *a, const struct server *b) {
    return a->applied == b->applied &&
           memcmp(&tables[a->id - 1], &tables[b->id - 1], sizeof tables[0]) == 0;
}

static void add(struct server *leader, struct server *s, raft_id id) {
    struct raft_event event = {.type = RAFT_RECONFIGURE};
    struct raft_server members[MAX_SERVERS];
    server_start(s, id, "server4");
    for (unsigned i = 0; i < 3; i++) {
        members[i] = (struct raft_server){servers[i].id, servers[i].address, RAFT_VOTER};
    }
    members[3] = (struct raft_server){id, s->address, RAFT_STANDBY};
    event.reconfigure.conf = (struct raft_configuration){members, 4};
    CHECK(step(leader, &event) == 0);
}

int main(void) {
    hooks.configure = configure;
    hooks.chunk = chunk;
    hooks.install = install;
    hooks.restore = restore;
    hooks.applied = applied;
    struct server *leader = cluster_start(3);
    struct server *follower = other_server(leader);

    /* All servers take snapshots of their own. Nothing is sent. */
    work(leader, 350);
    CHECK(leader->snapshot.metadata.index >= 300 && leader->first > 300 - TRAILING);
    CHECK(count_files(leader) == 1 && n_chunks == 0);

    /* A follower that lacks at most the trailing entries gets entries. */
    server_kill(follower);
    work(leader, TRAILING / 2);
    take_snapshot(leader);
    server_start(follower, follower->id, follower->address);
    run(2000);
    CHECK(n_chunks == 0 && same(leader, follower));

    /* One that lacks more gets the snapshot, and then the entries after it. */
    server_kill(follower);
    work(leader, 250);
    server_start(follower, follower->id, follower->address);
    run(2000);
    CHECK(n_installed == 1 && n_chunks == sizeof(struct table) / CHUNK);
    CHECK(same(leader, follower) && count_files(follower) == 1);
    printf("%u chunks of %d bytes\n", n_chunks, CHUNK);

    /* It restarts from its snapshot and the log after it. */
    server_kill(follower);
    memset(&tables[follower->id - 1], 0, sizeof tables[0]);
    server_start(follower, follower->id, follower->address);
    CHECK(follower->applied >= follower->snapshot.metadata.index);
    run(2000);
    CHECK(n_installed == 1 && same(leader, follower));

    /* A new server joins. Meanwhile the leader takes another snapshot: both stay. */
    latency = 100;
    add(leader, &servers[3], 4);
    while (n_begun == 1) {
        run(1);
    }
    take_snapshot(leader);
    CHECK(count_files(leader) == 2);
    CHECK(raft_oldest_snapshot_index(&leader->raft) < raft_snapshot_index(&leader->raft));

    /* It crashes in the middle, with a part of the snapshot. The transfer begins anew. */
    while (n_chunks < 6) {
        run(1);
    }
    server_kill(&servers[3]);
    run(500);
    server_start(&servers[3], 4, "server4");
    run(10000);
    CHECK(n_begun >= 3 && n_installed == 2 && same(leader, &servers[3]));
    take_snapshot_if_due(leader);
    delete_old(leader);
    CHECK(count_files(leader) == 1);
    cluster_stop();
    return 0;
}
