/* SPDX-License-Identifier: MIT */
/* Threads: each raft is owned by one thread, and each has a thread that writes to its disk. They
 * talk through mailboxes. */
#define _GNU_SOURCE
#include "check.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SERVERS = 3, LOG_MAX = 2048, PAYLOAD_MAX = 128, COMMANDS = 500 };

/* [mailbox] */
/* What one thread tells another. Everything in it is a copy: nothing points into an
 * update. */
struct item {
    enum {
        STOP,
        SUBMIT,      /* to the owner of a raft: a client's command */
        MESSAGE,     /* to the owner: bytes from another server */
        STORED,      /* to the owner: entries are durable */
        VOTE_STORED, /* to the owner: term and vote are durable */
        WRITE,       /* to the writer: entries */
        WRITE_VOTE,  /* to the writer: term and vote */
        SEND         /* to the writer: a message that must wait for earlier writes */
    } type;
    raft_id to;               /* SEND */
    raft_index index;         /* WRITE, STORED: the last entry */
    unsigned long long write; /* and the ticket of its write */
    size_t len;
    struct item *next;
    char bytes[]; /* what to write or send */
};

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct item *first, *last;
};

static void post(struct mailbox *m, struct item *item) {
    item->next = NULL;
    pthread_mutex_lock(&m->lock);
    if (m->first == NULL) {
        m->first = item;
    } else {
        m->last->next = item;
    }
    m->last = item;
    pthread_cond_signal(&m->filled);
    pthread_mutex_unlock(&m->lock);
}

/* Take everything that is there. If there is nothing, wait until this time. */
static struct item *take_all(struct mailbox *m, raft_time until) {
    struct timespec t = {.tv_sec = (time_t)(until / 1000)};
    t.tv_nsec = (long)(until % 1000) * 1000000;
    pthread_mutex_lock(&m->lock);
    while (m->first == NULL && pthread_cond_timedwait(&m->filled, &m->lock, &t) == 0) {
    }
    struct item *all = m->first;
    m->first = NULL;
    pthread_mutex_unlock(&m->lock);
    return all;
}
/* [mailbox end] */

struct record {
    raft_term term;
    enum raft_entry_type type;
    size_t len;
    char bytes[PAYLOAD_MAX];
};

struct server {
    /* Used by the owner only. */
    struct raft raft;
    raft_id id;
    struct record log[LOG_MAX + 1];
    unsigned votes_pending; /* writes of term and vote that are under way */
    raft_index applied;
    /* Used by the writer only. */
    FILE *disk;
    unsigned syncs, writes;
    /* Shared. */
    struct mailbox owner, writer;
    atomic_uint commands; /* that were applied */
};

static struct server servers[SERVERS];
static const char *const addresses[SERVERS] = {"one", "two", "three"};

static raft_time read_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

static struct item *new_item(int type, const void *bytes, size_t len) {
    struct item *item = calloc(1, sizeof *item + len);
    CHECK(item != NULL);
    item->type = (unsigned)type;
    item->len = len;
    if (bytes != NULL && len > 0) {
        memcpy(item->bytes, bytes, len);
    }
    return item;
}

/* --- the thread that writes ---------------------------------------------- */

/* [writer] */
/* Write all that has gathered since the last sync, sync once, and then report and
 * send. */
static bool write_batch(struct server *s, struct item *batch) {
    bool stop = false;
    for (const struct item *i = batch; i != NULL; i = i->next) {
        CHECK(i->type == SEND || i->len == 0 || fwrite(i->bytes, i->len, 1, s->disk) == 1);
        s->writes++;
    }
    CHECK(fflush(s->disk) == 0 && fdatasync(fileno(s->disk)) == 0);
    s->syncs++;
    for (struct item *next; batch != NULL; batch = next) {
        next = batch->next;
        if (batch->type == SEND) {
            batch->type = MESSAGE;
            post(&servers[batch->to - 1].owner, batch);
        } else if (batch->type == STOP) {
            free(batch);
            stop = true;
        } else {
            batch->type = batch->type == WRITE ? STORED : VOTE_STORED;
            post(&s->owner, batch);
        }
    }
    return !stop;
}
/* [writer end] */

static void *run_writer(void *arg) {
    struct server *s = arg;
    struct item *batch;
    do {
        batch = take_all(&s->writer, read_clock() + 1000);
    } while (batch == NULL || write_batch(s, batch));
    return NULL;
}

/* --- the thread that owns a raft ----------------------------------------- */

/* [send] */
/* Duty 4. Encoding a message copies it. It may be sent at once, unless a write of
 * term or vote is under way: then the writer sends it, after that write. */
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
    size_t len = wire_size(m, addresses[s->id - 1]);
    struct item *item = new_item(s->votes_pending > 0 ? SEND : MESSAGE, NULL, len);
    CHECK(len > 0);
    wire_encode(m, s->id, addresses[s->id - 1], item->bytes);
    item->to = m->server_id;
    post(s->votes_pending > 0 ? &s->writer : &servers[item->to - 1].owner, item);
}
/* [send end] */

