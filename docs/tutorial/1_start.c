/* SPDX-License-Identifier: MIT */
/* Chapter 1: one server, whose disk is an array. It executes the commands that it reads, and prints
 * every event with the duties that follow from it. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "map.h"

enum { LOG_MAX = 100, ID = 1 };

/* [server] */
struct disk { /* this survives a restart */
    raft_term term;
    raft_id vote;
    struct raft_entry log[LOG_MAX]; /* log[0] is entry 1 */
    unsigned n;
};

struct server { /* this does not */
    struct raft raft;
    struct disk *disk;
    struct map map;
    raft_index applied;       /* the last entry that is in the map */
    unsigned long long write; /* ticket of entries that are not acknowledged; 0: none */
};
/* [server end] */

/* [append] */
/* Duty 2: drop the log from u->index on, then append the batch. */
static void append(struct disk *d, const struct raft_update_entries *u) {
    d->n = (unsigned)u->index - 1;
    for (unsigned i = 0; i < u->n; i++) {
        struct raft_entry *e = &d->log[d->n++];
        if (d->n == LOG_MAX) {
            die("the log is full");
        }
        *e = u->batch[i];
        e->batch = d; /* any value but NULL */
        e->buf.base = memcpy(resize(NULL, e->buf.len), e->buf.base, e->buf.len);
    }
}
/* [append end] */

/* [apply] */
static void apply(struct server *s) {
    while (s->applied < raft_commit_index(&s->raft)) {
        map_apply(&s->map, &s->disk->log[s->applied++]);
    }
}
/* [apply end] */

/* [step] */
static raft_time now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

static void step(struct server *s, const char *name, struct raft_event *event) {
    struct raft *r = &s->raft;
    struct raft_update u;
    event->time = now();
    if (raft_step(r, event, &u) != 0) {
        die("%s: %s", name, raft_errmsg(r));
    }
    if (event->type != RAFT_TIMEOUT) {
        printf("%s\n", name);
    }
    if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) { /* duty 1 */
        s->disk->term = raft_current_term(r);
        s->disk->vote = raft_voted_for(r);
        printf("  1: store term %llu and the vote for %llu\n", s->disk->term, s->disk->vote);
    }
    if (u.flags & RAFT_UPDATE_ENTRIES) { /* duty 2 */
        append(s->disk, &u.entries);
        s->write = u.entries.write;
        printf("  2: store entry %u, of term %llu\n", s->disk->n, u.entries.batch[0].term);
    }
    if (u.flags & RAFT_UPDATE_COMMIT_INDEX) { /* duty 5 */
        apply(s);
        printf("  5: apply up to entry %llu\n", s->applied);
    }
}

/* An array is durable at once. So entries can be acknowledged as soon as they are in it. */
static void step_and_store(struct server *s, const char *name, struct raft_event *event) {
    step(s, name, event);
    while (s->write != 0) {
        struct raft_event stored = {.type = RAFT_STORED};
        stored.stored.index = s->disk->n;
        stored.stored.write = s->write;
        s->write = 0;
        step(s, "RAFT_STORED", &stored);
    }
}
/* [step end] */

/* [start] */
static void start(struct server *s, struct disk *disk) {
    struct raft_event event = {.type = RAFT_START};
    *s = (struct server){.disk = disk};
    if (raft_init(&s->raft, ID, "here") != 0) {
        die("out of memory");
    }
    event.start.term = disk->term;
    event.start.voted_for = disk->vote;
    event.start.start_index = 1;
    event.start.entries = disk->log;
    event.start.n_entries = disk->n;
    step_and_store(s, "RAFT_START", &event);
}

static void bootstrap(struct server *s) {
    struct raft_server self = {.id = ID, .address = "here", .role = RAFT_VOTER};
    struct raft_event event = {.type = RAFT_BOOTSTRAP};
    event.bootstrap.conf = (struct raft_configuration){&self, 1};
    step_and_store(s, "RAFT_BOOTSTRAP", &event);
}

static void stop(struct server *s) {
    raft_close(&s->raft);
    free(s->map.pairs.base);
}
/* [start end] */

/* [commands] */
static void set(struct server *s, const char *key, const char *value) {
    struct raft_entry entry = map_command(key, value);
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    step_and_store(s, "RAFT_SUBMIT", &event);
    free(entry.buf.base);
}

static void run_line(struct server *s, char *line) {
    const char *command = strsep(&line, " \n"), *key = strsep(&line, " \n");
    if (strcmp(command, "set") == 0 && key != NULL && line != NULL) {
        set(s, key, strsep(&line, "\n"));
    } else if (strcmp(command, "get") == 0 && key != NULL) {
        const char *value = map_get(&s->map, key);
        printf("%s\n", value != NULL ? value : "none");
    } else if (strcmp(command, "restart") == 0) {
        stop(s);
        start(s, s->disk);
    }
}
/* [commands end] */

/* [loop] */
int main(void) {
    static struct disk disk; /* zeroed: empty */
    struct server s;
    char line[256];
    setvbuf(stdin, NULL, _IONBF, 0); /* so that poll() sees every byte that is not read */
    start(&s, &disk);
    bootstrap(&s);
    for (;;) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        raft_time t = now(), deadline = raft_timeout(&s.raft);
        if (t >= deadline) {
            struct raft_event event = {.type = RAFT_TIMEOUT};
            step_and_store(&s, "RAFT_TIMEOUT", &event);
        } else if (poll(&input, 1, deadline - t < 1000 ? (int)(deadline - t) : 1000) > 0) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                break;
            }
            run_line(&s, line);
        }
    }
    stop(&s);
    return 0;
}
/* [loop end] */
