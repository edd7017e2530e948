/* SPDX-License-Identifier: MIT */
#include "data.h"

#include <stdlib.h>

#include "file.h"
#include "limits.h"
#include "position.h"
#include "report.h"

/* In the database users' keys have a prefix: a letter, so that one range deletion removes them all,
 * and their position, most significant byte first. */
enum { PREFIX = 'k', PREFIX_LEN = 9 };
/* Changes are written to the database at this size at the latest. Usually a compaction writes them
 * earlier. */
enum { WRITE_KEYS = 128 * 1024, WRITE_BYTES = 32 * 1024 * 1024 };
#define APPLIED_KEY "applied"

static void put_prefix(char *to, uint64_t position) {
    to[0] = PREFIX;
    for (int i = 0; i < 8; i++) {
        to[1 + i] = (char)(position >> (56 - 8 * i));
    }
}

/* The key as stored in the database, PREFIX_LEN bytes longer; valid until the next call on this
 * thread. */
static const char *prefixed(const char *key, size_t len) {
    static _Thread_local char space[PREFIX_LEN + MAX_KEY];
    if (len > MAX_KEY) {
        die("internal error: a key of %zu bytes", len);
    }
    put_prefix(space, position_of(key, len));
    memcpy(space + PREFIX_LEN, key, len);
    return space;
}

void data_open(struct data *d, struct store *s) {
    *d = (struct data){.store = s};
    overlay_init(&d->fresh);
    overlay_init(&d->writing);
    size_t len = 0;
    char *error = NULL;
    char *value =
        rocksdb_get_cf(s->db, s->read, s->data, APPLIED_KEY, strlen(APPLIED_KEY), &len, &error);
    store_check(error, "read of the applied index");
    if (value != NULL) {
        if (len != 8) {
            die("%s: the applied index is corrupted; " REPLACE_SERVER, s->dir);
        }
        d->applied = d->written = d->applied_durable = load_le(value, 8);
        free(value);
    }
    stored_count(s);
    values_start(&s->values);
}

void data_close(struct data *d) {
    overlay_free(&d->fresh);
    overlay_free(&d->writing);
    free(d->tally.items);
    buf_free(&d->old);
    free(d->arguments);
}

/* Find a value; one that is in values.h is not read. */
static bool find(struct data *d, const char *key, size_t len, struct value *value,
                 struct value_place *place) {
    *value = (struct value){0};
    *place = (struct value_place){0};
    const struct overlay *from = &d->fresh;
    const struct overlay_item *item = overlay_get(from, key, len);
    if (item == NULL) {
        from = &d->writing;
        item = overlay_get(from, key, len);
    }
    if (item != NULL) {
        value->text = from->bytes.data + item->value;
        value->len = item->value_len;
        if (item->outside) {
            *place = place_decode(value->text);
        }
        return !item->deleted;
    }
    char *error = NULL;
    value->pinned = rocksdb_get_pinned_cf(d->store->db, d->store->read, d->store->data,
                                          prefixed(key, len), len + PREFIX_LEN, &error);
    store_check(error, "read of a value");
    if (value->pinned != NULL) {
        value->text = rocksdb_pinnableslice_value(value->pinned, &value->len);
        stored_outside(value->text, value->len, place);
        value->text++;
        value->len--;
    }
    return value->pinned != NULL;
}

bool data_get(struct data *d, const char *key, size_t len, struct value *value) {
    struct value_place place;
    bool found = find(d, key, len, value, &place);
    if (place.file != 0) {
        value->text = value->copy = xmalloc(place.len);
        values_get(&d->store->values, &place, value->copy);
        value->len = place.len;
    }
    return found;
}

void value_free(struct value *value) {
    rocksdb_pinnableslice_destroy(value->pinned); /* accepts NULL */
    free(value->copy);
    value->pinned = NULL;
    value->copy = NULL;
}

bool data_find(struct data *d, const char *key, size_t len, size_t *value_len) {
    struct value value;
    struct value_place place;
    bool found = find(d, key, len, &value, &place);
    *value_len = !found ? 0 : place.file != 0 ? place.len : value.len;
    value_free(&value);
    return found;
}

/* --- applying ------------------------------------------------------------ */

void data_set(struct data *d, const char *key, size_t len, const char *value, size_t value_len) {
    const struct value_place *at = d->entry.place;
    uintptr_t begin = (uintptr_t)d->entry.payload;
    uintptr_t from = (uintptr_t)value;
    if (at == NULL || value == NULL || value_len < d->store->values.large || from < begin ||
        from + value_len > begin + d->entry.len) {
        overlay_set(&d->fresh, key, len, value, value_len);
        return;
    }
    struct value_place place = {at->file, at->offset + (from - begin), (uint32_t)value_len,
                                crc32c(0, value, value_len)};
    overlay_set_place(&d->fresh, key, len, &place);
}

struct result data_apply(struct data *d, raft_index index, const char *payload, size_t len) {
    return data_apply_at(d, index, payload, len, NULL);
}

