/* SPDX-License-Identifier: MIT */
/* Large values are written once: to files of their own, which the log and the database refer to.
 *
 * The payload of an entry with a large value is appended to the current file. The log's record
 * holds only the place. When the entry is applied, the table in memory and later the database hold
 * the place of the value within it (stored.h). A file is a sequence of payloads, without heads:
 * each place has the length and the checksum.
 *
 * A file is removed when nothing refers to it any more:
 *   - no entry of the log: `last`, the last entry that is in the file, was dropped from the log,
 *     and the base of the log that says so is durable;
 *   - no key in the database: `live` is 0, and a flush made the database durable since then.
 * These steps are the stages below. They go along with a log compaction. A few removed files are
 * kept under another name and overwritten later: that is quicker than a file that grows.
 *
 * Files in which most bytes are dead are emptied by moving what is alive to a new file, if the dead
 * bytes are more than the live ones. See values_victims().
 *
 * Functions that do not say otherwise are for the event loop's thread. */
#ifndef KV_VALUES_H
#define KV_VALUES_H

#include <raft.h>

#include "bytes.h"

struct value_place {
    uint64_t file;
    uint64_t offset;
    uint32_t len;
    uint32_t sum; /* CRC-32C of the bytes */
};

enum { PLACE_SIZE = 24 }; /* of an encoded place */
enum { MAX_SPARES = 4 };

void place_encode(char to[PLACE_SIZE], const struct value_place *place);
struct value_place place_decode(const char from[PLACE_SIZE]);

enum value_stage {
    STAGE_USED,
    STAGE_DYING,  /* no key refers to it, and a flush of the database began after that */
    STAGE_DEAD,   /* that flush has ended */
    STAGE_REMOVED /* no entry of the log refers to it; the base that says so is being synced */
};

struct value_file {
    uint64_t number;
    uint64_t size; /* of the file */
    uint64_t live; /* bytes that keys in the database refer to */
    raft_index last;
    enum value_stage stage;
    int fd; /* -1: not open for writing */
    bool unsynced;
};

struct values {
    char *dir;
    uint64_t file_bytes;      /* a file of this size gets no more */
    uint32_t large;           /* payloads and values of at least this size are stored here */
    struct value_file *files; /* in the order of their numbers */
    size_t n;
    size_t cap;
    uint64_t next;               /* number of the next file */
    uint64_t spares[MAX_SPARES]; /* numbers of files that were removed and can be overwritten */
    size_t n_spares;
    uint64_t current; /* number of the file that payloads are appended to, 0: none */
    raft_index first; /* first entry of the log, as of its last compaction */
    bool unsynced_dir;
    struct { /* what the current sync covers */
        int *fds;
        size_t n;
        bool dir;
    } sync;
};

void values_open(struct values *v, const char *dir);
void values_close(struct values *v);

/* Append the payload of the entry at `index`. A sync that begins later makes it durable. */
struct value_place values_append(struct values *v, const char *data, size_t len, raft_index index);
/* A new file, to be filled by values_move(). */
uint64_t values_reserve(struct values *v);

/* Read into `to`, which has space for place->len bytes; any thread. False: it is damaged. */
bool values_read(const struct values *v, const struct value_place *place, char *to);
/* The same; if it is damaged, the process ends. */
void values_get(const struct values *v, const struct value_place *place, char *to);

/* A sync, as those of journal.h. */
void values_sync_begin(struct values *v);
void values_sync_run(struct values *v);
void values_sync_end(struct values *v);

/* --- at the start: say what refers to the files, then remove those without a reference, and sync
 * what may not have been synced before a crash */
void values_logged(struct values *v, const struct value_place *place, raft_index index);
void values_count(struct values *v, uint64_t number, int64_t bytes); /* adds to `live` */
void values_start(struct values *v);
/* Bytes of all values that the database refers to. */
uint64_t values_live(const struct values *v);

/* --- removals, in this order. `written`: last entry whose effect is in the database, durable or
 * not. */
void values_flush_begin(struct values *v, raft_index written);
void values_flush_end(struct values *v);
void values_base_begin(struct values *v);
void values_base_end(struct values *v);

/* Give up the removed files that are kept to be overwritten, because there is little room. */
void values_drop_spares(struct values *v);

/* All entries of the log were dropped; the next one is `first`. */
void values_log_reset(struct values *v, raft_index first);
/* The data were replaced by a snapshot, which is durable. */
void values_data_reset(struct values *v);

/* Choose the files to empty; returns how many, at most `max`. Most dead ones first. */
size_t values_victims(const struct values *v, uint64_t *numbers, size_t max);

/* Moving, on any thread: append to the reserved file `number` at `*end`; sync the file. */
int values_move_begin(const struct values *v, uint64_t number);
struct value_place values_move(const struct values *v, int fd, uint64_t number, uint64_t *end,
                               const char *data, size_t len);
void values_move_end(const struct values *v, int fd);
/* Back on the event loop's thread. */
void values_moved(struct values *v, uint64_t number, uint64_t size);

/* --- for values_move.c */

/* The file of this number; the process ends if there is none. */
struct value_file *value_file_known(const struct values *v, uint64_t number);
/* Create and open it. */
int value_file_create(const struct values *v, uint64_t number, int flags);
void value_file_sync(const struct values *v, int fd);
/* True if nothing more is written to it. */
bool value_file_finished(const struct values *v, const struct value_file *file);

#endif
