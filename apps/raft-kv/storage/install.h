/* SPDX-License-Identifier: MIT */
/* Installs a snapshot that the leader sends.
 *
 * A worker thread writes the chunks to a file. When the file is complete and undamaged:
 *
 *   1. rename it to its final name, and store the INSTALL_KEY record;
 *   2. replace the data by the contents of the file;
 *   3. in one synced write, store the BASE_KEY record of an empty log and remove INSTALL_KEY.
 *
 * A start that finds INSTALL_KEY repeats steps 2 and 3, so a crash at any point is harmless. */
#ifndef KV_INSTALL_H
#define KV_INSTALL_H

#include <uv.h>

#include "store.h"

struct server;

struct install {
    struct server *server;
    uv_work_t work;
    bool busy;    /* a chunk is being written or waits to be written */
    bool waiting; /* the chunk waits for a write of the data to end */
    bool loading; /* the last chunk: the data are being replaced and must not be used */
    struct base base;
    struct buf chunk;
    size_t offset;
    raft_time begun; /* when the first chunk arrived */
    bool last;
    bool intact;
};

/* At a start: finish an interrupted installation and remove incomplete files. */
void install_recover(struct store *s);

/* Begin to write the chunk of an update (RAFT_UPDATE_SNAPSHOT). */
void install_chunk(struct server *s, const struct raft_update_snapshot *update);

/* Call when a write of the data has ended: continues if the chunk waited for it. */
void install_resume(struct server *s);

#endif
