/* SPDX-License-Identifier: MIT */
/* A group sleeps while it rests, and wakes when it is asked for something or its leader's host is
 * gone. */
#include "cluster.h"

enum { IDLE = 2000, LONG = 10000 };

static unsigned n_messages;

/* [settings] */
/* The same on all members. Pre-votes are on unless they are turned off. */
static void configure(struct server *s) {
    CHECK(raft_set_features(&s->raft, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_SLEEP) == 0);
    CHECK(raft_set_idle_timeout(&s->raft, IDLE) == 0); /* milliseconds */
}
/* [settings end] */

static bool accepts(struct server *s, const struct packet *packet) {
    (void)s;
    (void)packet;
    n_messages++;
    return true;
}

/* [asleep] */
static const raft_time NEVER = (1ull << 63) - 1;

/* A server that sleeps has no deadline. A new server that waits to be added has none either. */
static bool is_asleep(const struct server *s) { return raft_timeout(&s->raft) == NEVER; }
/* [asleep end] */

static bool all_sleep(void) {
    for (int i = 0; i < 3; i++) {
        if (servers[i].runs && !is_asleep(&servers[i])) {
            return false;
        }
    }
    return true;
}

/* [wake] */
/* The host of server `gone` does not answer any more. Wake the groups that it led. */
static void host_is_gone(struct server *s, raft_id gone) {
    struct raft_event event = {.type = RAFT_WAKE};
    raft_id leader;
    raft_leader(&s->raft, &leader, NULL);
    if (leader == gone) { /* a server that sleeps still knows its leader */
        CHECK(step(s, &event) == 0);
    }
}
/* [wake end] */

static bool answered;

static void read_answered(struct server *s, const struct raft_read *read) {
    (void)s;
    CHECK(read->status == 0);
    answered = true;
}

int main(void) {
    hooks.configure = configure;
    hooks.accepts = accepts;
    hooks.read_answered = read_answered;
    struct server *leader = cluster_start(3);
    submit(leader, "red");

    /* [rest] */
    run(IDLE + 500); /* nobody asks for anything */
    CHECK(all_sleep());
    n_messages = 0;
    run(60 * 60 * 1000);
    CHECK(n_messages == 0); /* an hour, and not one message */
    /* [rest end] */
    printf("asleep for an hour: %u messages\n", n_messages);

    /* A write wakes the group: it is committed as if nothing had been. */
    raft_time before = now;
    raft_index index = submit(leader, "green");
    while (raft_commit_index(&leader->raft) < index) {
        run(1);
    }
    printf("a write to a group that sleeps: committed after %llu ms\n", now - before);
    CHECK(now - before <= 10 && !is_asleep(leader));
    run(IDLE + 500);
    CHECK(all_sleep());

    /* So does a read. No lease survives sleep, so it takes a round of messages. */
    struct raft_event read = {.type = RAFT_READ};
    read.read.lease = true;
    CHECK(step(leader, &read) == 0 && !answered);
    run(10);
    CHECK(answered);
    run(IDLE + 500);
    CHECK(all_sleep());

    /* A false alarm: nothing is lost, and the group sleeps again at once. */
    for (int i = 0; i < 3; i++) {
        host_is_gone(&servers[i], leader->id);
    }
    CHECK(!all_sleep());
    n_messages = 0;
    run(500);
    printf("a false alarm: %u messages\n", n_messages);
    CHECK(find_leader() == leader && all_sleep());

    /* The leader's host dies. Nobody notices... */
    server_kill(leader);
    run(LONG);
    CHECK(find_leader() == NULL && all_sleep());
    /* ...until the program says so. */
    before = now;
    for (int i = 0; i < 3; i++) {
        if (servers[i].runs) {
            host_is_gone(&servers[i], leader->id);
        }
    }
    while (find_leader() == NULL) {
        run(1);
    }
    printf("woken: a new leader after %llu ms\n", now - before);
    CHECK(now - before < 5000);

    /* Without the third member, it takes ten election timeouts until the group sleeps again. */
    run(10000 + IDLE + 1000);
    raft_time deadline = raft_timeout(&find_leader()->raft);
    printf("the leader's next deadline: in %llu ms\n", deadline - now);
    CHECK(deadline != NEVER && deadline > now + 1000);
    cluster_stop();
    return 0;
}
