/* SPDX-License-Identifier: MIT */
/* The values that writes which are not in the database yet are going to set. */
#ifndef KV_OVERLAY_H
#define KV_OVERLAY_H

#include "bytes.h"

struct overlay_item {
    uint64_t hash; /* 0: free */
    size_t key;    /* offsets in `bytes` */
    size_t key_len;
    size_t value;
    size_t value_len;
    bool deleted;
};

struct overlay {
    struct overlay_item *items;
    size_t size; /* a power of two */
    size_t used;
    struct buf bytes;
};

void overlay_init(struct overlay *o);
void overlay_free(struct overlay *o);
void overlay_clear(struct overlay *o);

/* Remember that `key` will hold `value`, or nothing if `value` is NULL. */
void overlay_set(struct overlay *o, const char *key, size_t key_len, const char *value,
                 size_t value_len);

/* All items in the order of their keys: `used` of them. Free the array. */
const struct overlay_item **overlay_sorted(const struct overlay *o);

/* What is remembered of `key`, or NULL. */
const struct overlay_item *overlay_get(const struct overlay *o, const char *key, size_t key_len);

#endif
