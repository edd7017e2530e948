/* SPDX-License-Identifier: MIT */
/* The small records of a server's persistent state, and their encoding. */
#ifndef KV_META_H
#define KV_META_H

#include <raft.h>

#include "bytes.h"

/* A configuration that owns its memory. */
struct members {
    struct raft_configuration conf;
    char *text; /* the addresses */
};

void members_copy(struct members *m, const struct raft_configuration *conf);
void members_free(struct members *m);

/* Append an encoded configuration; decode one with bounds checks (false: malformed). */
void conf_encode(struct buf *b, const struct raft_configuration *conf);
bool conf_decode(struct cursor *c, struct members *m);

/* Term and vote. `ticket` is the sequence number of the record, see store.h. */
struct hard_state {
    raft_term term;
    raft_id voted_for;
    uint64_t ticket;
};

/* The last snapshot, passed to RAFT_START: the data up to `index` are durable. Also where the log
 * begins. */
struct base {
    raft_index index; /* 0: no snapshot */
    raft_term term;
    raft_index conf_index;
    struct members members;
    uint64_t segment; /* the log begins in this segment of the journal */
    uint64_t ticket;  /* ticket of the last record before that segment */
};

void hard_state_encode(struct buf *b, const struct hard_state *hard);
bool hard_state_decode(const char *data, size_t len, struct hard_state *hard);
void base_encode(struct buf *b, const struct base *base);
bool base_decode(const char *data, size_t len, struct base *base);

#endif
