/* SPDX-License-Identifier: MIT */
#include "data.h"

#include <stdio.h>
#include <stdlib.h>

#include "limits.h"
#include "report.h"

/* Users' keys carry a prefix, so that they can be deleted as one range. */
enum { PREFIX = 'k' };
#define APPLIED_KEY "applied"

/* The key as it is in the database; valid until the next call on this thread. */
static const char *prefixed(const char *key, size_t len) {
    static _Thread_local char space[1 + MAX_KEY];
    if (len > MAX_KEY) {
        die("a key of %zu bytes", len);
    }
    space[0] = PREFIX;
    memcpy(space + 1, key, len);
    return space;
}

void data_open(struct data *d, struct store *s) {
    *d = (struct data){.store = s, .batch = rocksdb_writebatch_create()};
    overlay_init(&d->overlay);
    size_t len = 0;
    char *error = NULL;
    char *value = rocksdb_get_cf(s->db, s->read, s->data, APPLIED_KEY, strlen(APPLIED_KEY), &len,
                                 &error);
    store_check(error, "read of the applied index");
    if (value != NULL) {
        if (len != 8) {
            die("%s: the applied index is corrupted", s->dir);
        }
        d->applied = d->applied_durable = load_le(value, 8);
        free(value);
    }
}

void data_close(struct data *d) {
    rocksdb_writebatch_destroy(d->batch);
    overlay_free(&d->overlay);
}

rocksdb_pinnableslice_t *data_get(struct data *d, const char *key, size_t len) {
    char *error = NULL;
    rocksdb_pinnableslice_t *value = rocksdb_get_pinned_cf(
        d->store->db, d->store->read, d->store->data, prefixed(key, len), len + 1, &error);
    store_check(error, "read of a value");
    return value;
}

/* --- applying ------------------------------------------------------------ */

static void apply_put(struct data *d, const char *key, size_t key_len, const char *value,
                      size_t value_len) {
    data_batch_put(d->store, d->batch, key, key_len, value, value_len);
    overlay_set(&d->overlay, key, key_len, value, value_len);
}

static bool apply_delete(struct data *d, const char *key, size_t len) {
    const struct overlay_item *item = overlay_get(&d->overlay, key, len);
    if (item != NULL && item->deleted) {
        return false;
    }
    if (item == NULL) {
        rocksdb_pinnableslice_t *value = data_get(d, key, len);
        if (value == NULL) {
            return false;
        }
        rocksdb_pinnableslice_destroy(value);
    }
    rocksdb_writebatch_delete_cf(d->batch, d->store->data, prefixed(key, len), len + 1);
    overlay_set(&d->overlay, key, len, NULL, 0);
    return true;
}

