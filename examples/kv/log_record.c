/* SPDX-License-Identifier: MIT */
#include "log_record.h"

#include <stdlib.h>

#include "report.h"

void record_key(char key[8], raft_index index) {
    for (int i = 7; i >= 0; i--) {
        key[i] = (char)(index & 0xff);
        index >>= 8;
    }
}

static raft_index key_index(const char *key) {
    raft_index index = 0;
    for (int i = 0; i < 8; i++) {
        index = (index << 8) | (unsigned char)key[i];
    }
    return index;
}

void record_begin(struct buf *value, uint64_t ticket, uint64_t prev) {
    buf_put_int(value, ticket, 8);
    buf_put_int(value, prev, 8);
}

void record_add(struct buf *value, const struct log_entry *entry) {
    char *to = buf_room(value, RECORD_ENTRY_HEAD + entry->len);
    store_le(to, entry->term, 8);
    to[8] = (char)entry->type;
    store_le(to + 9, entry->len, 4);
    memcpy(to + RECORD_ENTRY_HEAD, entry->data, entry->len);
    value->len += RECORD_ENTRY_HEAD + entry->len;
}

bool record_at(rocksdb_iterator_t *it, struct log_record *record) {
    if (!rocksdb_iter_valid(it)) {
        char *error = NULL;
        rocksdb_iter_get_error(it, &error);
        store_check(error, "read of the log");
        return false;
    }
    size_t key_len;
    const char *key = rocksdb_iter_key(it, &key_len);
    record->value = rocksdb_iter_value(it, &record->len);
    if (key_len != 8 || record->len < RECORD_HEAD) {
        die("the log holds a record that is not one");
    }
    record->first = key_index(key);
    record->ticket = load_le(record->value, 8);
    record->prev = load_le(record->value + 8, 8);
    return true;
}

struct log_entry *record_decode(const struct log_record *record, const char *value,
                                unsigned *n) {
    struct log_entry *entries = NULL;
    size_t cap = 0;
    struct cursor c = {value + RECORD_HEAD, value + record->len, false};
    for (*n = 0; cursor_left(&c) > 0; (*n)++) {
        if (*n == cap) {
            cap = cap > 0 ? cap * 2 : 64;
            entries = xrealloc(entries, cap * sizeof *entries);
        }
        struct log_entry *e = &entries[*n];
        e->term = cursor_int(&c, 8);
        e->type = (uint8_t)cursor_int(&c, 1);
        e->len = (uint32_t)cursor_int(&c, 4);
        e->data = cursor_bytes(&c, e->len);
        e->block = NULL;
        if (c.bad) {
            die("the log record at %llu is corrupted", record->first);
        }
    }
    return entries;
}

size_t record_prefix(const struct log_record *record, unsigned n) {
    struct cursor c = {record->value + RECORD_HEAD, record->value + record->len, false};
    for (; n > 0; n--) {
        cursor_bytes(&c, 9);
        cursor_bytes(&c, (size_t)cursor_int(&c, 4));
    }
    if (c.bad) {
        die("the log record at %llu ends before it should", record->first);
    }
    return (size_t)(c.at - record->value);
}
