/* SPDX-License-Identifier: MIT */
/* Marks: records of up to two numbers in a server's database, each with a name. */
#ifndef KV_MARK_H
#define KV_MARK_H

#include "store.h"

struct mark {
    uint64_t a;
    uint64_t b;
};

/* False: there is no such mark. */
bool mark_get(struct store *s, const char *name, struct mark *mark);
/* Durable on return. */
void mark_put(struct store *s, const char *name, struct mark mark);
void mark_remove(struct store *s, const char *name);

#endif
