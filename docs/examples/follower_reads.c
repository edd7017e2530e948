/* SPDX-License-Identifier: MIT */
/* Linearizable reads from followers: a follower asks the leader for a read index. */
#include "cluster.h"

enum { ASK = 1, ANSWER, REFUSAL }; /* messages of this program: {kind, number, index} */
enum { PATIENCE = 500 };           /* ms until a follower asks again */

/* A read that a client has sent to a follower. */
struct query {
    unsigned long long number; /* 0: none. Never used twice. */
    raft_time asked;
    raft_index index; /* serve it when this entry is applied; 0: not known yet */
    raft_time served; /* 0: not yet */
};

/* One asker of a read that is pending on a leader. */
struct asker {
    raft_id id;
    unsigned long long number;
};

static struct query query;
static struct asker askers[1024]; /* by the ID of the read */
static unsigned long long n_reads, n_queries;
static bool leases; /* all that a lease needs is guaranteed: equal timeouts, clocks... */

/* [ask] */
/* A client has sent a read to this follower: ask the leader from which entry on it may be
 * served. Call this again when nothing has come for a while: the question, the answer or the
 * leader may be gone. */
static bool ask(struct server *s) {
    raft_id leader;
    raft_leader(&s->raft, &leader, NULL);
    if (leader == 0) {
        return false; /* try again later */
    }
    query = (struct query){.number = ++n_queries, .asked = now};
    post_word(s, leader, (unsigned long long[3]){ASK, query.number, 0});
    return true;
}
/* [ask end] */

/* [lead] */
/* The leader turns the question into a read of its own. */
static void on_ask(struct server *s, raft_id from, unsigned long long number) {
    struct raft_event event = {.type = RAFT_READ};
    event.read.id = ++n_reads % 1024;
    event.read.lease = leases;
    askers[event.read.id] = (struct asker){from, number};
    if (step(s, &event) != 0) { /* it does not lead any more, for example */
        post_word(s, from, (unsigned long long[3]){REFUSAL, number, 0});
    }
}

static void read_answered(struct server *s, const struct raft_read *read) {
    const struct asker *asker = &askers[read->id];
    unsigned kind = read->status == 0 ? ANSWER : REFUSAL;
    post_word(s, asker->id, (unsigned long long[3]){kind, asker->number, read->index});
}
/* [lead end] */

/* [serve] */
/* The follower serves the read when it has applied that entry. */
static void serve(struct server *s) {
    if (query.number != 0 && query.index != 0 && s->applied >= query.index && query.served == 0) {
        query.served = now; /* here the program reads its state machine, and answers the client */
    }
}

static void on_answer(struct server *s, unsigned long long number, raft_index index) {
    if (query.number ==
        number) { /* else an answer to an earlier question, whose index is too old */
        query.index = index;
        serve(s);
    }
}
/* [serve end] */

static void applied(struct server *s, raft_index index) {
    (void)index;
    serve(s);
}

static void received(struct server *s, const struct packet *packet) {
    if (packet->word[0] == ASK) {
        on_ask(s, packet->from, packet->word[1]);
    } else if (packet->word[0] == ANSWER) {
        on_answer(s, packet->word[1], packet->word[2]);
    }
}

/* Read from a follower until it has an answer. */
static unsigned long long read_from(struct server *s) {
    query = (struct query){0};
    for (int i = 0; i < 20000 && query.served == 0; i++) {
        if (query.number == 0 || query.asked + PATIENCE <= now) {
            ask(s);
        }
        run(1);
    }
    CHECK(query.served != 0);
    return s->sum;
}

/* Write on the leader. When the write is answered, read it from the follower. Returns the longest
 * time that a read took. */
static raft_time write_and_read(struct server *leader, struct server *follower) {
    raft_time longest = 0;
    for (int i = 0; i < 100; i++) {
        submit_and_wait(leader, "x");
        unsigned long long expected = leader->sum;
        raft_time before = now;
        CHECK(read_from(follower) == expected);
        longest = now - before > longest ? now - before : longest;
        run(7);
    }
    return longest;
}

int main(void) {
    hooks.received = received;
    hooks.read_answered = read_answered;
    hooks.applied = applied;
    latency = 5;
    struct server *leader = cluster_start(3);
    struct server *follower = other_server(leader);

    raft_time by_round = write_and_read(leader, follower);
    leases = true;
    raft_time by_lease = write_and_read(leader, follower);
    CHECK(raft_set_eager_commit(&leader->raft, 1) == 0);
    raft_time eager = write_and_read(leader, follower);
    printf(
        "the slowest of 100 reads took %llu ms by rounds, %llu ms under leases, and %llu ms under "
        "leases with eager commits\n",
        by_round, by_lease, eager);
    CHECK(by_round <= 4 * latency + 2 && eager <= 2 * latency + 2 && by_lease > by_round);

    /* The leader dies while the question is under way. */
    submit(leader, "y");
    run(20);
    unsigned long long expected = leader->sum;
    query = (struct query){0};
    CHECK(ask(follower));
    server_kill(leader);
    CHECK(read_from(follower) == expected);
    cluster_stop();
    return 0;
}
