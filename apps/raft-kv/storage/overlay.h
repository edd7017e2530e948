/* SPDX-License-Identifier: MIT */
/* A hash table of changed keys that are not in the database yet, with their new values.
 *
 * Clients choose the keys. The hash function has a random secret, so that they cannot choose keys
 * that collide. Iterating therefore gives another order on every server; use overlay_sorted(). */
#ifndef KV_OVERLAY_H
#define KV_OVERLAY_H

#include "bytes.h"
#include "values.h"

struct overlay_item {
    uint64_t hash; /* 0: the item is free */
    uint64_t position;
    size_t key; /* offset in `bytes`, as `value` is */
    size_t key_len;
    size_t value;
    size_t value_len;
    bool deleted;
    bool outside; /* the value is an encoded place (values.h) */
};

struct overlay {
    struct overlay_item *items;
    size_t size; /* a power of two */
    size_t used; /* number of items */
    struct buf bytes;
    unsigned char secret[16]; /* of the hash function */
};

void overlay_init(struct overlay *o);
void overlay_free(struct overlay *o);
void overlay_clear(struct overlay *o);

/* Record that `key` has this value, or that it is deleted if `value` is NULL. */
void overlay_set(struct overlay *o, const char *key, size_t key_len, const char *value,
                 size_t value_len);

/* The same for a value that is stored outside. */
void overlay_set_place(struct overlay *o, const char *key, size_t key_len,
                       const struct value_place *place);

/* The `used` items in the order of the database (position.h). The caller frees the array. */
const struct overlay_item **overlay_sorted(const struct overlay *o);

/* The change of `key`, or NULL if it is not in the table. */
const struct overlay_item *overlay_get(const struct overlay *o, const char *key, size_t key_len);

#endif
