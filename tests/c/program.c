/* SPDX-License-Identifier: MIT */
/* A program that uses the installed library. It bootstraps a cluster of one server, becomes its
 * leader and commits an entry. installed.py compiles it with the flags from pkg-config only. With
 * SHOW_LIBRARY it prints the file that contains raft_step(). */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <raft.h>

#ifdef SHOW_LIBRARY
#include <dlfcn.h>
#endif
#include <stdio.h>
#include <string.h>

static struct raft_update update;
static raft_index stored;

static int step(struct raft *r, struct raft_event *e) {
    int rv = raft_step(r, e, &update);
    if (rv != 0) {
        fprintf(stderr, "step %d: error %d: %s\n", (int)e->type, rv, raft_errmsg(r));
    }
    return rv;
}

/* Acknowledge entries at once, as if they were on disk, until an update has none. */
static int store(struct raft *r, raft_time now) {
    while (update.flags & RAFT_UPDATE_ENTRIES) {
        struct raft_event e;
        memset(&e, 0, sizeof e);
        e.time = now;
        e.type = RAFT_STORED;
        stored = update.entries.index + update.entries.n - 1;
        e.stored.index = stored;
        e.stored.write = update.entries.write;
        if (step(r, &e) != 0) {
            return 1;
        }
    }
    return 0;
}

int main(void) {
    struct raft r;
    struct raft_event e;
    struct raft_server self = {1, "localhost:9000", RAFT_VOTER};
    char command[] = "set x 1";
    struct raft_entry entry;
    memset(&e, 0, sizeof e);
    memset(&entry, 0, sizeof entry);
    if (raft_init(&r, 1, "localhost:9000") != 0) {
        return 1;
    }
    e.time = 100;
    e.type = RAFT_START;
    if (step(&r, &e) != 0) {
        return 1;
    }
    e.type = RAFT_BOOTSTRAP;
    e.bootstrap.conf.servers = &self;
    e.bootstrap.conf.n = 1;
    if (step(&r, &e) != 0 || store(&r, 101) != 0 || raft_state(&r) != RAFT_LEADER) {
        return 1;
    }
    entry.type = RAFT_COMMAND;
    entry.buf.base = command;
    entry.buf.len = sizeof command;
    entry.batch = &entry;
    memset(&e, 0, sizeof e);
    e.time = 102;
    e.type = RAFT_SUBMIT;
    e.submit.entries = &entry;
    e.submit.n = 1;
    if (step(&r, &e) != 0 || update.entries.batch[0].buf.base != command || store(&r, 103) != 0) {
        return 1;
    }
    if (raft_commit_index(&r) != stored || raft_term_of(&r, stored) != raft_current_term(&r)) {
        return 1;
    }
    printf("committed %llu in term %llu\n", stored, raft_current_term(&r));
#ifdef SHOW_LIBRARY
    {
        Dl_info info;
        int (*function)(struct raft *, struct raft_event *, struct raft_update *) = raft_step;
        void *address;
        memcpy(&address, &function, sizeof address);
        if (dladdr(address, &info) == 0) {
            return 1;
        }
        printf("library %s\n", info.dli_fname);
    }
#endif
    return raft_close(&r);
}
