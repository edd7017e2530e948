/* SPDX-License-Identifier: MIT */
/* Backups: dumps (dump.h) that an operator keeps, and the founding of a cluster from one.
 *
 * RAFT.BACKUP name writes DIR/backup/name. The file is complete and synced before it gets that
 * name. --restore FILE loads one into an empty directory, as the data at entry 1. When the cluster
 * is founded, this server begins with a snapshot at entry 1 instead of that entry, so the others
 * receive the snapshot. */
#ifndef KV_BACKUP_H
#define KV_BACKUP_H

#include "dump.h"

struct client;
struct server;
struct request;
struct backup;

/* Begin a backup; the client is answered when it is written. `linearizable`: this server leads, and
 * has just confirmed it. */
void backup_begin(struct server *s, struct client *client, uint64_t seq, const char *name,
                  size_t len, bool linearizable);

/* For scan.c: write the file, on a worker thread; then answer the client. Frees the backup. */
void backup_run(struct backup *b, struct store *store, rocksdb_readoptions_t *read,
                raft_index index, raft_term term);
void backup_done(struct backup *b);

/* At a start: remove incomplete files. */
void backup_clean(struct store *s);

/* --check-backup: print what the file holds. Returns the exit status of the process. */
int backup_check(const char *path);

/* --restore: load the backup unless that was done before. Errors end the process with a message.
 * Call it before data_open(). */
void backup_restore(struct server *s);

/* True if this directory was filled by backup_restore(). */
bool backup_restored(struct store *s);

#endif
