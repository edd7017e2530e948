/* SPDX-License-Identifier: MIT */
#include "stored.h"

#include <stdlib.h>

#include "report.h"

enum { PREFIX = 'v', INDEX_KEY = 17 };

static void put_big_endian(char *to, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        to[i] = (char)(value >> (56 - 8 * i));
    }
}

static uint64_t big_endian(const char *from) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | (unsigned char)from[i];
    }
    return value;
}

static void index_key(char to[INDEX_KEY], uint64_t file, uint64_t offset) {
    to[0] = PREFIX;
    put_big_endian(to + 1, file);
    put_big_endian(to + 9, offset);
}

static void tally_add(struct tally *t, uint64_t file, int64_t bytes) {
    for (size_t i = t->n; i-- > 0;) { /* mostly the latest ones */
        if (t->items[i].file == file) {
            t->items[i].bytes += bytes;
            return;
        }
    }
    t->items = array_grow(t->items, t->n, &t->cap, sizeof *t->items);
    t->items[t->n++] = (struct tally_item){file, bytes};
}

void stored_apply(struct store *s, struct tally *tally) {
    for (size_t i = 0; i < tally->n; i++) {
        values_count(&s->values, tally->items[i].file, tally->items[i].bytes);
    }
    tally->n = 0;
}

/* --- writing ------------------------------------------------------------- */

/* Add a record whose value has two parts, without joining them first. */
static void put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                char kind, const char *value, size_t value_len) {
    const char *parts[2] = {&kind, value};
    const size_t sizes[2] = {1, value_len};
    rocksdb_writebatch_putv_cf(batch, s->data, 1, &key, &key_len, 2, parts, sizes);
}

void stored_put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                const char *value, size_t value_len) {
    put(s, batch, key, key_len, STORED_HERE, value, value_len);
}

void stored_put_place(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                      const struct value_place *place, struct tally *tally) {
    char encoded[PLACE_SIZE];
    char index[INDEX_KEY];
    place_encode(encoded, place);
    put(s, batch, key, key_len, STORED_OUTSIDE, encoded, sizeof encoded);
    index_key(index, place->file, place->offset);
    rocksdb_writebatch_put_cf(batch, s->data, index, sizeof index, key, key_len);
    tally_add(tally, place->file, place->len);
}

bool stored_outside(const char *stored, size_t len, struct value_place *place) {
    bool outside = len > 0 && stored[0] == STORED_OUTSIDE;
    if (len == 0 || (outside && len != 1 + PLACE_SIZE) || (!outside && stored[0] != STORED_HERE)) {
        die("the database is corrupted: malformed value");
    }
    if (outside) {
        *place = place_decode(stored + 1);
    }
    return outside;
}

/* The place of a key's value in the database; false: it has none outside. */
static bool place_of(struct store *s, const char *key, size_t key_len, struct value_place *place) {
    char *error = NULL;
    rocksdb_pinnableslice_t *found =
        rocksdb_get_pinned_cf(s->db, s->read, s->data, key, key_len, &error);
    store_check(error, "read of a value");
    bool outside = false;
    if (found != NULL) {
        size_t len;
        const char *stored = rocksdb_pinnableslice_value(found, &len);
        outside = stored_outside(stored, len, place);
        rocksdb_pinnableslice_destroy(found);
    }
    return outside;
}

static void drop(struct store *s, rocksdb_writebatch_t *batch, const struct value_place *place,
                 struct tally *tally) {
    char index[INDEX_KEY];
    index_key(index, place->file, place->offset);
    rocksdb_writebatch_delete_cf(batch, s->data, index, sizeof index);
    tally_add(tally, place->file, -(int64_t)place->len);
}

void stored_drop(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                 struct tally *tally) {
    struct value_place place;
    if (place_of(s, key, key_len, &place)) {
        drop(s, batch, &place, tally);
    }
}

void stored_clear(struct store *s, rocksdb_writebatch_t *batch) {
    const char begin = PREFIX;
    const char end = PREFIX + 1;
    rocksdb_writebatch_delete_range_cf(batch, s->data, &begin, 1, &end, 1);
}

/* --- the records of what is alive ---------------------------------------- */

/* The iterator's current record; false: there are no more. */
static bool current(rocksdb_iterator_t *it, uint64_t *file, uint64_t *offset) {
    if (!rocksdb_iter_valid(it)) {
        char *error = NULL;
        rocksdb_iter_get_error(it, &error);
        store_check(error, "read of the data");
        return false;
    }
    size_t len;
    const char *key = rocksdb_iter_key(it, &len);
    if (len != INDEX_KEY || key[0] != PREFIX) {
        return false;
    }
    *file = big_endian(key + 1);
    *offset = big_endian(key + 9);
    return true;
}

static rocksdb_iterator_t *iterate(struct store *s, uint64_t file) {
    char from[INDEX_KEY];
    index_key(from, file, 0);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(s->db, s->read, s->data);
    rocksdb_iter_seek(it, from, sizeof from);
    return it;
}

/* The place that the iterator's current record is about. */
static struct value_place place_at(struct store *s, rocksdb_iterator_t *it, uint64_t file,
                                   uint64_t offset) {
    size_t len;
    const char *key = rocksdb_iter_value(it, &len);
    struct value_place place;
    if (!place_of(s, key, len, &place) || place.file != file || place.offset != offset) {
        die("%s: the database is corrupted: no key has the value at %llu of file %llu", s->dir,
            (unsigned long long)offset, (unsigned long long)file);
    }
    return place;
}

void stored_count(struct store *s) {
    uint64_t file;
    uint64_t offset;
    rocksdb_iterator_t *it = iterate(s, 0);
    for (; current(it, &file, &offset); rocksdb_iter_next(it)) {
        values_count(&s->values, file, place_at(s, it, file, offset).len);
    }
    rocksdb_iter_destroy(it);
}

/* --- moving -------------------------------------------------------------- */

static void move_file(struct store *s, struct moving *m, int fd, uint64_t from,
                      rocksdb_writebatch_t *batch, struct tally *tally) {
    uint64_t file;
    uint64_t offset;
    rocksdb_iterator_t *it = iterate(s, from);
    for (; current(it, &file, &offset) && file == from; rocksdb_iter_next(it)) {
        struct value_place place = place_at(s, it, file, offset);
        char *value = xmalloc(place.len);
        values_get(&s->values, &place, value);
        struct value_place moved = values_move(&s->values, fd, m->to, &m->end, value, place.len);
        size_t key_len;
        const char *key = rocksdb_iter_value(it, &key_len);
        drop(s, batch, &place, tally);
        stored_put_place(s, batch, key, key_len, &moved, tally);
        free(value);
    }
    rocksdb_iter_destroy(it);
}

void stored_move(struct store *s, struct moving *m, struct tally *tally) {
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    int fd = values_move_begin(&s->values, m->to);
    for (size_t i = 0; i < m->n; i++) {
        move_file(s, m, fd, m->from[i], batch, tally);
    }
    values_move_end(&s->values, fd); /* before the database can refer to it */
    store_write(s, s->write_data, batch);
    rocksdb_writebatch_destroy(batch);
}
