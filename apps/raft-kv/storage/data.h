/* SPDX-License-Identifier: MIT */
/* The state machine: keys and values, and the index of the last applied entry.
 *
 * The effect of an entry depends only on the entry and on the data before it, so every server
 * computes the same data.
 *
 * Entries are applied to a hash table in memory (overlay.h) that holds the changed keys. From time
 * to time a worker thread writes such a table to the database, sorted and with each key once: that
 * is much cheaper than one write per entry. Meanwhile a second table takes the new changes. A
 * table and the index of its last entry are written in one atomic batch, so the database always
 * holds the data as of some entry. Large values are stored elsewhere: see stored.h. */
#ifndef KV_DATA_H
#define KV_DATA_H

#include "apply.h"
#include "overlay.h"
#include "store.h"
#include "stored.h"

struct data {
    struct store *store;
    raft_index applied;         /* last applied entry */
    raft_index written;         /* last entry written to the database, maybe only to its memory */
    raft_index applied_durable; /* last entry known to be durable in the database */
    struct overlay fresh;       /* takes new changes */
    struct overlay writing;     /* being written to the database */
    raft_index writing_index;   /* last entry of `writing` */
    bool busy;                  /* `writing` is in use by the worker */
    bool outside; /* the database may refer to values.h; for the worker, as these are: */
    struct tally tally;
    struct moving moving;
    struct { /* the entry being applied; `place` NULL: it is not in values.h */
        const char *payload;
        size_t len;
        const struct value_place *place;
    } entry;
    struct buf old;                  /* for apply.c: the last result's value */
    struct argument_text *arguments; /* and the arguments of a command */
    size_t n_arguments;
};

/* A value found by data_get(). */
struct value {
    const char *text;
    size_t len;
    rocksdb_pinnableslice_t *pinned;
    char *copy; /* of a value in values.h */
};

void data_open(struct data *d, struct store *s);
void data_close(struct data *d);

/* Apply the entry at `index`, the next after the last applied one. The payload is NULL for an
 * entry that is not a command. */
struct result data_apply(struct data *d, raft_index index, const char *payload, size_t len);

/* The same for an entry whose payload is stored at this place: its large values are not stored
 * again. */
struct result data_apply_at(struct data *d, raft_index index, const char *payload, size_t len,
                            const struct value_place *place);

/* Write the applied changes to the database: call _begin() and _end() on the event loop's thread
 * and _run() between them on any thread. One write at a time. */
bool data_write_due(const struct data *d); /* enough changes are collected */
bool data_full(const struct data *d);      /* too many: applying must wait for a write */
void data_write_begin(struct data *d);
void data_write_run(struct data *d);
void data_write_end(struct data *d);

/* Call after the database was replaced by a snapshot at `index`. */
void data_reset(struct data *d, raft_index index);

/* Find the value of a key; false: there is none. The value is valid until data change, and must
 * be freed in both cases. */
bool data_get(struct data *d, const char *key, size_t len, struct value *value);
void value_free(struct value *value);
/* Find only the length of a value. */
bool data_find(struct data *d, const char *key, size_t len, size_t *value_len);

/* Give a key this value; NULL deletes it. Only for apply.c. */
void data_set(struct data *d, const char *key, size_t len, const char *value, size_t value_len);

/* Iterate over the keys in the database from this position on (position.h; 0: all), on any thread.
 * data_key() returns the current key, or NULL at the end. */
rocksdb_iterator_t *data_iterate(struct store *s, rocksdb_readoptions_t *read, uint64_t position);
const char *data_key(rocksdb_iterator_t *it, size_t *len);
/* The value of the current key: in the iterator's memory, or, if it is in values.h, in `space`. */
const char *data_value(struct store *s, rocksdb_iterator_t *it, size_t *len, struct buf *space);

/* Load a snapshot, on a worker thread while nothing is applied: clear the data, put all keys, then
 * put the applied index, then call data_flush(). */
void data_batch_clear(struct store *s, rocksdb_writebatch_t *batch);
void data_batch_put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                    const char *value, size_t value_len);
void data_batch_applied(struct store *s, rocksdb_writebatch_t *batch, raft_index index);

/* Make the changes written to the database durable. Any thread; slow. */
void data_flush(struct store *s);

#endif