struct result data_apply_at(struct data *d, raft_index index, const char *payload, size_t len,
                            const struct value_place *place) {
    if (index != d->applied + 1) {
        die("internal error: entry %llu applied after entry %llu", index, d->applied);
    }
    d->applied = index;
    d->entry.payload = payload;
    d->entry.len = len;
    d->entry.place = place;
    if (payload == NULL) {
        return (struct result){.kind = RESULT_OK};
    }
    return apply_command(d, payload, len);
}

/* --- writing to the database --------------------------------------------- */

bool data_write_due(const struct data *d) {
    return d->fresh.used >= WRITE_KEYS || d->fresh.bytes.len >= WRITE_BYTES;
}

bool data_full(const struct data *d) {
    return d->fresh.used >= 2 * WRITE_KEYS || d->fresh.bytes.len >= 2 * WRITE_BYTES;
}

void data_write_begin(struct data *d) {
    struct overlay empty = d->writing;
    d->writing = d->fresh;
    d->fresh = empty;
    d->writing_index = d->applied;
    d->busy = true;
    d->outside = d->store->values.n > 0;
    d->moving = (struct moving){0};
    d->moving.n = values_victims(&d->store->values, d->moving.from, MAX_VICTIMS);
    if (d->moving.n > 0) {
        d->moving.to = values_reserve(&d->store->values);
    }
}

void data_write_run(struct data *d) {
    const struct overlay *o = &d->writing;
    const struct overlay_item **items = overlay_sorted(o);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    for (size_t i = 0; i < o->used; i++) {
        const char *key = o->bytes.data + items[i]->key;
        size_t len = items[i]->key_len;
        const char *value = o->bytes.data + items[i]->value;
        const char *stored = prefixed(key, len);
        if (d->outside) {
            stored_drop(d->store, batch, stored, len + PREFIX_LEN, &d->tally);
        }
        if (items[i]->deleted) {
            rocksdb_writebatch_delete_cf(batch, d->store->data, stored, len + PREFIX_LEN);
        } else if (items[i]->outside) {
            struct value_place place = place_decode(value);
            stored_put_place(d->store, batch, stored, len + PREFIX_LEN, &place, &d->tally);
        } else {
            stored_put(d->store, batch, stored, len + PREFIX_LEN, value, items[i]->value_len);
        }
    }
    free(items);
    data_batch_applied(d->store, batch, d->writing_index);
    store_write(d->store, d->store->write_data, batch);
    rocksdb_writebatch_destroy(batch);
    if (d->moving.n > 0) {
        stored_move(d->store, &d->moving, &d->tally);
    }
}

void data_write_end(struct data *d) {
    d->busy = false;
    stored_apply(d->store, &d->tally);
    if (d->moving.n > 0) {
        values_moved(&d->store->values, d->moving.to, d->moving.end);
    }
    d->written = d->writing_index;
    overlay_clear(&d->writing);
}

void data_reset(struct data *d, raft_index index) {
    overlay_clear(&d->fresh);
    d->applied = d->written = d->applied_durable = index;
    values_data_reset(&d->store->values);
}

/* --- all data ------------------------------------------------------------ */

void data_batch_clear(struct store *s, rocksdb_writebatch_t *batch) {
    const char begin = PREFIX;
    const char end = PREFIX + 1;
    rocksdb_writebatch_delete_range_cf(batch, s->data, &begin, 1, &end, 1);
    stored_clear(s, batch);
}

void data_batch_put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                    const char *value, size_t value_len) {
    stored_put(s, batch, prefixed(key, key_len), key_len + PREFIX_LEN, value, value_len);
}

void data_batch_applied(struct store *s, rocksdb_writebatch_t *batch, raft_index index) {
    char value[8];
    store_le(value, index, sizeof value);
    rocksdb_writebatch_put_cf(batch, s->data, APPLIED_KEY, strlen(APPLIED_KEY), value,
                              sizeof value);
}

rocksdb_iterator_t *data_iterate(struct store *s, rocksdb_readoptions_t *read, uint64_t position) {
    char begin[PREFIX_LEN];
    put_prefix(begin, position);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(s->db, read, s->data);
    rocksdb_iter_seek(it, begin, sizeof begin);
    return it;
}

const char *data_key(rocksdb_iterator_t *it, size_t *len) {
    if (!rocksdb_iter_valid(it)) {
        char *error = NULL;
        rocksdb_iter_get_error(it, &error);
        store_check(error, "read of the data");
        return NULL;
    }
    const char *key = rocksdb_iter_key(it, len);
    if (*len < PREFIX_LEN || key[0] != PREFIX) {
        return NULL;
    }
    *len -= PREFIX_LEN;
    return key + PREFIX_LEN;
}

const char *data_value(struct store *s, rocksdb_iterator_t *it, size_t *len, struct buf *space) {
    struct value_place place;
    const char *stored = rocksdb_iter_value(it, len);
    if (!stored_outside(stored, *len, &place)) {
        --*len;
        return stored + 1;
    }
    space->len = 0;
    *len = place.len;
    char *to = buf_room(space, place.len);
    values_get(&s->values, &place, to);
    return to;
}

void data_flush(struct store *s) {
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush_cf(s->db, options, s->data, &error);
    store_check(error, "flush of the database");
    rocksdb_flushoptions_destroy(options);
}
