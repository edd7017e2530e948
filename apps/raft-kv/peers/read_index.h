/* SPDX-License-Identifier: MIT */
/* Linearizable reads on followers. A follower asks the leader, on its connection to it, up to which
 * entry it must have applied before it serves a batch of reads (reads.h). The leader confirms that
 * it still leads, by a RAFT_READ, and answers on the same connection.
 *
 * A question is sent after the reads of its batch have arrived, so any answer to it is recent
 * enough, whoever leads by then. If none comes, or another server leads, the follower asks again.
 */
#ifndef KV_READ_INDEX_H
#define KV_READ_INDEX_H

#include <raft.h>

#include "bytes.h"

struct server;
struct read_batch;

enum { MAX_QUESTIONS = 1024 };

/* A question that this server, the leader, has not answered yet. */
struct index_question {
    unsigned long long read; /* the ID of the RAFT_READ */
    uint64_t connection;     /* on which it came, see inbound_send() */
    uint64_t number;         /* the follower's number for it */
};

struct read_index {
    struct index_question questions[MAX_QUESTIONS];
    unsigned n;
};

/* The follower: ask for the index of this batch. */
void read_index_ask(struct server *s, struct read_batch *b);
/* The leader's answer has arrived; false: it is malformed. */
bool read_index_answer(struct server *s, const char *content, size_t len);
/* Ask again where it is due, and end the batches for which no leader answers. */
void read_index_retry(struct server *s);

/* The leader: a follower's question has arrived; false: it is malformed. */
bool read_index_question(struct server *s, uint64_t connection, const char *content, size_t len);
/* A RAFT_READ that belongs to no batch of this server has ended. */
void read_index_confirmed(struct server *s, const struct raft_read *read);

#endif
