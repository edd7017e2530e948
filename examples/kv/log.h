/* SPDX-License-Identifier: MIT */
/* The Raft log: recent entries in memory, all of them in a journal (journal.h).
 *
 * Entries written together make one record. It begins with the index of the first one
 * and replaces whatever the records before it hold from there on: nothing is ever
 * changed in place. */
#ifndef KV_LOG_H
#define KV_LOG_H

#include "journal.h"
#include "store.h"

struct log_entry {
    raft_term term;
    struct block *block; /* holds the payload */
    const char *data;
    uint32_t len;
    uint8_t type;
};

/* Where a record is that still counts; up to the next one's first entry. */
struct log_mark {
    raft_index first;
    struct journal_place place;
};

/* One record, decoded, for readers of what is no longer in memory. */
struct log_page {
    raft_index first;
    unsigned n;
    struct log_entry *entries;
    struct buf bytes;
};

struct log {
    struct store *store;
    struct log_entry *ring; /* entries cached .. last */
    size_t size;            /* of the ring, a power of two */
    raft_index cached;      /* first entry in memory */
    raft_index last;        /* last entry */
    raft_index written;     /* last entry given to the journal */
    bool cut;               /* the journal still holds entries behind `written` */
    raft_index first;       /* first entry in the journal, last + 1 if it is empty */
    size_t bytes;           /* payload in memory */
    size_t bytes_written;   /* since the last compaction */
    struct journal journal;
    struct log_mark *marks; /* of all records that count, in order */
    size_t n_marks;
    size_t cap_marks;
    uint64_t reclaim; /* segments before this one can go after the next sync */
    struct log_page page;
};

/* What a start finds. The entries of type RAFT_CHANGE carry their payload. */
struct log_image {
    raft_index first;
    struct raft_entry *entries;
    unsigned n;
    size_t cap;
};

void log_open(struct log *l, struct store *s, uint32_t segment_bytes);
void log_close(struct log *l);

/* Read the log behind `base`, as far as it is whole. Returns the ticket of its last
 * record. The image is freed by log_image_free(). */
uint64_t log_load(struct log *l, const struct base *base, struct log_image *image);
void log_image_free(struct log_image *image);
/* It was the right log: remove what is behind its end. */
void log_settle(struct log *l);

/* Replace the log from `index` on. Blocks are referenced, payloads not copied. */
void log_append(struct log *l, raft_index index, const struct log_entry *entries, unsigned n);

/* Give what was appended to the journal; false if there was nothing. */
bool log_write(struct log *l);

/* The entry at `index`, valid until the next call, or NULL if it is gone. */
const struct log_entry *log_get(struct log *l, raft_index index);

/* Forget entries before `first`; `base` replaces the stored one. The files go once that
 * is durable: see `reclaim`. */
void log_compact(struct log *l, raft_index first, struct base *base);

/* Let `base` say that the log is empty. What was appended must have been written, and
 * nothing may be before log_reset(). */
void log_end(const struct log *l, struct base *base);

/* The log is empty and goes on behind `last`; a base from log_end() is stored. */
void log_reset(struct log *l, raft_index last);

#endif
