/* SPDX-License-Identifier: MIT */
/* The state machine: keys and values, and the index of the last applied entry.
 *
 * What an entry does depends on nothing but the entry and the data before it, so
 * that every server comes to the same result. */
#ifndef KV_DATA_H
#define KV_DATA_H

#include "overlay.h"
#include "store.h"

enum op { OP_SET = 1, OP_DEL, OP_INCR };

/* Command payload: u8 op, u32 number of arguments, per argument u32 length and the
 * bytes. SET takes key value [key value ...], DEL key [key ...], INCR key. */
enum { COMMAND_HEAD = 5, COMMAND_ARGUMENT_HEAD = 4 };

enum result_kind { RESULT_OK, RESULT_INTEGER, RESULT_ERROR };

struct result {
    enum result_kind kind;
    long long integer;
    const char *error; /* static */
};

struct data {
    struct store *store;
    raft_index applied;         /* in the memory table at least */
    raft_index applied_durable; /* on disk, in a flushed table */
    rocksdb_writebatch_t *batch;
    struct overlay overlay; /* what `batch` does */
    raft_index batch_index; /* last entry in `batch` */
};

void data_open(struct data *d, struct store *s);
void data_close(struct data *d);

/* Apply the entry at `index`, which follows the last one. Its payload is NULL if it
 * is not a command. The effect shows once data_commit() has been called. */
struct result data_apply(struct data *d, raft_index index, const char *payload, size_t len);
void data_commit(struct data *d);

/* The value of a key or NULL; destroy it. */
rocksdb_pinnableslice_t *data_get(struct data *d, const char *key, size_t len);

/* Iterate over all keys as of now, on any thread. data_key() is the user's key. */
rocksdb_iterator_t *data_iterate(struct store *s, rocksdb_readoptions_t *read);
const char *data_key(rocksdb_iterator_t *it, size_t *len);

/* Loading a snapshot, on a worker thread while nothing is applied: empty the data,
 * put keys, and put the applied index last. Then flush. */
void data_batch_clear(struct store *s, rocksdb_writebatch_t *batch);
void data_batch_put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                    const char *value, size_t value_len);
void data_batch_applied(struct store *s, rocksdb_writebatch_t *batch, raft_index index);

/* Make what is applied so far durable. Any thread; takes its time. */
void data_flush(struct store *s);

#endif
