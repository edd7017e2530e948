/* SPDX-License-Identifier: MIT */
/* The server's disk: a RocksDB database, a fence, and the journal of log.h.
 *
 * The database has two column families: "default" holds the small records of meta.h,
 * "data" the keys and values. Writes of the first go through the database's write-ahead
 * log and are durable after a store_sync(). Data never goes there, for the Raft log
 * already holds it: a flush makes a prefix of the applied entries durable, with the
 * index of the last one, and whatever a crash takes from the memory table is applied
 * again.
 *
 * After a crash the write-ahead log and the journal are recovered up to the first
 * record that cannot be read. That cannot tell a torn write that was never synced from
 * synced data that rotted away. The fence can: every write that is going to be synced
 * carries a ticket, and once the sync has ended the ticket is noted in a small file,
 * unsynced. A disk that comes back without that ticket has lost acknowledged data, and
 * the server refuses to serve from it. Term and vote, and the log, have tickets of
 * their own. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <rocksdb/c.h>

#include "meta.h"

struct fence {
    uint64_t hard; /* ticket of the last term and vote */
    uint64_t log;  /* of the last record of the log */
};

struct store {
    char *dir;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *meta;
    rocksdb_column_family_handle_t *data;
    rocksdb_writeoptions_t *write;      /* through the write-ahead log, not synced */
    rocksdb_writeoptions_t *write_sync; /* the same, synced */
    rocksdb_writeoptions_t *write_data; /* the memory table only */
    rocksdb_readoptions_t *read;
    int fence;           /* file descriptor */
    struct fence fenced; /* what it holds */
    uint64_t ticket;     /* of the last term and vote */
    bool fresh;          /* the directory was empty */
};

/* Open or found the database of server `id` of `cluster`. Whatever is wrong with it
 * ends the process with a message. */
void store_open(struct store *s, const char *dir, const char *cluster, raft_id id);
void store_close(struct store *s);

/* What was recovered must reach the fence, else the disk has lost synced writes. */
void store_check_fence(struct store *s, const struct fence *recovered);
/* The log has been synced up to this ticket. Loop's thread. */
void store_note_log(struct store *s, uint64_t ticket);

/* Make all writes to the database durable, but for data. Any thread; blocks for a
 * disk sync. */
void store_sync(struct store *s);

bool store_load_hard_state(struct store *s, struct hard_state *hard);
/* Durable on return: term and vote may not wait. */
void store_save_hard_state(struct store *s, raft_term term, raft_id voted_for);
bool store_load_base(struct store *s, const char *key, struct base *base);
void store_put_base(struct store *s, rocksdb_writebatch_t *batch, const char *key,
                    const struct base *base);
/* Write a base alone, with these options. */
void store_save_base(struct store *s, const rocksdb_writeoptions_t *options, const char *key,
                     const struct base *base);

void store_write(struct store *s, const rocksdb_writeoptions_t *options,
                 rocksdb_writebatch_t *batch);
/* Free `error` and die if it is set. */
void store_check(char *error, const char *doing);

/* "dir/name"; free it. */
char *store_path(const struct store *s, const char *name);

#define BASE_KEY "base"       /* struct base: where the log begins */
#define INSTALL_KEY "install" /* struct base: a snapshot that is being installed */

#endif
