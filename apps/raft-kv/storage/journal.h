/* SPDX-License-Identifier: MIT */
/* An append-only journal of records in segment files. The Raft log is stored in it.
 *
 * Why not the database: its write-ahead log grows with every write, so each sync must also store
 * the new file size, and every entry would be written again into sorted tables. A segment is
 * filled with zeros in advance, so a sync stores only the written bytes. It is reused when its
 * records are not needed any more.
 *
 * The directory holds the segments, NUMBER.log without gaps, and spare.log, a file prepared to
 * become the next segment. Integers are little endian:
 *
 *   segment  "RKVJRNL1", u64 number, u64 ticket of the last record before this segment, u32 seed
 *            (checksum of that record), u32 checksum of these fields; then records
 *   record   u32 checksum, u32 length of the payload, u64 ticket, u64 ticket of the record
 *            before, u64 run, payload
 *
 * The ticket is the record's sequence number. The checksum of a record also covers the checksum of
 * the record before it, so the records form a chain. A replay reads them until the chain breaks;
 * old records in a reused segment never continue the chain. `run` is a random number chosen at
 * each start. It distinguishes a record that a crash lost from the record that the next run writes
 * in its place: without it, old records behind an identical record would continue the chain. */
#ifndef KV_JOURNAL_H
#define KV_JOURNAL_H

#include "bytes.h"

/* The location of a record. `seed` is the checksum of the record before it. */
struct journal_place {
    uint64_t segment;
    uint32_t offset;
    uint32_t len; /* of the payload */
    uint32_t seed;
};

struct segment {
    uint64_t number;
    uint64_t before; /* ticket of the last record before this segment */
    int fd;
    bool unsynced; /* has records that no sync covers */
};

struct journal {
    char *dir;
    uint32_t segment_bytes;
    struct segment *segments; /* oldest first; records are appended to the last */
    size_t n;
    size_t cap;
    uint64_t next;   /* number of the next segment */
    size_t end;      /* offset of the end of the last record */
    bool ended;      /* the last segment takes no more records */
    uint32_t seed;   /* checksum of the last record */
    uint64_t ticket; /* of the last record */
    uint64_t run;
    int spare;         /* file descriptor of the spare segment, -1: none */
    bool making;       /* a worker thread is making the spare segment */
    bool unsynced_dir; /* the directory has changed since its last sync */
    bool syncing;
    int *retired; /* file descriptors to close after the current sync, which may use them */
    size_t n_retired;
    struct { /* what the current sync covers */
        int *fds;
        size_t n;
        bool dir;
    } sync;
    struct buf record;
};

/* Open the journal in `dir`; create the directory if it does not exist. Reads no records. */
void journal_open(struct journal *j, const char *dir, uint32_t segment_bytes);
void journal_close(struct journal *j);

/* Read the records from segment `first` on until the chain breaks or `visit` returns false, which
 * means that the record is incomplete. `ticket` is that of the last record before that segment.
 * Changes nothing on the disk. */
typedef bool (*journal_visit)(void *context, const struct journal_place *place,
                              const char *payload);
void journal_replay(struct journal *j, uint64_t first, uint64_t ticket, journal_visit visit,
                    void *context);
/* Remove the files that the replay did not reach, and sync the others: the records that were read
 * may be in memory only, if the last process was killed. After this, records may be appended. */
void journal_trim(struct journal *j);

/* Append a record. A sync that begins later makes it durable. */
struct journal_place journal_append(struct journal *j, const char *payload, size_t len);

/* Write the next record into a new segment. */
static inline void journal_end_segment(struct journal *j) { j->ended = true; }

/* Read the payload of a record into `into`. A damaged record ends the process. */
const char *journal_read(struct journal *j, const struct journal_place *place, struct buf *into);

/* Remove the segments before `first`. It must be durable already that a replay begins there. */
void journal_reclaim(struct journal *j, uint64_t first);
/* Remove all segments. The next record goes into segment j->next. */
void journal_reset(struct journal *j);
/* The ticket of the last record before a segment. */
uint64_t journal_ticket_before(const struct journal *j, uint64_t segment);

/* A sync: call _begin() and _end() on the event loop's thread and _run() between them on any
 * thread. One sync at a time. */
void journal_sync_begin(struct journal *j);
void journal_sync_run(struct journal *j);
void journal_sync_end(struct journal *j);

/* True if a spare segment should be made. Then call journal_make_spare() on any thread (slow), and
 * afterwards journal_spare_made() on the event loop's thread. */
bool journal_wants_spare(struct journal *j);
void journal_make_spare(struct journal *j);
void journal_spare_made(struct journal *j);

#endif
