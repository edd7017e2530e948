/* SPDX-License-Identifier: MIT */
/* The Raft log: recent entries in memory, all of them in the database.
 *
 * Entries written together make one record, whose key is the index of the first
 * one (big endian, so that keys sort). A record begins with its ticket and that of
 * the record before it: a chain that shows after a crash where the log ends, even
 * if unsynced writes reached the disk out of order. */
#ifndef KV_LOG_H
#define KV_LOG_H

#include "store.h"

struct log_entry {
    raft_term term;
    struct block *block; /* holds the payload */
    const char *data;
    uint32_t len;
    uint8_t type;
};

/* One record, decoded, for readers of what is no longer in memory. */
struct log_page {
    raft_index first;
    unsigned n;
    struct log_entry *entries;
    struct block *block;
};

struct log {
    struct store *store;
    struct log_entry *ring; /* entries cached .. last */
    size_t size;            /* of the ring, a power of two */
    raft_index cached;      /* first entry in memory */
    raft_index last;        /* last entry */
    raft_index written;     /* last entry given to the database */
    raft_index dropped;     /* the database still holds replaced entries from here, 0: none */
    raft_index first;       /* first entry in the database, last + 1 if it is empty */
    size_t bytes;           /* payload in memory */
    size_t bytes_written;   /* since the last compaction */
    uint64_t tail_ticket;   /* of the last record */
    struct log_page page;
};

/* What a start finds. The entries of type RAFT_CHANGE carry their payload. */
struct log_image {
    raft_index first;
    struct raft_entry *entries;
    unsigned n;
    size_t cap;
};

void log_open(struct log *l, struct store *s);
void log_close(struct log *l);

/* Read the log behind `base`, dropping records that break the chain. Returns the
 * highest ticket. The image is freed by log_image_free(). */
uint64_t log_load(struct log *l, const struct base *base, struct log_image *image);
void log_image_free(struct log_image *image);

/* Replace the log from `index` on. Blocks are referenced, payloads not copied. */
void log_append(struct log *l, raft_index index, const struct log_entry *entries, unsigned n);

/* Give what was appended to the database; false if there was nothing. */
bool log_write(struct log *l);

/* The entry at `index`, valid until the next call, or NULL if it is gone. */
const struct log_entry *log_get(struct log *l, raft_index index);

/* Forget entries before `first`; `base` replaces the stored one, atomically. */
void log_compact(struct log *l, raft_index first, const struct base *base);

/* An installed snapshot has replaced the log (already done in the database). */
void log_reset(struct log *l, raft_index last);

/* Delete all records. */
void log_clear(struct store *s, rocksdb_writebatch_t *batch);

#endif
