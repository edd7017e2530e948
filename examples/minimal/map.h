/* SPDX-License-Identifier: MIT */
/* The state machine: a map from keys to values. */
#ifndef MAP_H
#define MAP_H

#include <raft.h>

#include "base.h"

/* The pairs one after the other: key, NUL, value, NUL. That is slow when the map is large, but the
 * map is its own snapshot. */
struct map {
    struct bytes pairs;
};

/* The command that sets a key. Free its memory, buf.base. */
struct raft_entry map_command(const char *key, const char *value);
void map_apply(struct map *m, const struct raft_entry *e);
const char *map_get(const struct map *m, const char *key); /* or NULL */
void map_restore(struct map *m, const struct raft_buffer *snapshot);

#endif
