/* SPDX-License-Identifier: MIT */
/* Clients' writes in progress. Writes are collected during one iteration of the event loop,
 * submitted together, and answered after they are committed and applied. If this server cannot
 * learn the outcome of a write, the reply is UNKNOWN: the write may or may not take effect. */
#ifndef KV_PROPOSALS_H
#define KV_PROPOSALS_H

#include "data.h"

struct client;
struct server;
struct request;

struct waiter {
    raft_index index;
    raft_term term;
    struct client *client; /* NULL: it was answered with an error */
    uint64_t seq;
    size_t bytes;
    raft_time since;
};

struct proposals {
    struct raft_entry *entries; /* collected in this iteration, with their waiters */
    struct waiter *gathered;
    unsigned n;
    unsigned cap;
    struct block *arena; /* the block that the next payload is built in */
    struct waiter *ring; /* submitted writes by index: head .. tail - 1 */
    size_t size;         /* a power of two */
    size_t head;
    size_t tail;
    size_t bytes;               /* payload bytes of all waiters */
    raft_time not_leader_since; /* when this server was found not to lead, 0: it leads */
};

void proposals_init(struct proposals *p);

/* Add a command. Its arguments are those of the request without the first, the name. */
void proposals_add(struct server *s, struct client *client, uint64_t seq, enum op op,
                   const struct request *request);

/* Submit the collected writes in one RAFT_SUBMIT. */
void proposals_submit(struct server *s);

/* Reply OK when the entry that was just appended at the end of the log is applied. */
void proposals_watch(struct server *s, struct client *client, uint64_t seq);

/* An entry was applied: answer the client that waits for it. */
void proposals_applied(struct server *s, raft_index index, raft_term term,
                       const struct result *result);

/* Entries from `index` on are replaced: answer their writes with UNKNOWN. */
void proposals_replaced(struct server *s, raft_index index);

/* Answer with UNKNOWN: writes that have waited as long as their client allows, and all waiting
 * writes after this server has not led for 5 s. The memory of a write is counted until its entry is
 * applied or replaced. */
void proposals_expire(struct server *s);

#endif
