/* SPDX-License-Identifier: MIT */
/* Commands with a callback, as other libraries have them: submit, and be told what became of it. */
#include "cluster.h"

/* [closures] */
enum fate { COMMITTED, LOST, UNKNOWN };

struct closure {
    void (*done)(enum fate fate, void *argument); /* NULL: free */
    void *argument;
    raft_term term;
};

/* By server, and by the index of the entry. */
static struct closure closures[MAX_SERVERS][LOG_MAX + 1];

static void finish(struct closure *c, enum fate fate) {
    struct closure copy = *c;
    c->done = NULL;
    if (copy.done != NULL) {
        copy.done(fate, copy.argument);
    }
}

/* Returns 0, RAFT_NOTLEADER, or another error of RAFT_SUBMIT. `done` is called once if it is 0. */
static int propose(struct server *s, const char *command, void (*done)(enum fate, void *),
                   void *argument) {
    struct raft_entry entry = {.type = RAFT_COMMAND, .batch = s};
    struct raft_event event = {.type = RAFT_SUBMIT};
    struct closure *c = &closures[s->id - 1][raft_last_index(&s->raft) + 1];
    entry.buf.base = (void *)command;
    entry.buf.len = strlen(command);
    event.submit.entries = &entry;
    event.submit.n = 1;
    struct closure before = *c;
    *c = (struct closure){done, argument, raft_current_term(&s->raft)};
    int error = step(s, &event); /* a cluster of one commits in this step */
    if (error != 0) {
        *c = before;
    }
    return error;
}

/* The entry was applied: it is the client's if it has the client's term. */
static void applied(struct server *s, raft_index index) {
    struct closure *c = &closures[s->id - 1][index];
    finish(c, c->term == raft_term_of(&s->raft, index) ? COMMITTED : LOST);
}

/* An entry is stored. If a client waits at its index with another term, its entry is replaced. */
static void store(struct server *s, raft_index index, const struct raft_entry *entry) {
    struct closure *c = &closures[s->id - 1][index];
    if (c->done != NULL && c->term != entry->term) {
        finish(c, LOST);
    }
    store_whole(s, index, entry);
}

/* The server stops, or a snapshot has replaced its log: nobody here knows. */
static void forget(const struct server *s) {
    for (raft_index i = 0; i <= LOG_MAX; i++) {
        finish(&closures[s->id - 1][i], UNKNOWN);
    }
}
/* [closures end] */

static unsigned n_fates[UNKNOWN + 1];

static void done(enum fate fate, void *argument) {
    n_fates[fate]++;
    *(bool *)argument = true;
}

static raft_id cut;

static bool accepts(struct server *s, const struct packet *packet) {
    return cut == 0 || (packet->from != cut && s->id != cut);
}

int main(void) {
    bool told[4] = {false};
    hooks.applied = applied;
    hooks.store = store;
    hooks.accepts = accepts;
    struct server *leader = cluster_start(3);
    struct server *follower = other_server(leader);
    CHECK(propose(follower, "red", done, &told[0]) == RAFT_NOTLEADER && !told[0]);
    CHECK(propose(leader, "red", done, &told[0]) == 0);
    run(100);
    CHECK(told[0] && n_fates[COMMITTED] == 1);

    /* A leader that is cut off accepts a command, which another leader's entry replaces. */
    cut = leader->id;
    CHECK(propose(leader, "green", done, &told[1]) == 0);
    run(5000);
    CHECK(!told[1]);
    cut = 0;
    run(5000);
    CHECK(told[1] && n_fates[LOST] == 1);

    /* A server that is stopped with a command under way. */
    leader = find_leader();
    CHECK(propose(leader, "blue", done, &told[2]) == 0 && !told[2]);
    forget(leader);
    CHECK(told[2] && n_fates[UNKNOWN] == 1);
    printf("committed %u, lost %u, unknown %u\n", n_fates[COMMITTED], n_fates[LOST],
           n_fates[UNKNOWN]);
    cluster_stop();
    return 0;
}
