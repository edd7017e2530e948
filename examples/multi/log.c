/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdlib.h>
#include <string.h>

/* The number of bytes before entry `index`, which is in the log or the next one. */
static size_t offset_of(const struct log *l, raft_index index) {
    size_t at = 0;
    for (raft_index i = l->first; i < index; i++) {
        at += ENTRY_HEAD + (size_t)load_int(l->bytes + at + 9, 4);
    }
    return at;
}

/* Set the length, and let the allocation follow it. */
static void set_len(struct log *l, size_t len) {
    if (len == 0) {
        free(l->bytes);
        l->bytes = NULL;
    } else {
        l->bytes = resize(l->bytes, len);
    }
    l->len = (uint32_t)len;
}

void log_append(struct log *l, const struct raft_entry *e) {
    size_t at = l->len;
    if (e->buf.len > UINT32_MAX / 2 - ENTRY_HEAD || at > UINT32_MAX / 2) {
        die("a log is too long: its group takes no snapshots");
    }
    set_len(l, at + ENTRY_HEAD + e->buf.len);
    store_int(l->bytes + at, e->term, 8);
    store_int(l->bytes + at + 8, (uint64_t)e->type, 1);
    store_int(l->bytes + at + 9, e->buf.len, 4);
    if (e->buf.len > 0) {
        memcpy(l->bytes + at + ENTRY_HEAD, e->buf.base, e->buf.len);
    }
    l->n++;
}

void log_truncate(struct log *l, raft_index index) {
    if (index <= l->first) {
        log_reset(l, index);
    } else if (index <= log_last(l)) {
        set_len(l, offset_of(l, index));
        l->n = (uint32_t)(index - l->first);
    }
}

void log_drop(struct log *l, raft_index index) {
    if (index > log_last(l)) {
        log_reset(l, index);
    } else if (index > l->first) {
        size_t at = offset_of(l, index);
        memmove(l->bytes, l->bytes + at, l->len - at);
        set_len(l, l->len - at);
        l->n -= (uint32_t)(index - l->first);
        l->first = index;
    }
}

void log_reset(struct log *l, raft_index first) {
    set_len(l, 0);
    l->n = 0;
    l->first = first;
}

bool log_range(const struct log *l, raft_index index, unsigned n, const char **at, size_t *len) {
    if (index < l->first || index + n > l->first + l->n) {
        return false;
    }
    size_t begin = offset_of(l, index);
    *at = l->bytes + begin;
    *len = 0;
    for (; n > 0; n--) {
        *len += ENTRY_HEAD + (size_t)load_int(*at + *len + 9, 4);
    }
    return true;
}

void entry_unpack(struct cursor *c, struct raft_entry *e, void *cookie) {
    e->term = get_int(c, 8);
    e->type = (enum raft_entry_type)get_int(c, 1);
    e->buf.len = (size_t)get_int(c, 4);
    e->buf.base = (void *)get(c, e->buf.len);
    e->batch = cookie;
}

struct raft_entry *log_unpack(const struct log *l) {
    struct raft_entry *entries = resize(NULL, l->n * sizeof *entries);
    struct cursor c = {l->bytes, l->bytes + l->len, false};
    for (uint32_t i = 0; i < l->n; i++) {
        entry_unpack(&c, &entries[i], entries);
    }
    return entries;
}
