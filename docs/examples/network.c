/* SPDX-License-Identifier: MIT */
/* Three servers that speak over TCP. For brevity they are in one process, and their disks are
 * arrays. Messages are lost, repeated and reordered, connections break, and a stranger calls. */
#define _GNU_SOURCE
#include "check.h"
#include "tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SERVERS = 3, LOG_MAX = 1024, PAYLOAD_MAX = 128 };

struct record {
    raft_term term;
    enum raft_entry_type type;
    size_t len;
    char bytes[PAYLOAD_MAX];
};

struct server {
    struct raft raft;
    struct transport transport;
    struct record log[LOG_MAX + 1]; /* "on disk", durable at once; so are term and vote */
    raft_index applied;
    unsigned long long commands, sum;
};

static struct server servers[SERVERS];
static const char token[] = "0123456789abcdef"; /* a program reads random bytes from a file */

static bool step(struct server *s, struct raft_event *event);

static raft_time read_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

/* --- the server ---------------------------------------------------------- */

/* [duty] */
/* Duty 4. The library names entries by their indexes; the program attaches them. */
static void send_message(struct server *s, struct raft_message *m) {
    struct raft_append_entries *append = &m->append_entries;
    struct raft_entry entries[LOG_MAX];
    if (m->type == RAFT_APPEND_ENTRIES) {
        for (unsigned i = 0; i < append->n_entries; i++) {
            struct record *record = &s->log[append->prev_log_index + 1 + i];
            entries[i] = (struct raft_entry){.term = record->term, .type = record->type};
            entries[i].buf.base = record->bytes;
            entries[i].buf.len = record->len;
        }
        append->entries = entries;
    }
    transport_send(&s->transport, m);
}
/* [duty end] */

static void store(struct server *s, raft_index index, const struct raft_entry *e) {
    CHECK(index <= LOG_MAX && e->buf.len <= PAYLOAD_MAX);
    s->log[index] = (struct record){.term = e->term, .type = e->type, .len = e->buf.len};
    memcpy(s->log[index].bytes, e->buf.base, e->buf.len);
}

static void carry_out(struct server *s, const struct raft_update *u) {
    for (unsigned i = 0; (u->flags & RAFT_UPDATE_ENTRIES) && i < u->entries.n; i++) {
        store(s, u->entries.index + i, &u->entries.batch[i]);
    }
    for (unsigned i = 0; (u->flags & RAFT_UPDATE_MESSAGES) && i < u->messages.n; i++) {
        send_message(s, &u->messages.batch[i]);
    }
    while ((u->flags & RAFT_UPDATE_COMMIT_INDEX) && s->applied < raft_commit_index(&s->raft)) {
        const struct record *record = &s->log[++s->applied];
        if (record->type == RAFT_COMMAND) {
            s->commands++;
            s->sum = 31 * s->sum + (unsigned char)record->bytes[0]; /* the order matters */
        }
    }
}

static bool step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = read_clock();
    if (raft_step(&s->raft, event, &update) != 0) {
        return false;
    }
    carry_out(s, &update);
    if ((update.flags & RAFT_UPDATE_ENTRIES) && update.entries.n > 0) {
        struct raft_event stored = {.type = RAFT_STORED};
        stored.stored.index = update.entries.index + update.entries.n - 1;
        stored.stored.write = update.entries.write;
        CHECK(step(s, &stored));
    }
    return true;
}

/* [events] */
static void on_message(struct transport *t, struct raft_message *m) {
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = m;
    if (!step(t->owner, &event)) { /* RAFT_MALFORMED: no correct server sends this */
        fprintf(stderr, "refused: %s\n", raft_errmsg(&((struct server *)t->owner)->raft));
    }
}

/* Tell the library what was lost. Call this between updates: a step makes the arrays
 * of the last update invalid. */
static void report_lost(struct server *s) {
    for (raft_id id; (id = transport_lost(&s->transport)) != 0;) {
        struct raft_event event = {.type = RAFT_UNREACHABLE};
        event.unreachable.server_id = id;
        CHECK(step(s, &event));
    }
}
/* [events end] */

static void start(struct server *s, raft_id id) {
    CHECK(transport_open(&s->transport, id, "127.0.0.1:0", token));
    s->transport.receive = on_message;
    s->transport.owner = s;
    CHECK(raft_init(&s->raft, id, s->transport.address) == 0);
    CHECK(raft_seed(&s->raft, (unsigned)read_clock()) == 0);
    CHECK(raft_set_heartbeat_timeout(&s->raft, 30) == 0);
    CHECK(raft_set_election_timeout(&s->raft, 300) == 0);
    CHECK(raft_set_max_message_entries(&s->raft, 100) == 0); /* at most 100 * PAYLOAD_MAX bytes */
    CHECK(raft_set_max_uncommitted_entries(&s->raft, 50) == 0);
    CHECK(raft_set_features(&s->raft, RAFT_FEATURE_ROUNDS) == 0);
    struct raft_event event = {.type = RAFT_START};
    CHECK(step(s, &event));
}

