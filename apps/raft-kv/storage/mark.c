/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <stdlib.h>

#include "report.h"

bool mark_get(struct store *s, const char *name, struct mark *mark) {
    size_t len = 0;
    char *error = NULL;
    char *value = rocksdb_get_cf(s->db, s->read, s->meta, name, strlen(name), &len, &error);
    store_check(error, "read from the database");
    *mark = (struct mark){0};
    if (value == NULL) {
        return false;
    }
    struct cursor c = {value, value + len, false};
    mark->a = cursor_int(&c, 8);
    mark->b = cursor_int(&c, 8);
    if (c.bad || cursor_left(&c) > 0) {
        die("%s: the record \"%s\" is corrupted", s->dir, name);
    }
    free(value);
    return true;
}

void mark_put(struct store *s, const char *name, struct mark mark) {
    char value[16];
    char *error = NULL;
    store_le(value, mark.a, 8);
    store_le(value + 8, mark.b, 8);
    rocksdb_put_cf(s->db, s->write_sync, s->meta, name, strlen(name), value, sizeof value, &error);
    store_check(error, "write to the database");
}

void mark_remove(struct store *s, const char *name) {
    struct mark mark;
    if (mark_get(s, name, &mark)) {
        char *error = NULL;
        rocksdb_delete_cf(s->db, s->write_sync, s->meta, name, strlen(name), &error);
        store_check(error, "write to the database");
    }
}
