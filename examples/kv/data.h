/* SPDX-License-Identifier: MIT */
/* The state machine: keys and values, and the index of the last applied entry.
 *
 * What an entry does depends on nothing but the entry and the data before it, so
 * that every server comes to the same result.
 *
 * Entries are applied in memory, to a hash table of what they change. From time to time
 * a worker writes a full table to the database, sorted and with each key once, which
 * costs a fraction of as many single writes; meanwhile a second table takes what
 * follows. A table goes there whole, with its last index, for what an entry does may
 * depend on what the one before it did. */
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
    raft_index applied;         /* last entry in `fresh` */
    raft_index written;         /* last entry in the database, in its memory at least */
    raft_index applied_durable; /* on disk, in a flushed table */
    struct overlay fresh;
    struct overlay writing;   /* what the worker writes */
    raft_index writing_index; /* its last entry */
    bool busy;                /* a worker is writing */
};

/* A value in memory or in the database. */
struct value {
    const char *text;
    size_t len;
    rocksdb_pinnableslice_t *pinned;
};

void data_open(struct data *d, struct store *s);
void data_close(struct data *d);

/* Apply the entry at `index`, which follows the last one. Its payload is NULL if it
 * is not a command. */
struct result data_apply(struct data *d, raft_index index, const char *payload, size_t len);

/* Writing what was applied to the database: begin and end on the loop's thread, run on
 * any. One at a time. */
bool data_write_due(const struct data *d); /* there is enough of it */
bool data_full(const struct data *d);      /* so much that applying must wait */
void data_write_begin(struct data *d);
void data_write_run(struct data *d);
void data_write_end(struct data *d);

/* The database was replaced by a snapshot at `index`. */
void data_reset(struct data *d, raft_index index);

/* The value of a key, valid until data change; false: there is none. Free it. */
bool data_get(struct data *d, const char *key, size_t len, struct value *value);
void value_free(struct value *value);

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
