/* SPDX-License-Identifier: MIT */
/* The event loop of a driver with a real clock and a real timer. To keep the program short, the
 * cluster has one server, the disk is memory, and the only input is a pipe with commands. */
#define _GNU_SOURCE /* CLOCK_BOOTTIME */
#include <raft.h>

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct raft raft;
static raft_index applied;
static unsigned n_timeouts, n_commands;
static int pipe_ends[2];

static void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, raft_errmsg(&raft));
    exit(1);
}

/* [clock] */
/* Milliseconds, monotonic, and counting while the machine is suspended. */
static raft_time read_clock(void) {
    struct timespec t;
#ifdef CLOCK_BOOTTIME
    clock_gettime(CLOCK_BOOTTIME, &t);
#else
    clock_gettime(CLOCK_MONOTONIC, &t);
#endif
    return (raft_time)t.tv_sec * 1000 + (raft_time)t.tv_nsec / 1000000;
}
/* [clock end] */

static void carry_out(const struct raft_update *update);

/* [step] */
/* Read the clock for this event, not once for many. */
static void step(struct raft_event *event) {
    struct raft_update update;
    event->time = read_clock();
    if (raft_step(&raft, event, &update) != 0) {
        die("raft_step");
    }
    carry_out(&update);
}
/* [step end] */

static void carry_out(const struct raft_update *update) {
    if (update->flags & RAFT_UPDATE_COMMIT_INDEX) {
        applied = raft_commit_index(&raft);
    }
    if ((update->flags & RAFT_UPDATE_ENTRIES) && update->entries.n > 0) {
        struct raft_event stored = {.type = RAFT_STORED};
        stored.stored.index = update->entries.index + update->entries.n - 1;
        stored.stored.write = update->entries.write;
        step(&stored);
    }
}

/* [wait] */
/* How long may poll() wait? The deadline may lie in the past, or 2^63 - 1 milliseconds
 * away: do not subtract before you compare, and do not let the result overflow. */
static int time_to_wait(void) {
    raft_time due = raft_timeout(&raft);
    raft_time time = read_clock();
    if (due <= time) {
        return 0;
    }
    return due - time < INT_MAX ? (int)(due - time) : INT_MAX;
}
/* [wait end] */

static void read_input(void) {
    static char bytes[64];
    ssize_t n = read(pipe_ends[0], bytes, sizeof bytes);
    if (n <= 0 || raft_state(&raft) != RAFT_LEADER) {
        return;
    }
    struct raft_entry entry = {.type = RAFT_COMMAND, .batch = bytes};
    struct raft_event event = {.type = RAFT_SUBMIT};
    entry.buf.base = bytes;
    entry.buf.len = (size_t)n;
    event.submit.entries = &entry;
    event.submit.n = 1;
    step(&event);
    n_commands++;
}

/* [loop] */
/* Input first, then the timer. A deadline that has passed while input was handled is still
 * due, unless the input was what it waited for. */
static void turn(void) {
    struct pollfd fd = {.fd = pipe_ends[0], .events = POLLIN};
    if (poll(&fd, 1, time_to_wait()) > 0) {
        read_input();
    }
    if (raft_timeout(&raft) <= read_clock()) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        step(&event);
        n_timeouts++;
    }
}
/* [loop end] */

static void start(void) {
    struct raft_event event = {.type = RAFT_START};
    struct raft_server self = {1, "one", RAFT_VOTER};
    if (raft_init(&raft, 1, "one") != 0 || raft_set_election_timeout(&raft, 100) != 0 ||
        raft_set_heartbeat_timeout(&raft, 10) != 0) {
        die("raft_init");
    }
    step(&event);
    event.type = RAFT_BOOTSTRAP;
    event.bootstrap.conf.servers = &self;
    event.bootstrap.conf.n = 1;
    step(&event);
}

int main(void) {
    if (pipe(pipe_ends) != 0) {
        die("pipe");
    }
    start();
    while (raft_state(&raft) != RAFT_LEADER) {
        turn();
    }
    while (n_commands < 3) {
        unsigned timeouts = n_timeouts;
        if (write(pipe_ends[1], "command", 7) != 7) {
            die("write");
        }
        turn();
        while (n_timeouts < timeouts + 2) {
            turn(); /* heartbeats go on */
        }
    }
    printf("applied up to entry %llu after %u timeouts\n", applied, n_timeouts);
    int result = applied == raft_last_index(&raft) ? 0 : 1;
    raft_close(&raft);
    return result;
}