/* A decimal number exactly as Redis accepts it: no spaces, no leading zeros. */
static bool parse_integer(const char *text, size_t len, long long *value) {
    char copy[24];
    char back[24];
    if (len == 0 || len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    *value = strtoll(copy, NULL, 10);
    snprintf(back, sizeof back, "%lld", *value);
    return strcmp(copy, back) == 0; /* also refuses what is out of range */
}

static struct result apply_incr(struct data *d, const char *key, size_t len) {
    long long number = 0;
    bool valid = true;
    const struct overlay_item *item = overlay_get(&d->overlay, key, len);
    if (item != NULL) {
        valid = item->deleted ||
                parse_integer(d->overlay.bytes.data + item->value, item->value_len, &number);
    } else {
        rocksdb_pinnableslice_t *value = data_get(d, key, len);
        if (value != NULL) {
            size_t value_len;
            const char *text = rocksdb_pinnableslice_value(value, &value_len);
            valid = parse_integer(text, value_len, &number);
            rocksdb_pinnableslice_destroy(value);
        }
    }
    if (!valid) {
        return (struct result){.kind = RESULT_ERROR,
                               .error = "ERR value is not an integer or out of range"};
    }
    if (number == INT64_MAX) {
        return (struct result){.kind = RESULT_ERROR,
                               .error = "ERR increment or decrement would overflow"};
    }
    char text[24];
    int text_len = snprintf(text, sizeof text, "%lld", ++number);
    apply_put(d, key, len, text, (size_t)text_len);
    return (struct result){.kind = RESULT_INTEGER, .integer = number};
}

static const struct result malformed = {.kind = RESULT_ERROR, .error = "ERR malformed command"};

/* One argument of a command, bounds checked: entries come from other servers. */
static const char *argument(struct cursor *c, size_t *len, size_t max) {
    *len = (size_t)cursor_int(c, 4);
    if (*len > max) {
        c->bad = true;
    }
    return cursor_bytes(c, *len);
}

/* Check a whole command before any of it is applied. */
static bool well_formed(struct cursor c, enum op op, size_t n) {
    if (n == 0 || (op == OP_SET && n % 2 != 0) || (op == OP_INCR && n != 1)) {
        return false;
    }
    for (size_t i = 0; i < n && !c.bad; i++) {
        size_t len;
        argument(&c, &len, op == OP_SET && i % 2 == 1 ? MAX_VALUE : MAX_KEY);
    }
    return !c.bad && cursor_left(&c) == 0;
}

static struct result apply_command(struct data *d, const char *payload, size_t len) {
    struct cursor c = {payload, payload + len, false};
    enum op op = (enum op)cursor_int(&c, 1);
    size_t n = (size_t)cursor_int(&c, 4);
    if (op < OP_SET || op > OP_INCR || !well_formed(c, op, n)) {
        return malformed;
    }
    struct result result = {.kind = op == OP_SET ? RESULT_OK : RESULT_INTEGER};
    for (size_t i = 0; i < n; i++) {
        size_t key_len;
        const char *key = argument(&c, &key_len, MAX_KEY);
        if (op == OP_SET) {
            size_t value_len;
            const char *value = argument(&c, &value_len, MAX_VALUE);
            apply_put(d, key, key_len, value, value_len);
            i++;
        } else if (op == OP_DEL) {
            result.integer += apply_delete(d, key, key_len);
        } else {
            result = apply_incr(d, key, key_len);
        }
    }
    return result;
}

struct result data_apply(struct data *d, raft_index index, const char *payload, size_t len) {
    raft_index last = d->batch_index > d->applied ? d->batch_index : d->applied;
    if (index != last + 1) {
        die("entry %llu would be applied after %llu", index, last);
    }
    d->batch_index = index;
    if (payload == NULL) {
        return (struct result){.kind = RESULT_OK};
    }
    return apply_command(d, payload, len);
}

void data_commit(struct data *d) {
    if (d->batch_index <= d->applied) {
        return;
    }
    data_batch_applied(d->store, d->batch, d->batch_index);
    store_write(d->store, d->store->write_data, d->batch);
    d->applied = d->batch_index;
    rocksdb_writebatch_clear(d->batch);
    overlay_clear(&d->overlay);
}

/* --- whole data ---------------------------------------------------------- */

void data_batch_clear(struct store *s, rocksdb_writebatch_t *batch) {
    const char begin = PREFIX;
    const char end = PREFIX + 1;
    rocksdb_writebatch_delete_range_cf(batch, s->data, &begin, 1, &end, 1);
}

void data_batch_put(struct store *s, rocksdb_writebatch_t *batch, const char *key, size_t key_len,
                    const char *value, size_t value_len) {
    rocksdb_writebatch_put_cf(batch, s->data, prefixed(key, key_len), key_len + 1, value,
                              value_len);
}

void data_batch_applied(struct store *s, rocksdb_writebatch_t *batch, raft_index index) {
    char value[8];
    store_le(value, index, sizeof value);
    rocksdb_writebatch_put_cf(batch, s->data, APPLIED_KEY, strlen(APPLIED_KEY), value,
                              sizeof value);
}

rocksdb_iterator_t *data_iterate(struct store *s, rocksdb_readoptions_t *read) {
    const char begin = PREFIX;
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(s->db, read, s->data);
    rocksdb_iter_seek(it, &begin, 1);
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
    if (*len == 0 || key[0] != PREFIX) {
        return NULL;
    }
    --*len;
    return key + 1;
}

void data_flush(struct store *s) {
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush_cf(s->db, options, s->data, &error);
    store_check(error, "flush of the database");
    rocksdb_flushoptions_destroy(options);
}
