/* SPDX-License-Identifier: MIT */
/* The Raft log: recent entries in memory, all entries in a journal (journal.h).
 *
 * Entries written together form one record, which begins with the index of the first one. A record
 * replaces all entries of earlier records from that index on, so records are never changed. */
#ifndef KV_LOG_H
#define KV_LOG_H

#include "journal.h"
#include "store.h"

struct log_entry {
    raft_term term;
    struct block *block; /* the block that holds the payload */
    const char *data;
    uint32_t len;
    uint8_t type;
    struct value_place place; /* of the payload in values.h; file 0: it is in the log's record */
};

/* A record whose entries from `first` to the next mark's `first` - 1 are valid. */
struct log_mark {
    raft_index first;
    struct journal_place place;
};

/* A decoded record, for reading entries that are not in memory. */
struct log_page {
    raft_index first;
    unsigned n;
    struct log_entry *entries;
    struct buf bytes;
    struct buf values; /* payloads that are not in the record */
};

struct log {
    struct store *store;
    struct log_entry *ring; /* entries cached .. last */
    size_t size;            /* of the ring, a power of two */
    raft_index cached;      /* first entry in memory */
    raft_index last;        /* last entry */
    raft_index written;     /* last entry written to the journal */
    bool cut;               /* the journal still holds replaced entries behind `written` */
    raft_index first;       /* first entry in the journal, last + 1 if it has none */
    size_t bytes;           /* payload bytes in memory */
    size_t bytes_written;   /* payload bytes since the last compaction */
    size_t bytes_outside;   /* of those in values.h that the journal's last segment refers to */
    struct journal journal;
    struct log_mark *marks; /* the records with valid entries, in order */
    size_t n_marks;
    size_t cap_marks;
    uint64_t reclaim; /* segments before this one can be removed after the next sync of the base */
    struct log_page page;
};

/* The entries found by a start. Only entries of type RAFT_CHANGE have their payload. */
struct log_image {
    raft_index first;
    struct raft_entry *entries;
    unsigned n;
    size_t cap;
};

void log_open(struct log *l, struct store *s, uint32_t segment_bytes);
void log_close(struct log *l);

/* Read the log, which begins where `base` says, up to the first damaged record. Returns the ticket
 * of the last record read. Free the image with log_image_free(). */
uint64_t log_load(struct log *l, const struct base *base, struct log_image *image);
void log_image_free(struct log_image *image);
/* Remove the files behind the end of the log. Call after checking that the log is complete. */
void log_trim(struct log *l);

/* Replace the log from `index` on by these entries. Takes references to their blocks. */
void log_append(struct log *l, raft_index index, const struct log_entry *entries, unsigned n);

/* Write the appended entries to the journal; false if there was nothing to write. */
bool log_write(struct log *l);

/* The entry at `index`, valid until the next call, or NULL if the log does not have it. */
const struct log_entry *log_get(struct log *l, raft_index index);

/* Drop entries before `first` (whole segments only), and store `base`. The segments are removed
 * after the base is durable: see `reclaim`. */
void log_compact(struct log *l, raft_index first, struct base *base);

/* Set `base` to an empty log that continues at the end of the journal. All appended entries must
 * have been written, and none may be appended before log_reset(). */
void log_end(const struct log *l, struct base *base);

/* Empty the log; the next entry is `last` + 1. A base from log_end() must be stored. */
void log_reset(struct log *l, raft_index last);

#endif
