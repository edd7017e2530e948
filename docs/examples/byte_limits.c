/* SPDX-License-Identifier: MIT */
/* Byte limits: a message has at most MESSAGE_BYTES of entries, and at most WINDOW_BYTES of entries
 * are under way to a server. */
#include "cluster.h"

enum { MESSAGE_BYTES = 400, WINDOW_BYTES = 1500, COMMANDS = 400 };

/* [total] */
/* Bytes of all entries of the leader's log up to each index; kept with the log. */
static size_t total[MAX_SERVERS][LOG_MAX + 1];

static size_t bytes_between(const struct server *s, raft_index after, raft_index last) {
    return last > after ? total[s->id - 1][last] - total[s->id - 1][after] : 0;
}
/* [total end] */

static void store(struct server *s, raft_index index, const struct raft_entry *entry) {
    store_whole(s, index, entry);
    total[s->id - 1][index] = total[s->id - 1][index - 1] + entry->buf.len;
}

/* [fit] */
/* How many entries of this message may leave now? If nothing is under way, at least one: an
 * entry that is larger than a limit must leave, too. */
static unsigned fit(const struct server *s, const struct raft_message *m) {
    const struct raft_append_entries *append = &m->append_entries;
    raft_index prev = append->prev_log_index, match = 0;
    raft_match_index(&s->raft, m->server_id, &match);
    size_t under_way = bytes_between(s, match, prev);
    unsigned n = 0;
    while (n < append->n_entries) {
        size_t bytes = bytes_between(s, prev, prev + n + 1);
        if ((bytes > MESSAGE_BYTES && n > 0) ||
            (under_way + bytes > WINDOW_BYTES && under_way + n > 0)) {
            break;
        }
        n++;
    }
    return n;
}
/* [fit end] */

/* [send] */
/* Send an update's messages. Remember where entries for a server were cut: what the same
 * update has for that server after that need not leave. */
struct cut {
    bool needed;
    raft_index sent; /* the last entry that left */
};
static struct cut cuts[MAX_SERVERS][MAX_SERVERS]; /* by sender and receiver */

static void send_all(struct server *s, const struct raft_update_messages *messages) {
    for (unsigned i = 0; i < messages->n; i++) {
        struct raft_message *m = &messages->batch[i];
        struct raft_append_entries *append = &m->append_entries;
        struct cut *cut = &cuts[s->id - 1][m->server_id - 1];
        if (m->type == RAFT_APPEND_ENTRIES && append->n_entries > 0) {
            unsigned n = cut->needed ? 0 : fit(s, m);
            if (n < append->n_entries && !cut->needed) {
                *cut = (struct cut){true, append->prev_log_index + n};
            }
            append->n_entries = n;
            if (n == 0) {
                continue;
            }
        }
        post(s, m);
    }
}

/* The update is carried out, and no other event has been stepped: say what did not leave. The
 * update of RAFT_SENT may ask for more entries, and is carried out in the same way. */
static void report_cuts(struct server *s) {
    for (raft_id id = 1; id <= MAX_SERVERS; id++) {
        struct cut *cut = &cuts[s->id - 1][id - 1];
        if (cut->needed) {
            struct raft_event event = {.type = RAFT_SENT};
            event.sent.server_id = id;
            event.sent.index = cut->sent;
            cut->needed = false;
            CHECK(step(s, &event) == 0);
        }
    }
}
/* [send end] */

static size_t most_under_way, largest_message;
static unsigned n_messages;

static void attach(struct server *s, struct packet *packet) {
    const struct raft_append_entries *append = &packet->message.append_entries;
    if (packet->message.type == RAFT_APPEND_ENTRIES && append->n_entries > 0) {
        raft_index match = 0, last = append->prev_log_index + append->n_entries;
        raft_match_index(&s->raft, packet->to, &match);
        size_t under_way = bytes_between(s, match, last);
        size_t size = bytes_between(s, append->prev_log_index, last);
        most_under_way = under_way > most_under_way ? under_way : most_under_way;
        largest_message = size > largest_message ? size : largest_message;
        n_messages++;
    }
}

/* Submit commands of different lengths, and wait until they are committed. */
static raft_time submit_many(struct server *leader, const char *text) {
    raft_time before = now;
    for (int i = 0; i < COMMANDS; i++) {
        submit(leader, text + strlen(text) - 1 - i % 95);
    }
    while (raft_commit_index(&leader->raft) < raft_last_index(&leader->raft)) {
        run(1);
        CHECK(now - before < 60000);
    }
    raft_time took = now - before;
    run(500);
    return took;
}

int main(void) {
    static const char text[] =
        "commands have different lengths, from one byte to a hundred; "
        "this text has more bytes than that";
    hooks.store = store;
    hooks.send = send_all;
    hooks.carried_out = report_cuts;
    hooks.attach = attach;
    latency = 5;
    struct server *leader = cluster_start(3);
    struct server *follower = other_server(leader);

    /* Commands come one by one. The window is used: as many bytes as it has leave in each round
     * trip, as far as whole entries allow. */
    raft_time took = submit_many(leader, text);
    CHECK(took <= (raft_time)COMMANDS * 50 / (WINDOW_BYTES - 95) * 2 * latency + 100);
    printf("%d commands in %llu ms and %u messages; at most %zu bytes under way\n", COMMANDS, took,
           n_messages, most_under_way);

    /* A follower was away. It gets what it lacks in messages of the greatest size. */
    server_kill(follower);
    submit_many(leader, text);
    n_messages = 0;
    server_start(follower, follower->id, follower->address);
    run(2000);
    printf("a follower caught up with %u messages of at most %zu bytes\n", n_messages,
           largest_message);
    CHECK(raft_last_index(&follower->raft) == raft_last_index(&leader->raft));
    CHECK(largest_message <= MESSAGE_BYTES && largest_message > MESSAGE_BYTES - 95);
    CHECK(most_under_way <= WINDOW_BYTES && most_under_way > WINDOW_BYTES - 95);
    CHECK(servers[0].sum == servers[1].sum && servers[0].sum == servers[2].sum);
    cluster_stop();
    return 0;
}
