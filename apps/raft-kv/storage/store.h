/* SPDX-License-Identifier: MIT */
/* A server's directory: a RocksDB database, the fence file, and the journal of log.h.
 *
 * The database has two column families. "default" holds the small records of meta.h; they are
 * written through the database's write-ahead log and are durable after store_sync(). "data" holds
 * the keys and values. They are not written to the write-ahead log, because the Raft log already
 * holds them: a flush makes the data at some entry durable together with that entry's index, and
 * after a crash the later entries are applied again.
 *
 * After a crash the write-ahead log and the journal are recovered up to the first unreadable
 * record. From the record alone one cannot tell an incomplete write that was never synced from
 * damage to synced data. The fence tells them apart. Every synced write has a ticket, a sequence
 * number; after the sync, the ticket is written to the fence file, without syncing that. If a
 * start recovers less than the fence says, the disk has lost synced data and the server refuses to
 * start. The records of term and vote have their own tickets, as do those of the log. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <rocksdb/c.h>

#include "meta.h"
#include "values.h"

struct fence {
    uint64_t hard; /* ticket of the last record of term and vote */
    uint64_t log;  /* ticket of the last record of the log */
};

struct store {
    char *dir;
    rocksdb_t *db;
    rocksdb_column_family_handle_t *meta;
    rocksdb_column_family_handle_t *data;
    rocksdb_writeoptions_t *write;      /* through the write-ahead log, not synced */
    rocksdb_writeoptions_t *write_sync; /* the same, synced */
    rocksdb_writeoptions_t *write_data; /* without the write-ahead log */
    rocksdb_readoptions_t *read;
    int fence;            /* file descriptor of the fence file */
    struct fence fenced;  /* its contents: what is known to be synced */
    uint64_t incarnation; /* of this directory, see identity.h */
    uint64_t cluster_id;  /* 0: this server does not belong to a cluster yet */
    uint64_t ticket;      /* ticket of the last record of term and vote */
    bool fresh;           /* the directory had no fence file: a new server */
    struct values values;
};

/* Open or create the store of server `id` of `cluster`. Errors end the process with a message. */
void store_open(struct store *s, const char *dir, const char *cluster, raft_id id,
                unsigned open_files);
void store_close(struct store *s);

/* End the process with a message if less was recovered than the fence says. */
void store_check_fence(struct store *s, const struct fence *recovered);
/* Note in the fence what was recovered. It must be durable: the database writes what it recovers to
 * tables, journal_trim() syncs the log. */
void store_recovered(struct store *s, const struct fence *recovered);
/* Note in the fence that the log is synced up to this ticket. Event loop's thread only. */
void store_note_log(struct store *s, uint64_t ticket);

/* Make all writes to the database durable, except data. Any thread; blocks for a disk sync. */
void store_sync(struct store *s);

bool store_load_hard_state(struct store *s, struct hard_state *hard);
/* Durable on return. */
void store_save_hard_state(struct store *s, raft_term term, raft_id voted_for);
bool store_load_base(struct store *s, const char *key, struct base *base);
void store_put_base(struct store *s, rocksdb_writebatch_t *batch, const char *key,
                    const struct base *base);
/* Write a base alone, with these options. */
void store_save_base(struct store *s, const rocksdb_writeoptions_t *options, const char *key,
                     const struct base *base);

/* The value of a small record, which the caller frees; NULL: there is none. */
char *store_get(struct store *s, const char *key, size_t *len);
void store_write(struct store *s, const rocksdb_writeoptions_t *options,
                 rocksdb_writebatch_t *batch);
/* End the process with a message if a RocksDB call has set `error`. */
void store_check(char *error, const char *doing);

/* "dir/name"; free it. */
char *store_path(const struct store *s, const char *name);

#define BASE_KEY "base"       /* a struct base: the last snapshot and the beginning of the log */
#define INSTALL_KEY "install" /* a struct base: a snapshot being installed, see install.h */

#endif
