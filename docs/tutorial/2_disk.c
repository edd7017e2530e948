/* SPDX-License-Identifier: MIT */
/* Chapter 2: one server with its log in a file. It executes the commands that it reads. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "map.h"

enum { ID = 1 };

struct server {
    struct raft raft;
    struct log log;
    struct map map;
    raft_index applied;
    unsigned long long write; /* ticket of entries that are not acknowledged; 0: none */
};

static void apply(struct server *s) {
    while (s->applied < raft_commit_index(&s->raft)) {
        map_apply(&s->map, log_range(&s->log, ++s->applied, 1));
    }
}

static raft_time now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}

/* [step] */
static void step(struct server *s, struct raft_event *event) {
    struct raft *r = &s->raft;
    struct raft_update u;
    event->time = now();
    if (raft_step(r, event, &u) != 0) {
        die("%s", raft_errmsg(r));
    }
    if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) { /* duty 1 */
        log_vote(&s->log, raft_current_term(r), raft_voted_for(r));
    }
    if (u.flags & RAFT_UPDATE_ENTRIES) { /* duty 2 */
        log_write(&s->log, &u.entries);
        s->write = u.entries.write;
    }
    if (u.flags & RAFT_UPDATE_COMMIT_INDEX) { /* duty 5 */
        apply(s);
    }
}

/* Write and sync what was stepped, and acknowledge it. */
static void store(struct server *s) {
    while (s->log.batch.len > 0) {
        struct raft_event stored = {.type = RAFT_STORED};
        log_sync(&s->log);
        if (s->write != 0) {
            stored.stored.index = log_last(&s->log);
            stored.stored.write = s->write;
            s->write = 0;
            step(s, &stored);
        }
    }
}
/* [step end] */

/* [start] */
static void start(struct server *s, const char *dir) {
    struct raft_event event = {.type = RAFT_START};
    log_open(&s->log, dir, ID);
    if (raft_init(&s->raft, ID, "here") != 0) {
        die("out of memory");
    }
    bool new = s->log.term == 0;
    event.start.term = s->log.term;
    event.start.voted_for = s->log.vote;
    event.start.start_index = s->log.first;
    event.start.entries = s->log.entries;
    event.start.n_entries = s->log.n;
    step(s, &event);
    if (new) {
        struct raft_server self = {.id = ID, .address = "here", .role = RAFT_VOTER};
        event = (struct raft_event){.type = RAFT_BOOTSTRAP};
        event.bootstrap.conf = (struct raft_configuration){&self, 1};
        step(s, &event);
    }
    store(s);
}
/* [start end] */

static void set(struct server *s, const char *key, const char *value) {
    struct raft_entry entry = map_command(key, value);
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    step(s, &event);
    free(entry.buf.base);
    store(s);
    printf("ok\n");
}

static void run_line(struct server *s, char *line) {
    const char *command = strsep(&line, " \n"), *key = strsep(&line, " \n");
    if (strcmp(command, "set") == 0 && key != NULL && line != NULL) {
        set(s, key, strsep(&line, "\n"));
    } else if (strcmp(command, "get") == 0 && key != NULL) {
        const char *value = map_get(&s->map, key);
        printf("%s\n", value != NULL ? value : "none");
    } else if (strcmp(command, "crash") == 0) {
        fflush(stdout);
        raise(SIGKILL);
    }
}

int main(int argc, char **argv) {
    static struct server s;
    char line[256];
    if (argc != 2) {
        die("usage: 2_disk DIRECTORY");
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* so that poll() sees every byte that is not read */
    start(&s, argv[1]);
    for (;;) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        raft_time t = now(), deadline = raft_timeout(&s.raft);
        if (t >= deadline) {
            struct raft_event event = {.type = RAFT_TIMEOUT};
            step(&s, &event);
            store(&s);
        } else if (poll(&input, 1, deadline - t < 1000 ? (int)(deadline - t) : 1000) > 0) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                return 0;
            }
            run_line(&s, line);
        }
    }
}
