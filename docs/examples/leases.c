/* SPDX-License-Identifier: MIT */
/* Reads under a lease: fast, and stale if a clock is wrong. */
#include "cluster.h"

/* A clock that is wrong: from `since` on it runs at `percent` of the right speed. */
static raft_id wrong;
static raft_time since;
static unsigned percent;

static raft_time read_clock(const struct server *s) {
    return s->id == wrong ? since + (now - since) * percent / 100 : now;
}

static raft_id cut_off; /* messages from and to this server are lost */

static bool accepts(struct server *s, const struct packet *packet) {
    return s->id != cut_off && packet->from != cut_off;
}

static raft_index answer; /* what the last read was answered; 0: not yet, or not at all */

static void read_answered(struct server *s, const struct raft_read *read) {
    (void)s;
    answer = read->status == 0 ? read->index : 0;
}

/* [read] */
/* Is every condition for leases guaranteed? The operator says so; the library cannot
 * know. */
static bool leases_are_safe;

/* Under a lease the answer is in the update of this step; else it comes after a
 * round. */
static int begin_read(struct server *s) {
    struct raft_event event = {.type = RAFT_READ};
    event.read.lease = leases_are_safe;
    answer = 0;
    return step(s, &event);
}
/* [read end] */

struct result {
    unsigned served, stale;
    raft_time last; /* when the last read was served, in milliseconds after the cut */
};

/* [partition] */
/* Cut the leader off. Go on reading from it, while the others elect a new leader and
 * write. */
static struct result cut_and_read(struct server *leader) {
    struct result result = {0};
    bool written = false;
    raft_time begin = now;
    cut_off = leader->id;
    while (now < begin + 4000) {
        struct server *next = find_leader();
        if (next != NULL && next != leader && !written) {
            submit_and_wait(next, "x");
            written = true;
        }
        if (begin_read(leader) == 0 && answer != 0 && leader->applied >= answer) {
            result.served++;
            result.stale += written; /* it does not see what was written before it */
            result.last = now - begin;
        }
        run(1);
    }
    CHECK(written);
    return result;
}
/* [partition end] */

static struct result try(const char *what, unsigned speed, bool lease) {
    memset(servers, 0, sizeof servers);
    cut_off = wrong = 0;
    leases_are_safe = lease;
    struct server *leader = cluster_start(3);
    submit_and_wait(leader, "x");
    wrong = leader->id;
    since = now;
    percent = speed;
    struct result result = cut_and_read(leader);
    printf("%-37s %4u served, the last after %4llu ms, %4u stale\n", what, result.served,
           result.last, result.stale);
    cluster_stop();
    return result;
}

int main(void) {
    hooks.clock = read_clock;
    hooks.accepts = accepts;
    hooks.read_answered = read_answered;
    struct result right = try("leases, right clocks:", 100, true);
    struct result drift = try("leases, the leader's clock 9 % slow:", 91, true);
    struct result slow = try("leases, the leader's clock 50 % slow:", 50, true);
    struct result stopped = try("leases, the leader's clock stands:", 0, true);
    struct result rounds = try("rounds, the leader's clock 50 % slow:", 50, false);
    CHECK(right.served > 700 && right.last < 900 && right.stale == 0);
    CHECK(drift.served > 700 && drift.last < 1000 && drift.stale == 0);
    CHECK(slow.stale > 0 && stopped.stale > 0);
    CHECK(rounds.stale == 0 && rounds.served == 0);
    return 0;
}
