/* SPDX-License-Identifier: MIT */
/* Who owns what: entries that stay in the block in which they arrived, payloads of the library, and
 * a step for which there is no memory. One server is shown; its leader is a function. */
#include "check.h"

#include <raft.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_MAX = 256, BLOCK = 1024 };

/* --- memory that runs out: for the test ------------------------------------ */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(SANITIZED) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define MEMORY_RUNS_OUT true
static bool exhausted;
void *__libc_malloc(size_t size);
void *malloc(size_t size) { return exhausted ? NULL : __libc_malloc(size); }
#else
#define MEMORY_RUNS_OUT false /* nobody else may replace malloc() here */
static bool exhausted;
#endif

/* --- entries ------------------------------------------------------------- */

/* [block] */
/* Memory with a message as it arrived. It is freed when nothing in the log points
 * there. */
struct block {
    unsigned references;
    unsigned len;
    char bytes[BLOCK];
};

static unsigned n_blocks;

static struct block *new_block(void) {
    struct block *b = malloc(sizeof *b);
    CHECK(b != NULL);
    b->references = 1; /* of the function that makes it */
    b->len = 0;
    n_blocks++;
    return b;
}

static void release(struct block *b) {
    if (--b->references == 0) {
        free(b);
        n_blocks--;
    }
}
/* [block end] */

struct server {
    struct raft raft;
    struct raft_entry log[LOG_MAX + 1];
    raft_index first, last;
    struct block *cache; /* memory that the program can do without */
};

/* [keep] */
/* Duty 2, in memory: the payloads stay where they are. */
static void keep(struct server *s, const struct raft_update_entries *u) {
    for (; s->last >= u->index; s->last--) {
        release(s->log[s->last].batch);
    }
    for (unsigned i = 0; i < u->n; i++) {
        struct raft_entry *e = &s->log[++s->last];
        *e = u->batch[i];
        if (e->batch != NULL) { /* what this program has passed in comes back */
            ((struct block *)e->batch)->references++;
            continue;
        }
        struct block *b = new_block(); /* the library's payload: copy it now */
        CHECK(e->buf.len <= BLOCK);
        if (e->buf.len > 0) {
            memcpy(b->bytes, e->buf.base, e->buf.len);
        }
        e->buf.base = b->bytes;
        e->batch = b;
    }
}
/* [keep end] */

/* [compact] */
/* After RAFT_SNAPSHOT. */
static void forget(struct server *s) {
    for (; s->first < raft_first_index(&s->raft); s->first++) {
        release(s->log[s->first].batch);
    }
}
/* [compact end] */

/* [step] */
/* A step without memory has changed nothing. Free some, and step the same event
 * again. */
static int try_step(struct server *s, struct raft_event *event, struct raft_update *update) {
    int error = raft_step(&s->raft, event, update);
    if (error == RAFT_NOMEM && s->cache != NULL) {
        release(s->cache);
        s->cache = NULL;
        exhausted = false;
        error = raft_step(&s->raft, event, update);
    }
    return error;
}
/* [step end] */

static int step(struct server *s, struct raft_event *event) {
    static raft_time now = 1000;
    struct raft_update update;
    event->time = now++;
    int error = try_step(s, event, &update);
    if (error == 0 && (update.flags & RAFT_UPDATE_ENTRIES)) {
        keep(s, &update.entries);
        struct raft_event stored = {.type = RAFT_STORED};
        stored.stored.index = s->last;
        stored.stored.write = update.entries.write;
        CHECK(update.entries.n == 0 || step(s, &stored) == 0);
    }
    return error;
}

/* --- what arrives -------------------------------------------------------- */

static void write_entry(struct block *b, struct raft_entry *e, raft_term term, const char *text) {
    *e = (struct raft_entry){.term = term, .type = RAFT_COMMAND, .batch = b};
    e->buf.base = b->bytes + b->len;
    e->buf.len = strlen(text);
    CHECK(b->len + e->buf.len <= BLOCK);
    memcpy(e->buf.base, text, e->buf.len);
    b->len += (unsigned)e->buf.len;
}

/* [receive] */
/* A message with two commands. The array of entries is borrowed for the call, so it
 * may be on the stack. The payloads are handed through, so they are in a block. */
static int receive(struct server *s, raft_term term, raft_index prev, raft_term prev_term,
                   raft_index commit) {
    struct block *b = new_block();
    struct raft_entry entries[2];
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES, .server_id = 2, .server_address = "two"};
    struct raft_event event = {.type = RAFT_RECEIVE};
    write_entry(b, &entries[0], term, "red ");
    write_entry(b, &entries[1], term, "green ");
    m.append_entries.term = term;
    m.append_entries.prev_log_index = prev;
    m.append_entries.prev_log_term = prev_term;
    m.append_entries.leader_commit = commit;
    m.append_entries.entries = entries;
    m.append_entries.n_entries = 2;
    event.receive.message = &m;
    int error = step(s, &event);
    release(b); /* after an error, nothing else points there */
    return error;
}
/* [receive end] */

int main(void) {
    static struct server s = {.first = 1};
    struct raft_server members[3] = {
        {1, "one", RAFT_VOTER}, {2, "two", RAFT_VOTER}, {3, "three", RAFT_VOTER}};
    struct raft_event event = {.type = RAFT_START};
    CHECK(raft_init(&s.raft, 1, "one") == 0 && step(&s, &event) == 0);

    /* The library makes the entry with the first configuration. There is no memory at first. */
    s.cache = new_block();
    exhausted = MEMORY_RUNS_OUT;
    event.type = RAFT_BOOTSTRAP;
    event.bootstrap.conf = (struct raft_configuration){members, 3};
    CHECK(step(&s, &event) == 0 && s.last == 1 && s.log[1].type == RAFT_CHANGE);
    CHECK((s.cache == NULL) == MEMORY_RUNS_OUT);
    unsigned before = n_blocks;

    /* Entries arrive, three times; they arrive again; and one message is refused. */
    CHECK(receive(&s, 1, 1, 1, 1) == 0 && receive(&s, 1, 3, 1, 1) == 0);
    CHECK(receive(&s, 1, 5, 1, 1) == 0 && s.last == 7 && n_blocks == before + 3);
    CHECK(receive(&s, 1, 3, 1, 1) == 0 && receive(&s, 1, 5, 0, 1) == RAFT_MALFORMED);
    CHECK(s.last == 7 && n_blocks == before + 3);

    /* A new leader replaces entries 5 to 7. Half of the second block stays in use. */
    CHECK(receive(&s, 2, 4, 1, 4) == 0 && s.last == 6 && n_blocks == before + 3);
    CHECK(memcmp(s.log[4].buf.base, "red ", 4) == 0 && s.log[4].term == 1);

    /* A snapshot covers the first four entries. */
    event.type = RAFT_SNAPSHOT;
    event.snapshot.metadata.index = 4;
    event.snapshot.trailing = 0;
    CHECK(step(&s, &event) == 0);
    forget(&s);
    CHECK(s.first == 5 && n_blocks == (MEMORY_RUNS_OUT ? 1 : 2));
    printf("%llu entries in one block\n", s.last - s.first + 1);

    while (s.last >= s.first) {
        release(s.log[s.last--].batch);
    }
    if (s.cache != NULL) {
        release(s.cache);
    }
    CHECK(n_blocks == 0);
    raft_close(&s.raft);
    return 0;
}