static void found(void) {
    struct raft_server members[SERVERS];
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    for (unsigned i = 0; i < SERVERS; i++) {
        members[i] = (struct raft_server){i + 1, servers[i].transport.address, RAFT_VOTER};
    }
    event.bootstrap.conf = (struct raft_configuration){members, SERVERS};
    for (unsigned i = 0; i < SERVERS; i++) {
        CHECK(step(&servers[i], &event));
    }
}

/* --- the loop ------------------------------------------------------------ */

static void turn(void) {
    struct pollfd fds[SERVERS * (CONNECTIONS + 1)];
    unsigned n = 0;
    raft_time wait = 20, time = read_clock();
    for (int i = 0; i < SERVERS; i++) {
        raft_time due = raft_timeout(&servers[i].raft);
        transport_flush(&servers[i].transport);
        n += transport_wait(&servers[i].transport, fds + n);
        wait = due <= time ? 0 : due - time < wait ? due - time : wait;
    }
    poll(fds, n, (int)wait);
    for (int i = 0; i < SERVERS; i++) {
        struct raft_event timeout = {.type = RAFT_TIMEOUT};
        transport_read(&servers[i].transport);
        if (raft_timeout(&servers[i].raft) <= read_clock()) {
            CHECK(step(&servers[i], &timeout));
        }
        report_lost(&servers[i]);
    }
}

static struct server *find_leader(void) {
    struct server *leader = NULL;
    for (int i = 0; i < SERVERS; i++) {
        if (raft_state(&servers[i].raft) == RAFT_LEADER &&
            (leader == NULL ||
             raft_current_term(&servers[i].raft) > raft_current_term(&leader->raft))) {
            leader = &servers[i];
        }
    }
    return leader;
}

/* Submit commands until all servers have applied so many more, and the same. */
static void work(unsigned n) {
    unsigned long long goal = servers[0].commands + n;
    bool done = false;
    while (!done) {
        struct server *leader = find_leader();
        char byte = (char)(rand() % 256);
        struct raft_entry entry = {.type = RAFT_COMMAND, .buf = {&byte, 1}, .batch = &byte};
        struct raft_event event = {.type = RAFT_SUBMIT};
        event.submit.entries = &entry;
        event.submit.n = 1;
        if (leader != NULL && leader->commands < goal) {
            step(leader, &event); /* it may have lost leadership: then try again */
        }
        turn();
        done = true;
        for (int i = 0; i < SERVERS; i++) {
            done = done && servers[i].commands >= goal &&
                   servers[i].applied == raft_last_index(&servers[0].raft) &&
                   servers[i].sum == servers[0].sum;
        }
    }
}

static void break_connections(struct server *s) {
    for (int i = 0; i < CONNECTIONS; i++) {
        if (s->transport.connections[i].fd >= 0) {
            shutdown(s->transport.connections[i].fd, SHUT_RDWR);
        }
    }
}

/* A connection begins under one ID. Then somebody asks there for votes in a very high term, under
 * another one. */
static void call(struct server *s, const char *secret, raft_id speaks, raft_id claims) {
    struct transport stranger;
    struct raft_message m = {.type = RAFT_REQUEST_VOTE_RESULT};
    unsigned refused = s->transport.n_refused;
    CHECK(transport_open(&stranger, speaks, "127.0.0.1:0", secret));
    m.server_id = s->raft.id;
    m.server_address = s->transport.address;
    m.request_vote_result.term = 1; /* of an old term: it has no effect */
    transport_send(&stranger, &m);
    stranger.id = claims;
    m.type = RAFT_REQUEST_VOTE;
    m.request_vote = (struct raft_request_vote){.version = 2, .term = 1000000};
    m.request_vote.candidate_id = claims;
    m.request_vote.disrupt_leader = true;
    transport_send(&stranger, &m);
    while (s->transport.n_refused == refused) {
        transport_flush(&stranger);
        turn();
        CHECK(raft_current_term(&s->raft) < 1000000);
    }
    transport_close(&stranger);
}

int main(void) {
    alarm(120); /* in case that it never ends */
    for (unsigned i = 0; i < SERVERS; i++) {
        start(&servers[i], i + 1);
    }
    found();
    work(100);

    /* One in ten messages is lost, one repeated, and one overtaken. */
    for (int i = 0; i < SERVERS; i++) {
        servers[i].transport.mangles = true;
    }
    work(200);
    for (int i = 0; i < SERVERS; i++) {
        servers[i].transport.mangles = false;
    }

    /* Connections break. */
    for (int i = 0; i < 10; i++) {
        break_connections(&servers[i % SERVERS]);
        work(10);
    }

    /* A stranger without the token; and server 2, which speaks for server 3. */
    call(&servers[0], "not the token...", 2, 2);
    call(&servers[0], token, 2, 3);
    work(10);
    printf("%llu commands, applied in the same order by all\n", servers[0].commands);
    for (int i = 0; i < SERVERS; i++) {
        raft_close(&servers[i].raft);
        transport_close(&servers[i].transport);
    }
    return 0;
}
