/* SPDX-License-Identifier: MIT */
/* A log in one file, with term and vote, for POSIX systems. See logfile.c. */
#ifndef LOGFILE_H
#define LOGFILE_H

#include <raft.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What log_open() and log_sync() return. */
enum log_status {
    LOG_OK,
    LOG_FULL,   /* nothing was acknowledged; free some space and call log_sync() again */
    LOG_FAILED, /* the disk failed; close the log, and start from what is durable */
    LOG_DAMAGED /* the file has lost data that was synced; do not start from it */
};

struct log {
    /* What the log contains. Read only. */
    raft_term term;
    raft_id voted_for;
    raft_index first; /* index of entries[0] */
    struct raft_entry *entries;
    unsigned n;

    int fd, dir;
    off_t size;         /* bytes of the batches in the file, all of which are durable */
    uint64_t number;    /* of the next batch */
    unsigned char *buf; /* the next batch */
    size_t len, capacity;
    bool failed;
    int (*sync)(int fd); /* fdatasync(), unless a test replaces it */
};

/* Open the log in this directory, or create it. */
int log_open(struct log *l, const char *dir);
/* Close it; what was not synced is dropped. */
void log_close(struct log *l);
/* Add to the next batch: term and vote; the entries of an update; that all entries are deleted, and
 * that the next one has this index. Nothing is written yet. */
void log_vote(struct log *l, raft_term term, raft_id voted_for);
void log_entries(struct log *l, const struct raft_update_entries *update);
void log_clear(struct log *l, raft_index first);
/* Write the next batch and make it durable. */
int log_sync(struct log *l);
/* Forget the entries before this one, and replace the file by one without them, durably. */
int log_compact(struct log *l, raft_index first);
/* Write a file and put it in the place of an old one, if there is one. A crash leaves the old file
 * or the new one, whole. */
int replace_file(int dir, const char *name, const void *bytes, size_t len);

#endif
