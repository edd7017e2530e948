/* SPDX-License-Identifier: MIT */
/* Linearizable reads on the leader, and a deposed leader that answers none. */
#include "cluster.h"

enum { READS = 2000 };

/* [queue] */
/* A client's read that was not served yet. */
struct read {
    enum { FREE, ASKED, CONFIRMED, SERVED, LOST } state;
    raft_index index; /* CONFIRMED: serve it when this entry is applied */
    unsigned long long value;
};

static struct read reads[READS]; /* the ID of a read is its place here */

/* Returns 0, or why the read cannot be accepted now. */
static int begin_read(struct server *s, unsigned id) {
    struct raft_event event = {.type = RAFT_READ};
    event.read.id = id;
    reads[id].state = ASKED; /* the answer may come within the step */
    int error = step(s, &event);
    if (error != 0) { /* RAFT_NOTLEADER: ask raft_leader(). RAFT_BUSY: try later. */
        reads[id].state = FREE;
    }
    return error;
}
/* [queue end] */

/* [serve] */
/* Call this after each applied entry, too. */
static void serve_reads(struct server *s) {
    for (int i = 0; i < READS; i++) {
        if (reads[i].state == CONFIRMED && s->applied >= reads[i].index) {
            reads[i].value = s->sum; /* here the program reads its state machine */
            reads[i].state = SERVED;
        }
    }
}

/* RAFT_UPDATE_READS: the leader was still the leader when the read came, or it was
 * not. */
static void read_answered(struct server *s, const struct raft_read *answer) {
    struct read *read = &reads[answer->id];
    read->state = answer->status == 0 ? CONFIRMED : LOST; /* LOST: ask another server */
    read->index = answer->index;
    serve_reads(s);
}
/* [serve end] */

static void applied(struct server *s, raft_index index) {
    (void)index;
    serve_reads(s);
}

static raft_id cut_off; /* messages from and to this server are lost */
static unsigned n_messages;

static bool accepts(struct server *s, const struct packet *packet) {
    n_messages++;
    return s->id != cut_off && packet->from != cut_off;
}

static unsigned count(int state) {
    unsigned n = 0;
    for (int i = 0; i < READS; i++) {
        n += reads[i].state == (unsigned)state;
    }
    return n;
}

int main(void) {
    hooks.read_answered = read_answered;
    hooks.applied = applied;
    hooks.accepts = accepts;
    latency = 5;
    struct server *leader = cluster_start(3);
    submit(leader, "red");
    run(500);

    /* Many reads at once need few messages: they share rounds. */
    n_messages = 0;
    raft_time before = now;
    for (unsigned i = 0; i < READS; i++) {
        CHECK(begin_read(leader, i) == 0);
    }
    while (count(SERVED) < READS) {
        run(1);
    }
    printf("%d reads took %llu ms and %u messages\n", READS, now - before, n_messages);
    CHECK(n_messages <= 10 && now - before <= 4 * latency + 4 && reads[0].value == leader->sum);

    /* A follower refuses: see the guide to reads from followers. */
    memset(reads, 0, sizeof reads);
    struct server *follower = other_server(leader);
    CHECK(begin_read(follower, 0) == RAFT_NOTLEADER);

    /* The leader answers a write, and is cut off before it tells the others. They elect a new
     * leader, whose state machine does not have that write yet. */
    submit_and_wait(leader, "green");
    unsigned long long expected = leader->sum;
    cut_off = leader->id;
    CHECK(begin_read(leader, 0) == 0);
    while (find_leader() == leader || find_leader() == NULL) {
        run(1);
        CHECK(reads[0].state != SERVED);
    }
    struct server *next = find_leader();
    CHECK(next->sum != expected && begin_read(next, 2) == 0);
    submit_and_wait(next, "blue");
    CHECK(reads[2].state == SERVED && reads[2].value == expected);
    CHECK(leader->sum != next->sum); /* its state machine is old: it must not just be read */
    run(2000);
    CHECK(reads[0].state == LOST && raft_state(&leader->raft) != RAFT_LEADER);
    CHECK(begin_read(next, 1) == 0);
    run(100);
    CHECK(reads[1].state == SERVED && reads[1].value == next->sum);
    cluster_stop();
    return 0;
}
