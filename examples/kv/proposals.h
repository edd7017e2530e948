/* SPDX-License-Identifier: MIT */
/* Clients' writes on their way: gathered during a loop turn, submitted together,
 * answered when committed and applied. A write whose fate cannot be known here is
 * answered as such: UNKNOWN never means that it failed. */
#ifndef KV_PROPOSALS_H
#define KV_PROPOSALS_H

#include "data.h"

struct client;
struct server;
struct request;

struct waiter {
    raft_index index;
    raft_term term;
    struct client *client;
    uint64_t seq;
    size_t bytes;
};

struct proposals {
    struct raft_entry *entries; /* gathered in this turn, with their waiters */
    struct waiter *gathered;
    unsigned n;
    unsigned cap;
    struct block *arena; /* where payloads are built */
    struct waiter *ring; /* submitted, by index; head .. tail - 1 */
    size_t size;         /* a power of two */
    size_t head;
    size_t tail;
    size_t bytes;       /* payload of all waiters */
    raft_time orphaned; /* since when this server does not lead, 0: it does */
};

void proposals_init(struct proposals *p);

/* Gather a command built from a request's arguments, the first one left out. */
void proposals_add(struct server *s, struct client *client, uint64_t seq, enum op op,
                   const struct request *request);

/* Submit what was gathered in one event. */
void proposals_submit(struct server *s);

/* Answer OK once the entry at the end of the log, just appended, is applied. */
void proposals_watch(struct server *s, struct client *client, uint64_t seq);

/* An entry was applied: answer who waits for it. */
void proposals_applied(struct server *s, raft_index index, raft_term term,
                       const struct result *result);

/* Entries from `index` on are replaced: the fate of their writes is unknown. */
void proposals_replaced(struct server *s, raft_index index);

/* Do not let clients wait forever on a server that does not lead any more. */
void proposals_expire(struct server *s);

#endif
