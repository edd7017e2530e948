/* SPDX-License-Identifier: MIT */
/* An append-only file of records, cut into segments: what a Raft log is written to.
 *
 * A database's write-ahead log grows with every write, so each sync must also store
 * the file's new size, and what is written goes through a table in memory and comes
 * out again as sorted files. A segment is written once in advance, so that a sync
 * stores bytes and nothing else, and used again once its records are not needed.
 *
 * The directory holds NUMBER.log, numbered without gaps, and spare.log, a file that
 * waits to become a segment. Little endian:
 *
 *   segment  "RKVJRNL1", u64 number, u64 ticket of the record before the first,
 *            u32 seed (checksum of that record), u32 checksum of all this; records
 *   record   u32 checksum, u32 length of the payload, u64 ticket, u64 ticket of the
 *            record before, u64 run, payload
 *
 * A record's checksum continues that of the record before it, and tickets rise: so
 * records are read up to where the chain breaks, and nothing that an earlier life of
 * the file left behind can continue it. The run, a random number of each start, keeps
 * apart what one run wrote and lost in a crash and what the next wrote in its place. */
#ifndef KV_JOURNAL_H
#define KV_JOURNAL_H

#include "bytes.h"

/* Where a record is. `seed` is the checksum of the one before it. */
struct journal_place {
    uint64_t segment;
    uint32_t offset;
    uint32_t len; /* of the payload */
    uint32_t seed;
};

struct segment {
    uint64_t number;
    uint64_t before; /* ticket of the record before its first */
    int fd;
    bool unsynced;
};

struct journal {
    char *dir;
    uint32_t segment_bytes;
    struct segment *segments; /* oldest first, the last is written to */
    size_t n;
    size_t cap;
    uint64_t next;   /* number of the next segment */
    size_t end;      /* where the last segment's records end */
    uint32_t seed;   /* checksum of the last record */
    uint64_t ticket; /* of the last record */
    uint64_t run;
    int spare;   /* file descriptor, -1: none */
    bool making; /* a worker is making the spare */
    bool unsynced_dir;
    bool syncing;
    int *retired; /* to be closed once no sync may use them */
    size_t n_retired;
    struct { /* what the sync under way is about */
        int *fds;
        size_t n;
        bool dir;
    } sync;
    struct buf record;
};

/* Open the journal in `dir`, found it if there is none. Nothing is read. */
void journal_open(struct journal *j, const char *dir, uint32_t segment_bytes);
void journal_close(struct journal *j);

/* Read all records from the segment `first` on, which begins behind this ticket, as far
 * as the chain goes. Nothing on the disk is changed. */
typedef void (*journal_visit)(void *context, const struct journal_place *place,
                              const char *payload);
void journal_replay(struct journal *j, uint64_t first, uint64_t ticket, journal_visit visit,
                    void *context);
/* Remove what the replay did not reach; from here on records may be appended. */
void journal_settle(struct journal *j);

/* Append a record; durable after a sync that begins later. */
struct journal_place journal_append(struct journal *j, const char *payload, size_t len);

/* The payload at a place, which must be intact; valid until `into` changes. */
const char *journal_read(struct journal *j, const struct journal_place *place, struct buf *into);

/* Forget the segments before `first`. That a replay begins there must be durable
 * already. */
void journal_reclaim(struct journal *j, uint64_t first);
/* Forget all records; those to come are in the segment j->next. */
void journal_reset(struct journal *j);
/* The ticket behind which a segment begins. */
uint64_t journal_ticket_before(const struct journal *j, uint64_t segment);

/* A sync: begin and end on the loop's thread, run on any. One at a time. */
void journal_sync_begin(struct journal *j);
void journal_sync_run(struct journal *j);
void journal_sync_end(struct journal *j);

/* Whether it is time to make a spare segment, which journal_make_spare() does on any
 * thread, at its leisure; afterwards journal_spare_made() on the loop's. */
bool journal_wants_spare(struct journal *j);
void journal_make_spare(struct journal *j);
void journal_spare_made(struct journal *j);

#endif
