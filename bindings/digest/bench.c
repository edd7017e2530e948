/* SPDX-License-Identifier: MIT */
/* The time of a step: README.md describes the two figures. */
#include "cluster.h"

#include <stdio.h>
#include <time.h>

static const u64 NOW = 5000;

static double nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Step events until the only voter leads and has committed everything. */
static void lead(struct raft *r) {
    struct raft_server voter = {1, "1", RAFT_VOTER};
    struct raft_event start = {.type = RAFT_START}, found = {.type = RAFT_BOOTSTRAP};
    struct raft_update update;
    expect(raft_init(r, 1, "1"), 0);
    expect(raft_step(r, &start, &update), 0);
    found.bootstrap.conf.servers = &voter;
    found.bootstrap.conf.n = 1;
    expect(raft_step(r, &found, &update), 0);
    while (raft_state(r) != RAFT_LEADER || raft_commit_index(r) != raft_last_index(r)) {
        struct raft_event event = {.type = RAFT_TIMEOUT, .time = raft_timeout(r)};
        if (raft_last_stored(r) != raft_last_index(r)) {
            event.time = 0;
            event.type = RAFT_PERSISTED_ENTRIES;
            event.persisted_entries.index = raft_last_index(r);
        }
        expect(raft_step(r, &event, &update), 0);
    }
}

void bench(unsigned long steps) {
    struct raft r;
    struct raft_update update;
    u64 sum = 0;
    lead(&r);
    double begin = nanoseconds();
    for (unsigned long i = 0; i < steps; i++) {
        struct raft_event event = {.time = NOW, .type = RAFT_UNREACHABLE};
        event.unreachable.server_id = 99;
        expect(raft_step(&r, &event, &update), 0);
        sum += update.flags;
    }
    printf("null %.1f\n", (nanoseconds() - begin) / (double)steps);
    begin = nanoseconds();
    for (unsigned long i = 0; i < steps / 2; i++) {
        char payload[16] = "0123456789abcde";
        struct raft_entry entry = {.type = RAFT_COMMAND, .buf = {payload, 16}, .cookie = 1};
        struct raft_event event = {.time = NOW, .type = RAFT_SUBMIT};
        event.submit.entries = &entry;
        event.submit.n = 1;
        expect(raft_step(&r, &event, &update), 0);
        struct raft_event stored = {.time = NOW, .type = RAFT_STORED};
        stored.stored.index = update.entries.index;
        stored.stored.write = update.entries.write;
        sum += update.entries.batch[0].buf.len;
        expect(raft_step(&r, &stored, &update), 0);
        sum += raft_commit_index(&r);
    }
    printf("submit %.1f\n", (nanoseconds() - begin) / (double)steps);
    if (sum == 0) {
        die("nothing happened");
    }
    expect(raft_close(&r), 0);
}