/* [carry out] */
static void carry_out(struct server *s, const struct raft_update *u) {
    if (u->flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) { /* duty 1 */
        raft_id state[2] = {raft_current_term(&s->raft), raft_voted_for(&s->raft)};
        post(&s->writer, new_item(WRITE_VOTE, state, sizeof state));
        s->votes_pending++;
    }
    for (unsigned i = 0; (u->flags & RAFT_UPDATE_ENTRIES) && i < u->entries.n; i++) {
        const struct raft_entry *e = &u->entries.batch[i]; /* duty 2 */
        struct record *record = &s->log[u->entries.index + i];
        CHECK(u->entries.index + i <= LOG_MAX && e->buf.len <= PAYLOAD_MAX);
        *record = (struct record){.term = e->term, .type = e->type, .len = e->buf.len};
        memcpy(record->bytes, e->buf.base, e->buf.len);
        struct item *item = new_item(WRITE, record, sizeof *record);
        item->index = u->entries.index + i;
        item->write = u->entries.write;
        post(&s->writer, item);
    }
    for (unsigned i = 0; (u->flags & RAFT_UPDATE_MESSAGES) && i < u->messages.n; i++) {
        send_message(s, &u->messages.batch[i]);
    }
    while ((u->flags & RAFT_UPDATE_COMMIT_INDEX) && s->applied < raft_commit_index(&s->raft)) {
        s->commands += s->log[++s->applied].type == RAFT_COMMAND;
    }
}
/* [carry out end] */

static int step(struct server *s, struct raft_event *event) {
    struct raft_update update;
    event->time = read_clock();
    int error = raft_step(&s->raft, event, &update);
    if (error == 0) {
        carry_out(s, &update);
    }
    return error;
}

/* [owner] */
/* Turn what another thread has told into an event. */
static void handle(struct server *s, struct item *item) {
    struct raft_event event = {.type = RAFT_SUBMIT};
    struct raft_entry entry = {.type = RAFT_COMMAND, .batch = item};
    struct wire_message w = {.memory = NULL};
    if (item->type == VOTE_STORED) {
        s->votes_pending--;
    } else if (item->type == STORED) {
        event.type = RAFT_STORED;
        event.stored.index = item->index;
        event.stored.write = item->write;
        CHECK(step(s, &event) == 0);
    } else if (item->type == MESSAGE) {
        CHECK(wire_decode(item->bytes, item->len, &w) == 0);
        event.type = RAFT_RECEIVE;
        event.receive.message = &w.message;
        CHECK(step(s, &event) == 0);
        wire_free(&w);
    } else if (item->type == SUBMIT) {
        entry.buf.base = item->bytes;
        entry.buf.len = item->len;
        event.submit.entries = &entry;
        event.submit.n = 1;
        step(s, &event); /* the client asks all servers; only the leader accepts */
    }
}

static void *run_owner(void *arg) {
    struct server *s = arg;
    bool stop = false;
    while (!stop) {
        struct item *item = take_all(&s->owner, raft_timeout(&s->raft));
        for (struct item *next; item != NULL; item = next) {
            next = item->next;
            stop = stop || item->type == STOP;
            handle(s, item);
            free(item);
        }
        if (raft_timeout(&s->raft) <= read_clock()) {
            struct raft_event event = {.type = RAFT_TIMEOUT};
            CHECK(step(s, &event) == 0);
        }
    }
    return NULL;
}
/* [owner end] */

static void init_mailbox(struct mailbox *m) {
    pthread_condattr_t attributes;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&m->filled, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void start(struct server *s, raft_id id) {
    struct raft_event event = {.type = RAFT_START};
    struct raft_server members[SERVERS];
    s->id = id;
    s->disk = tmpfile();
    CHECK(s->disk != NULL && raft_init(&s->raft, id, addresses[id - 1]) == 0);
    CHECK(raft_set_max_uncommitted_entries(&s->raft, 50) == 0);
    CHECK(step(s, &event) == 0);
    for (unsigned i = 0; i < SERVERS; i++) {
        members[i] = (struct raft_server){i + 1, addresses[i], RAFT_VOTER};
    }
    event.type = RAFT_BOOTSTRAP;
    event.bootstrap.conf = (struct raft_configuration){members, SERVERS};
    CHECK(step(s, &event) == 0);
}

static void finish(struct server *s) {
    for (struct item *item; (item = take_all(&s->owner, read_clock())) != NULL;) {
        for (struct item *next; item != NULL; item = next) {
            next = item->next;
            free(item);
        }
    }
    raft_close(&s->raft);
    fclose(s->disk);
}

int main(void) {
    pthread_t owners[SERVERS], writers[SERVERS];
    alarm(120); /* in case that it never ends */
    for (unsigned i = 0; i < SERVERS; i++) {
        init_mailbox(&servers[i].owner);
        init_mailbox(&servers[i].writer);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        start(&servers[i], i + 1); /* before its threads exist, this one owns the raft */
        CHECK(pthread_create(&writers[i], NULL, run_writer, &servers[i]) == 0);
        CHECK(pthread_create(&owners[i], NULL, run_owner, &servers[i]) == 0);
    }
    for (bool done = false; !done;) {
        done = true;
        for (unsigned i = 0; i < SERVERS; i++) {
            if (servers[i].commands < COMMANDS) {
                post(&servers[i].owner, new_item(SUBMIT, "command", 7));
                done = false;
            }
        }
        usleep(200);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        post(&servers[i].owner, new_item(STOP, NULL, 0));
        CHECK(pthread_join(owners[i], NULL) == 0);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        post(&servers[i].writer, new_item(STOP, NULL, 0));
        CHECK(pthread_join(writers[i], NULL) == 0);
    }
    for (unsigned i = 0; i < SERVERS; i++) {
        printf("server %u: %u commands applied, %u writes with %u syncs\n", i + 1,
               servers[i].commands, servers[i].writes, servers[i].syncs);
        finish(&servers[i]); /* after its threads: this one owns the raft again */
    }
    return 0;
}
