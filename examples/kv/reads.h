/* SPDX-License-Identifier: MIT */
/* Linearizable reads. The reads gathered while a confirmation round is under way
 * share the next one; each is served once what it may not miss is applied. */
#ifndef KV_READS_H
#define KV_READS_H

#include <raft.h>

#include "bytes.h"

struct client;
struct server;
struct request;

/* Serves one read; `arguments` holds `n` strings, each a u32 length and the bytes. */
typedef void (*read_serve)(struct server *s, struct client *client, uint64_t seq,
                           struct cursor *arguments, size_t n);

struct read_item {
    struct client *client;
    uint64_t seq;
    read_serve serve;
    size_t n;
    size_t at; /* of the arguments */
};

struct read_batch {
    unsigned long long id; /* 0: still gathering */
    bool confirmed;
    raft_index index;
    struct read_item *items;
    size_t n;
    size_t cap;
    struct buf arguments;
};

enum { READ_BATCHES = 4 };

struct reads {
    struct read_batch batches[READ_BATCHES]; /* a ring: under way, then one gathering */
    unsigned first;                          /* the oldest */
    unsigned under_way;
    unsigned long long last_id;
};

/* Gather a read of the request's arguments, the first one left out. */
void reads_add(struct server *s, struct client *client, uint64_t seq, read_serve serve,
               const struct request *request);

/* Begin a round for what was gathered. */
void reads_begin(struct server *s);

/* The raft's answers; then serve what can be served. */
void reads_answered(struct server *s, const struct raft_read *answers, unsigned n);
void reads_serve(struct server *s);

#endif
