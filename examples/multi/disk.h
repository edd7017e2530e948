/* SPDX-License-Identifier: MIT */
/* The journal: one file for all groups of a host. What the groups write during a turn of the loop
 * is one batch, with one checksum, one write and one sync.
 *
 * At the start the batches are replayed in order. A crash may leave the last batch incomplete. It
 * was never synced, so nothing was promised, and it is cut off. A damaged batch before an intact
 * one is reported: data that had been synced are lost. */
#ifndef MULTI_DISK_H
#define MULTI_DISK_H

#include "log.h"

/* The state machine of a group: one register. */
struct state {
    uint64_t value;  /* the last value written */
    uint64_t writes; /* the number of writes */
};

enum { STATE_SIZE = 16 }; /* of its encoding: both numbers */

/* A snapshot is the state itself. */
struct snapshot {
    raft_index index; /* 0: no snapshot */
    raft_term term;
    raft_index conf_index;
    struct state state;
};

/* Everything that the journal keeps of one group. */
struct image {
    raft_term term;
    raft_id vote;
    struct snapshot snapshot;
    struct log log;
};

struct disk {
    char *path;
    int fd;
    uint64_t size;      /* of the file */
    uint64_t live;      /* its size after the last rewriting */
    uint64_t next;      /* number of the next batch */
    struct bytes batch; /* the batch of this turn */
    uint64_t syncs;
    uint64_t rewritings;
};

/* Open the journal in this directory, and replay it. `images` has one element for each group. */
void disk_open(struct disk *d, const char *dir, struct image *images, uint32_t groups);
void disk_close(struct disk *d);

/* Add to the batch: term and vote; the `n` packed entries that replace the log from `index` on; or
 * the whole image, which replaces everything recorded of the group. */
void disk_put_vote(struct disk *d, uint32_t group, raft_term term, raft_id vote);
void disk_put_entries(struct disk *d, uint32_t group, raft_index index, unsigned n,
                      const char *packed, size_t len);
void disk_put_image(struct disk *d, uint32_t group, const struct image *image);

/* Write the batch and sync it. Returns false if there is nothing to write. */
bool disk_sync(struct disk *d);

/* Since the last rewriting, the file has grown by more than `limit` bytes and more than twofold. */
bool disk_has_grown(const struct disk *d, uint64_t limit);

/* Rewrite the journal so that it has only the image of each group: call disk_rewrite_begin(), then
 * for each group disk_put_image() and disk_rewrite_part(), then disk_rewrite_end(). A crash leaves
 * either the old journal or the new one. */
void disk_rewrite_begin(struct disk *d);
void disk_rewrite_part(struct disk *d);
void disk_rewrite_end(struct disk *d);

#endif
