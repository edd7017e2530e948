/* SPDX-License-Identifier: MIT */
/* How the database refers to large values (values.h).
 *
 * The value of a key begins with a byte: STORED_HERE, then the bytes, or STORED_OUTSIDE, then their
 * place. For every value that is stored outside there is a second record: its key is 'v', the file
 * and the offset (u64 each, the most significant byte first); its value is the key that has the
 * value, as in the database. Both are written in one batch. So the records of a file are what is
 * alive in it. */
#ifndef KV_STORED_H
#define KV_STORED_H

#include "store.h"

enum { STORED_HERE = 0, STORED_OUTSIDE = 1 };
enum { MAX_VICTIMS = 64 };

/* Changes of the numbers of live bytes, by file. */
struct tally {
    struct tally_item {
        uint64_t file;
        int64_t bytes;
    } * items;
    size_t n;
    size_t cap;
};

/* The files to empty by a write of the data, and the one that what is alive is moved to. */
struct moving {
    uint64_t from[MAX_VICTIMS];
    size_t n;
    uint64_t to;
    uint64_t end; /* size of `to` */
};

/* Add to a batch: the key has this value; has the value at this place; is deleted. `key` is as in
 * the database. */
void stored_put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                const char *value, size_t value_len);
void stored_put_place(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                      const struct value_place *place, struct tally *tally);
/* Add to a batch what follows from giving the key another value or none: if its present value is
 * outside, that is dead. */
void stored_drop(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                 struct tally *tally);
/* Add to a batch: no value is outside. */
void stored_clear(struct store *s, rocksdb_writebatch_t *batch);

/* Decode a value of the database. True: it is at *place. False: it is here, behind the first
 * byte. */
bool stored_outside(const char *stored, size_t len, struct value_place *place);

/* At the start: count what is alive in each file. */
void stored_count(struct store *s);

/* Move what is alive. Any thread, while no other one writes data to the database. */
void stored_move(struct store *s, struct moving *moving, struct tally *tally);
/* Apply and empty a tally, on the event loop's thread. */
void stored_apply(struct store *s, struct tally *tally);

#endif
