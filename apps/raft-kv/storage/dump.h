/* SPDX-License-Identifier: MIT */
/* The data as one file: the snapshot that is sent to a server too far behind.
 *
 * A header (magic, index, term, checksum), then pieces (u32 length, u32 checksum, records of u32
 * key length, u32 value length, key, value), then an empty piece. Each checksum also covers all
 * bytes before, so a missing piece is detected. These functions are slow and may run on any
 * thread. */
#ifndef KV_DUMP_H
#define KV_DUMP_H

#include "store.h"

/* What a dump holds. */
struct dump_info {
    raft_index index; /* the last entry that it covers, */
    raft_term term;   /* and the term of that */
    uint64_t keys;
    uint64_t bytes;    /* size of the file */
    uint32_t checksum; /* over the whole file */
};

/* Write the data seen by `read`, which holds a database snapshot, to `path` and sync the file.
 * `info` has index and term, and receives the rest. Returns 0 or an error of errno. */
int dump_write(struct store *s, rocksdb_readoptions_t *read, const char *path,
               struct dump_info *info);

/* Read the whole file. Returns NULL if it is complete and undamaged, else what is wrong. */
const char *dump_inspect(const char *path, struct dump_info *info);

/* True if the file is complete, undamaged, and of this index and term. */
bool dump_verify(const char *path, raft_index index, raft_term term);

/* Replace the data by the contents of the file, which must be of this index, and make them durable
 * as the data at entry `as`. Can be repeated. */
void dump_load(struct store *s, const char *path, raft_index index, raft_index as);

/* Number of keys and a checksum over all keys and values. */
void dump_digest(struct store *s, rocksdb_readoptions_t *read, uint64_t *keys, uint32_t *digest);

#endif
