/* SPDX-License-Identifier: MIT */
/* The data as a file: what a server sends to one that is too far behind.
 *
 * A header (magic, index, term, checksum), then pieces (u32 length, u32 checksum,
 * records of u32 key length, u32 value length, key, value), then an empty piece.
 * Each checksum continues the one before, so a missing piece shows. All of these
 * functions may run on a worker thread and take their time. */
#ifndef KV_DUMP_H
#define KV_DUMP_H

#include "store.h"

/* Write the data seen by `read` (with a database snapshot) to `path`, durably. */
void dump_write(struct store *s, rocksdb_readoptions_t *read, const char *path, raft_index index,
                raft_term term);

/* Is the file complete, unharmed, and of this index and term? */
bool dump_verify(const char *path, raft_index index, raft_term term);

/* Replace the data by the file's and make it durable. Can be repeated. */
void dump_load(struct store *s, const char *path, raft_index index);

/* Number of keys and a checksum over all keys and values. */
void dump_digest(struct store *s, rocksdb_readoptions_t *read, uint64_t *keys, uint32_t *digest);

#endif
