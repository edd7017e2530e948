/* SPDX-License-Identifier: MIT */
/* The log of one group in memory. Its entries are packed into one allocation, in the form that the
 * journal and the messages use too. Snapshots keep it short, so an entry is found by counting. */
#ifndef MULTI_LOG_H
#define MULTI_LOG_H

#include <raft.h>

#include "bytes.h"

enum { ENTRY_HEAD = 8 + 1 + 4 }; /* of a packed entry: term, type, length of the payload */

/* Entries `first` to `first + n - 1`. A zeroed log has no memory; set `first` to 1. */
struct log {
    char *bytes;
    uint32_t len;
    uint32_t n;
    raft_index first;
};

static inline raft_index log_last(const struct log *l) { return l->first + l->n - 1; }

void log_append(struct log *l, const struct raft_entry *e);
/* Delete the entries from `index` on. */
void log_truncate(struct log *l, raft_index index);
/* Delete the entries below `index`. */
void log_drop(struct log *l, raft_index index);
/* Delete all; the next entry will be `first`. */
void log_reset(struct log *l, raft_index first);

/* The packed entries from `index` on, at most `n`. Returns false if some are not in the log. */
bool log_range(const struct log *l, raft_index index, unsigned n, const char **at, size_t *len);

/* Read a packed entry. Its payload stays where it is; its cookie becomes `cookie`. */
void entry_unpack(struct cursor *c, struct raft_entry *e, void *cookie);
/* Read all entries of a log that has some: an array of `l->n`, to be freed by the caller. */
struct raft_entry *log_unpack(const struct log *l);

#endif
