/* SPDX-License-Identifier: MIT */
/* The small records that a server must never forget, and their encoding. */
#ifndef KV_META_H
#define KV_META_H

#include <raft.h>

#include "bytes.h"

/* A configuration with storage of its own. */
struct members {
    struct raft_configuration conf;
    char *text; /* the addresses */
};

void members_copy(struct members *m, const struct raft_configuration *conf);
void members_free(struct members *m);

/* Encode a configuration; decode one, checking every bound (false: malformed). */
void conf_encode(struct buf *b, const struct raft_configuration *conf);
bool conf_decode(struct cursor *c, struct members *m);

/* Term and vote. `ticket` numbers these writes, see store.h. */
struct hard_state {
    raft_term term;
    raft_id voted_for;
    uint64_t ticket;
};

/* What RAFT_START is told of the last snapshot: data up to `index` is on disk. */
struct base {
    raft_index index; /* 0: none */
    raft_term term;
    raft_index conf_index;
    struct members members;
    uint64_t segment; /* of the journal, where the log begins, */
    uint64_t ticket;  /* behind this ticket */
};

void hard_state_encode(struct buf *b, const struct hard_state *hard);
bool hard_state_decode(const char *data, size_t len, struct hard_state *hard);
void base_encode(struct buf *b, const struct base *base);
bool base_decode(const char *data, size_t len, struct base *base);

#endif
