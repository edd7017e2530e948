/* SPDX-License-Identifier: MIT */
#include "map.h"

#include <string.h>

/* [command] */
struct raft_entry map_command(const char *key, const char *value) {
    struct bytes pair = {0};
    bytes_add(&pair, key, strlen(key) + 1);
    bytes_add(&pair, value, strlen(value) + 1);
    return (struct raft_entry){
        .type = RAFT_COMMAND, .buf = {pair.base, pair.len}, .batch = pair.base};
}
/* [command end] */

static char *find(const struct map *m, const char *key) {
    char *at = m->pairs.base, *end = at + m->pairs.len;
    while (at < end && strcmp(at, key) != 0) {
        at += strlen(at) + 1;
        at += strlen(at) + 1;
    }
    return at < end ? at : NULL;
}

const char *map_get(const struct map *m, const char *key) {
    const char *pair = find(m, key);
    return pair != NULL ? pair + strlen(pair) + 1 : NULL;
}

/* [apply] */
void map_apply(struct map *m, const struct raft_entry *e) {
    const char *pair = e->buf.base;
    size_t len = e->buf.len;
    size_t key = strnlen(pair, len) + 1;
    if (e->type != RAFT_COMMAND || key >= len || key + strnlen(pair + key, len - key) + 1 != len) {
        return; /* not a command of this program */
    }
    char *old = find(m, pair);
    if (old != NULL) {
        char *end = old + strlen(old) + 1;
        end += strlen(end) + 1;
        memmove(old, end, (size_t)(m->pairs.base + m->pairs.len - end));
        m->pairs.len -= (size_t)(end - old);
    }
    bytes_add(&m->pairs, pair, len);
}
/* [apply end] */

void map_restore(struct map *m, const struct raft_buffer *snapshot) {
    m->pairs.len = 0;
    bytes_add(&m->pairs, snapshot->base, snapshot->len);
}
