/* SPDX-License-Identifier: MIT */
/* Installing a snapshot that the leader sends.
 *
 * Chunks are collected in a file. When it is complete and intact it gets its final
 * name and the INSTALL_KEY record; from then on the snapshot is installed as far as
 * a restart is concerned, which repeats whatever of the rest was not done: replace
 * the data by the file's, then drop the log, set BASE_KEY and remove INSTALL_KEY in
 * one synced write. Chunks are written on a worker thread. */
#ifndef KV_INSTALL_H
#define KV_INSTALL_H

#include <uv.h>

#include "store.h"

struct server;

struct install {
    struct server *server;
    uv_work_t work;
    bool busy;    /* a chunk is being written, or waits to be */
    bool waiting; /* for the data's own write to end */
    bool loading; /* it is the last one: the data may be between old and new */
    struct base base;
    struct buf chunk;
    size_t offset;
    bool last;
    bool intact;
};

/* Finish what a crash interrupted, remove what it left behind. */
void install_recover(struct store *s);

/* Begin to write the chunk of an update. */
void install_chunk(struct server *s, const struct raft_update_snapshot *update);

/* Go on if it waited for the data. */
void install_go_on(struct server *s);

#endif
