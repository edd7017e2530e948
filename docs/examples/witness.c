/* SPDX-License-Identifier: MIT */
/* A witness: server 3 votes, but stores no commands and never leads. */
#include "cluster.h"

#include <limits.h>

enum { WITNESS = 3, COMMANDS = 200 };

static size_t stored[MAX_SERVERS], sent[MAX_SERVERS]; /* bytes of payloads, by server */

/* [configure] */
/* A witness never leads: it could not send the commands that it does not have. */
static void configure(struct server *s) {
    if (s->id == WITNESS) {
        CHECK(raft_set_election_delay(&s->raft, UINT_MAX) == 0);
    }
}
/* [configure end] */

/* [store] */
/* A witness stores the index, term and type of every entry, and the payload only if the
 * entry is a configuration. */
static void store(struct server *s, raft_index index, const struct raft_entry *entry) {
    if (s->id != WITNESS || entry->type == RAFT_CHANGE) {
        store_whole(s, index, entry);
    } else {
        s->log[index].len = 0;
    }
    stored[s->id - 1] += s->log[index].len;
}
/* [store end] */

/* [send] */
/* Leave the payloads of commands out of messages to a witness. */
static void strip(struct packet *packet) {
    for (unsigned i = 0; i < packet->message.append_entries.n_entries; i++) {
        struct record *record = &packet->records[i];
        if (packet->to == WITNESS && record->type != RAFT_CHANGE) {
            record->len = 0;
        }
        sent[packet->to - 1] += record->len;
    }
}

/* A snapshot for a witness has no bytes, only its metadata. Set `last`: this is its end. */
static void attach_snapshot(struct packet *packet) {
    struct raft_install_snapshot *install = &packet->message.install_snapshot;
    if (packet->to == WITNESS) {
        install->data = (struct raft_buffer){NULL, 0};
    }
    install->last = true;
}
/* [send end] */

static void attach(struct server *s, struct packet *packet) {
    (void)s;
    if (packet->message.type == RAFT_APPEND_ENTRIES) {
        strip(packet);
    } else {
        attach_snapshot(packet);
    }
}

/* [compact] */
/* A witness has no state machine. It may compact its log at any committed entry, without
 * writing a snapshot: the metadata is all that it stores. */
static void compact(struct server *s, raft_index index) {
    struct raft_event event = {.type = RAFT_SNAPSHOT};
    struct raft_snapshot_metadata metadata = {.index = index,
                                              .term = raft_term_of(&s->raft, index)};
    CHECK(raft_configuration_at(&s->raft, index, &metadata.configuration,
                                &metadata.configuration_index) == 0);
    save_metadata(s, &metadata); /* durable before the step */
    event.snapshot.metadata.index = index;
    CHECK(step(s, &event) == 0);
    s->first = raft_first_index(&s->raft); /* delete the entries before it */
}
/* [compact end] */

static void submit_many(struct server *leader) {
    for (int i = 0; i < COMMANDS; i++) {
        submit(leader, "set a key to a value of some length, as clients do");
        run(2);
    }
    run(200);
}

int main(void) {
    hooks.configure = configure;
    hooks.store = store;
    hooks.attach = attach;
    struct server *leader = cluster_start(3);
    CHECK(leader->id != WITNESS);
    struct server *other = other_server(leader);
    struct server *witness = &servers[WITNESS - 1];

    submit_many(leader);
    printf("stored: %zu bytes on a data server, %zu on the witness\n", stored[leader->id - 1],
           stored[WITNESS - 1]);
    printf("sent: %zu bytes to a data server, %zu to the witness\n", sent[other->id - 1],
           sent[WITNESS - 1]);
    CHECK(stored[WITNESS - 1] < 100 && sent[WITNESS - 1] < 100 && sent[other->id - 1] > 8000);

    /* The other data server is down: the leader and the witness commit. */
    server_kill(other);
    submit_many(leader);
    CHECK(raft_commit_index(&leader->raft) == raft_last_index(&leader->raft));

    /* The witness is restarted without payloads, and from a snapshot without bytes. */
    server_kill(witness);
    server_start(witness, WITNESS, witness->address);
    run(500);
    compact(witness, raft_commit_index(&witness->raft));
    server_kill(witness);
    server_start(witness, WITNESS, witness->address);
    run(500);
    submit_many(leader);
    CHECK(raft_commit_index(&leader->raft) == raft_last_index(&leader->raft));

    /* A witness whose entries the leader has compacted is sent such a snapshot. */
    server_kill(witness);
    server_start(other, other->id, other->address);
    run(3000);
    submit_many(leader);
    compact(leader, raft_commit_index(&leader->raft));
    server_start(witness, WITNESS, witness->address);
    run(3000);
    CHECK(witness->snapshot.metadata.index == leader->snapshot.metadata.index);

    /* What a witness costs: the data server that missed entries cannot lead with the witness. */
    server_kill(other);
    submit_many(leader);
    server_kill(leader);
    server_start(other, other->id, other->address);
    run(20000);
    CHECK(find_leader() == NULL);
    server_start(leader, leader->id, leader->address);
    run(20000);
    CHECK(find_leader() == leader);
    CHECK(leader->sum == other->sum && leader->sum != 0);
    cluster_stop();
    return 0;
}
