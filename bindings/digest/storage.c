/* SPDX-License-Identifier: MIT */
/* Memory, and what a server has on its disk. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *what) {
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

void expect(int code, int wanted) {
    if (code != wanted) {
        fprintf(stderr, "failed: status %d, not %d\n", code, wanted);
        exit(1);
    }
}

void *allocate(size_t size) {
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        die("out of memory");
    }
    return memory;
}

void append_bytes(struct bytes *to, const void *base, size_t len) {
    to->base = realloc(to->base, to->len + len + 1);
    if (to->base == NULL) {
        die("out of memory");
    }
    if (len > 0) {
        memcpy(to->base + to->len, base, len);
        to->len += len;
    }
}

struct bytes copy_bytes(const void *base, size_t len) {
    struct bytes copy = {NULL, 0};
    append_bytes(&copy, base, len);
    return copy;
}

static char *copy_text(const char *text) { return (char *)copy_bytes(text, strlen(text) + 1).base; }

void free_members(struct members *members) {
    for (unsigned i = 0; i < members->n; i++) {
        free((char *)members->servers[i].address);
    }
    members->n = 0;
}

void copy_members(struct members *to, const struct raft_configuration *from) {
    free_members(to);
    for (unsigned i = 0; i < from->n; i++) {
        to->servers[i] = from->servers[i];
        to->servers[i].address = copy_text(from->servers[i].address);
    }
    to->n = from->n;
}

struct raft_configuration configuration_of(struct members *members) {
    struct raft_configuration conf = {members->servers, members->n};
    return conf;
}

void free_snapshot(struct snapshot *snapshot) {
    free_members(&snapshot->members);
    free(snapshot->data.base);
    memset(snapshot, 0, sizeof *snapshot);
}

/* Remove `n` records, from log[at] on, and close the gap. */
void remove_records(struct server *s, size_t at, size_t n) {
    for (size_t i = at; i < at + n; i++) {
        free(s->log[i].payload.base);
    }
    if (n > 0) {
        memmove(s->log + at, s->log + at + n, (s->n - at - n) * sizeof *s->log);
        s->n -= n;
    }
}

/* The entries of `n` records; their cookies count from 1. */
struct raft_entry *entries_of(const struct record *records, size_t n) {
    struct raft_entry *entries = allocate(n * sizeof *entries);
    for (size_t i = 0; i < n; i++) {
        entries[i].term = records[i].term;
        entries[i].type = records[i].type;
        entries[i].buf.base = records[i].payload.base;
        entries[i].buf.len = records[i].payload.len;
        entries[i].cookie = i + 1;
    }
    return entries;
}

void free_server(struct server *s) {
    remove_records(s, 0, s->n);
    free(s->log);
    free(s->state.base);
    free_snapshot(&s->snapshot);
    free_snapshot(&s->incoming);
}
