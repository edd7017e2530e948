/* SPDX-License-Identifier: MIT */
#include "log_record.h"

#include <stdlib.h>

#include "file.h"
#include "report.h"

void record_begin(struct buf *payload, raft_index first) {
    buf_put_int(payload, first, RECORD_HEAD);
}

void record_add(struct buf *payload, const struct log_entry *entry) {
    bool outside = entry->place.file != 0;
    size_t len = outside ? PLACE_SIZE : entry->len;
    char *to = buf_room(payload, RECORD_ENTRY_HEAD + len);
    store_le(to, entry->term, 8);
    to[8] = (char)(entry->type | (outside ? RECORD_OUTSIDE : 0));
    store_le(to + 9, entry->len, 4);
    if (outside) {
        place_encode(to + RECORD_ENTRY_HEAD, &entry->place);
    } else {
        memcpy(to + RECORD_ENTRY_HEAD, entry->data, len);
    }
    payload->len += RECORD_ENTRY_HEAD + len;
}

raft_index record_first(const char *payload, size_t len) {
    raft_index first = len >= RECORD_HEAD ? load_le(payload, RECORD_HEAD) : 0;
    if (first == 0) {
        die("the log is corrupted: malformed record; " REPLACE_SERVER);
    }
    return first;
}

struct log_entry *record_decode(const char *payload, size_t len, unsigned *n) {
    struct log_entry *entries = NULL;
    size_t cap = 0;
    struct cursor c = {payload + RECORD_HEAD, payload + len, false};
    for (*n = 0; cursor_left(&c) > 0; (*n)++) {
        entries = array_grow(entries, *n, &cap, sizeof *entries);
        struct log_entry *e = &entries[*n];
        e->term = cursor_int(&c, 8);
        e->type = (uint8_t)cursor_int(&c, 1);
        e->len = (uint32_t)cursor_int(&c, 4);
        bool outside = (e->type & RECORD_OUTSIDE) != 0;
        e->type &= (uint8_t)~RECORD_OUTSIDE;
        e->data = cursor_bytes(&c, outside ? PLACE_SIZE : e->len);
        e->block = NULL;
        e->place = (struct value_place){0};
        if (outside && !c.bad) {
            e->place = place_decode(e->data);
            e->data = NULL;
            c.bad = e->place.file == 0 || e->place.len != e->len;
        }
        if (c.bad) {
            die("the log is corrupted: malformed record at entry %llu; " REPLACE_SERVER,
                record_first(payload, len));
        }
    }
    return entries;
}
