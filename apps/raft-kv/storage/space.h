/* SPDX-License-Identifier: MIT */
/* Free space on the disk.
 *
 * A disk that fills up ends the process. Before that, clients' writes are refused: each server
 * reports to libraft whether its disk has room, and a leader submits a write only if a majority of
 * the voters has. What is refused begins before a reserve is used up that a log compaction needs:
 *
 *   SPACE_PLENTY  all writes
 *   SPACE_LOW     only deletions; the log is compacted early, and no file is prepared in advance
 *   SPACE_FULL    no writes
 *
 * A quarter of the reserve is a file of that size, so that other programs cannot take it. The
 * file is removed when the rest is nearly used up, also by a start that finds the disk full. */
#ifndef KV_SPACE_H
#define KV_SPACE_H

#include "store.h"

/* Also what is reported to libraft as capacity. */
enum space_level { SPACE_FULL, SPACE_LOW, SPACE_PLENTY };

struct space {
    const char *dir;
    char *path;         /* of the reserve file */
    uint64_t total;     /* bytes of the file system */
    uint64_t reserve;   /* bytes that are to stay free, with those of the file */
    uint64_t available; /* free bytes without those of the file */
    uint64_t pending;   /* bytes that a flush of the data will write */
    uint64_t held;      /* size of the reserve file, 0: there is none */
    enum space_level level;
    bool warned; /* that there is little more than the reserve */
    raft_time checked;
    uint64_t logged;     /* bytes of the log at the last check */
    uint64_t deletions;  /* keys deleted while there was little room, since the last shrinking */
    raft_time compacted; /* when a compaction was begun for lack of room */
};

/* Before the store is opened. `reserve` is in MiB, 0: chosen by the size of the file system. If the
 * disk is full, the reserve file is removed. */
void space_open(struct space *s, const char *dir, unsigned reserve);

/* Look at the disk. `pending` is the number of bytes that a flush of the data will write. */
void space_check(struct space *s, uint64_t pending);

/* Free bytes, with those of the reserve file. */
static inline uint64_t space_free(const struct space *s) { return s->available + s->held; }

/* True if there may soon be too little room, so that the log should be compacted early. */
bool space_tight(const struct space *s);

/* True if this many bytes can be written without using up the reserve. */
bool space_has(const struct space *s, uint64_t bytes);

/* So many keys were deleted. */
void space_deleted(struct space *s, long long n);
/* True if deleted keys should be removed from the database's files, and there is room for the new
 * ones. Then the reserve file is removed, to be made again later. */
bool space_may_shrink(struct space *s, struct store *store);
/* Remove the deleted keys. Any thread; slow. */
void space_shrink(struct store *store);

#endif
