/* SPDX-License-Identifier: MIT */
/* Messages whose entries are read from a disk: they leave after later steps, if the term is still
 * the same. */
#include "cluster.h"

enum { QUEUE = 256, READ_TIME = 3, CACHED = 4 };

/* [queue] */
/* A message that waits for entries which are not in memory. */
struct waiting {
    struct raft_message message;
    char address[ADDRESS_MAX]; /* message.server_address is valid until the next step only */
    raft_time ready;           /* this program's disk needs READ_TIME */
};

static struct waiting waiting[MAX_SERVERS][QUEUE];
static unsigned n_begun[MAX_SERVERS], n_done[MAX_SERVERS];

static void send_all(struct server *s, const struct raft_update_messages *messages) {
    for (unsigned i = 0; i < messages->n; i++) {
        const struct raft_message *m = &messages->batch[i];
        if (m->type != RAFT_APPEND_ENTRIES || m->append_entries.n_entries == 0 ||
            m->append_entries.prev_log_index + CACHED >= raft_last_index(&s->raft)) {
            post(s, m); /* all that it needs is in memory */
            continue;
        }
        struct waiting *w = &waiting[s->id - 1][n_begun[s->id - 1]++ % QUEUE];
        w->message = *m;
        snprintf(w->address, sizeof w->address, "%s", m->server_address);
        w->message.server_address = w->address;
        w->ready = now + READ_TIME; /* begin to read */
    }
}
/* [queue end] */

static unsigned n_late, n_dropped;

/* [send] */
/* The entries have been read. */
static void send_late(struct server *s, const struct waiting *w) {
    const struct raft_append_entries *append = &w->message.append_entries;
    if (raft_current_term(&s->raft) != append->term) {
        n_dropped++;
        return; /* the log may have been rewritten since: these may be entries of another leader */
    }
    if (append->prev_log_index + 1 < s->first) { /* deleted since: there is nothing to send */
        struct raft_event event = {.type = RAFT_UNREACHABLE};
        event.unreachable.server_id = w->message.server_id;
        CHECK(step(s, &event) == 0);
        return;
    }
    n_late++;
    post(s, &w->message);
}
/* [send end] */

/* The disk has finished reads. A message to a server must not overtake one that was sent before
 * it, for the sake of speed only. */
static void read_disks(raft_time msecs) {
    for (raft_time end = now + msecs; now < end;) {
        run(1);
        for (int i = 0; i < MAX_SERVERS; i++) {
            while (n_done[i] < n_begun[i] && waiting[i][n_done[i] % QUEUE].ready <= now) {
                const struct waiting *w = &waiting[i][n_done[i]++ % QUEUE];
                if (servers[i].runs) {
                    send_late(&servers[i], w);
                }
            }
        }
    }
}

static void submit_many(struct server *leader, int n) {
    for (int i = 0; i < n; i++) {
        submit(leader, "a command");
    }
}

int main(void) {
    hooks.send = send_all;
    struct server *leader = cluster_start(3);
    struct server *follower = other_server(leader);

    /* A server that was away needs entries that are not in memory any more. */
    server_kill(follower);
    submit_many(leader, 100);
    read_disks(500);
    server_start(follower, follower->id, follower->address);
    read_disks(3000);
    CHECK(find_leader() == leader && n_late > 0);
    CHECK(raft_last_index(&follower->raft) == raft_last_index(&leader->raft));

    /* A message of an earlier term is dropped. */
    server_kill(follower);
    submit_many(leader, 100);
    read_disks(500);
    server_start(follower, follower->id, follower->address);
    while (n_begun[leader->id - 1] == n_done[leader->id - 1]) {
        run(1); /* until the leader waits for its disk */
    }
    struct raft_message higher = {.type = RAFT_APPEND_ENTRIES_RESULT};
    struct raft_event event = {.type = RAFT_RECEIVE};
    higher.server_id = follower->id;
    higher.server_address = follower->address;
    higher.append_entries_result.term = leader->term + 1;
    higher.append_entries_result.rejected = 1;
    event.receive.message = &higher;
    CHECK(step(leader, &event) == 0);
    read_disks(5000);
    CHECK(n_dropped > 0);
    printf("%u messages left later, %u were dropped\n", n_late, n_dropped);
    CHECK(find_leader() != NULL);
    read_disks(3000);
    CHECK(servers[0].sum == servers[1].sum && servers[0].sum == servers[2].sum);
    cluster_stop();
    return 0;
}
