/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include <sodium.h>
#include <stdlib.h>

#include "position.h"
#include "report.h"

enum { MIN_SIZE = 256 };

void overlay_init(struct overlay *o) {
    if (sodium_init() < 0) {
        die("cannot initialize libsodium");
    }
    *o = (struct overlay){.size = MIN_SIZE};
    crypto_shorthash_keygen(o->secret);
    o->items = xmalloc(o->size * sizeof *o->items);
    memset(o->items, 0, o->size * sizeof *o->items);
}

void overlay_free(struct overlay *o) {
    free(o->items);
    buf_free(&o->bytes);
}

void overlay_clear(struct overlay *o) {
    if (o->used > 0) {
        memset(o->items, 0, o->size * sizeof *o->items);
    }
    o->used = 0;
    o->bytes.len = 0;
}

/* SipHash-2-4 */
static uint64_t hash_of(const struct overlay *o, const char *key, size_t len) {
    uint64_t hash;
    _Static_assert(sizeof hash == crypto_shorthash_BYTES, "");
    _Static_assert(sizeof o->secret == crypto_shorthash_KEYBYTES, "");
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key, len, o->secret);
    return hash != 0 ? hash : 1;
}

/* Find the item of a key, or the free item to use for it. */
static struct overlay_item *find(const struct overlay *o, uint64_t hash, const char *key,
                                 size_t key_len) {
    for (size_t i = hash;; i++) {
        struct overlay_item *item = &o->items[i & (o->size - 1)];
        if (item->hash == 0 || (item->hash == hash && item->key_len == key_len &&
                                memcmp(o->bytes.data + item->key, key, key_len) == 0)) {
            return item;
        }
    }
}

static void grow(struct overlay *o) {
    struct overlay_item *old = o->items;
    size_t n = o->size;
    o->size *= 2;
    o->items = xmalloc(o->size * sizeof *o->items);
    memset(o->items, 0, o->size * sizeof *o->items);
    for (size_t i = 0; i < n; i++) {
        if (old[i].hash != 0) {
            *find(o, old[i].hash, o->bytes.data + old[i].key, old[i].key_len) = old[i];
        }
    }
    free(old);
}

static size_t keep(struct overlay *o, const char *data, size_t len) {
    size_t at = o->bytes.len;
    buf_put(&o->bytes, data, len);
    return at;
}

static struct overlay_item *set(struct overlay *o, const char *key, size_t key_len,
                                const char *value, size_t value_len) {
    if (o->used * 2 >= o->size) {
        grow(o);
    }
    uint64_t hash = hash_of(o, key, key_len);
    struct overlay_item *item = find(o, hash, key, key_len);
    if (item->hash == 0) {
        item->hash = hash;
        item->key = keep(o, key, key_len);
        item->key_len = key_len;
        item->position = position_of(key, key_len);
        o->used++;
    }
    item->deleted = value == NULL;
    item->value_len = value_len;
    item->value = value != NULL ? keep(o, value, value_len) : 0;
    item->outside = false;
    return item;
}

void overlay_set(struct overlay *o, const char *key, size_t key_len, const char *value,
                 size_t value_len) {
    set(o, key, key_len, value, value_len);
}

void overlay_set_place(struct overlay *o, const char *key, size_t key_len,
                       const struct value_place *place) {
    char encoded[PLACE_SIZE];
    place_encode(encoded, place);
    set(o, key, key_len, encoded, sizeof encoded)->outside = true;
}

const struct overlay_item *overlay_get(const struct overlay *o, const char *key, size_t key_len) {
    if (o->used == 0) {
        return NULL;
    }
    const struct overlay_item *item = find(o, hash_of(o, key, key_len), key, key_len);
    return item->hash != 0 ? item : NULL;
}

/* For qsort_r(): `context` is the memory that the keys' offsets refer to. */
static int by_key(const void *left, const void *right, void *context) {
    const struct overlay_item *a = *(const struct overlay_item *const *)left;
    const struct overlay_item *b = *(const struct overlay_item *const *)right;
    const char *bytes = context;
    if (a->position != b->position) {
        return a->position > b->position ? 1 : -1;
    }
    size_t common = a->key_len < b->key_len ? a->key_len : b->key_len;
    int order = memcmp(bytes + a->key, bytes + b->key, common);
    return order != 0 ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

const struct overlay_item **overlay_sorted(const struct overlay *o) {
    const struct overlay_item **items = xmalloc((o->used + 1) * sizeof(*items));
    size_t n = 0;
    for (size_t i = 0; i < o->size; i++) {
        if (o->items[i].hash != 0) {
            items[n++] = &o->items[i];
        }
    }
    qsort_r(items, n, sizeof(*items), by_key, o->bytes.data);
    return items;
}
