/* SPDX-License-Identifier: MIT */
/* Linearizable reads. Reads are collected into a batch, and one RAFT_READ confirms the whole batch.
 * A batch is served after the entries up to the confirmed index are applied. On a follower, the
 * leader is asked to confirm it (read_index.h).
 *
 * A read whose client has to receive earlier replies first is parked: it is served later, after the
 * earlier reads of this client. It then sees newer data than the rest of its batch. That is
 * linearizable too: the read takes effect at the time when it is served, which is between its
 * command and its reply, and the data then include all entries up to the confirmed index. */
#ifndef KV_READS_H
#define KV_READS_H

#include <raft.h>

#include "bytes.h"

struct client;
struct server;
struct request;

/* Serve one read. `arguments` holds `n` strings, each a u32 length and the bytes. */
typedef void (*read_serve)(struct server *s, struct client *client, uint64_t seq,
                           struct cursor *arguments, size_t n);

struct read_item {
    struct client *client; /* NULL: it was answered with an error */
    uint64_t seq;
    read_serve serve;
    size_t n;
    size_t at;  /* its arguments: offset in those of the batch, */
    size_t len; /* and bytes */
    raft_time since;
};

struct read_batch {
    unsigned long long id; /* of the RAFT_READ; 0: not begun */
    bool confirmed;
    raft_index index;
    raft_time begun; /* if the leader, another server, is asked for the index: since when, */
    raft_time asked; /* when it was last asked, 0: it must be asked again, */
    raft_id leader;  /* and which server that is. See read_index.h */
    struct read_item *items;
    size_t n;
    size_t cap;
    size_t served; /* how many of them are served or parked */
    struct buf arguments;
};

enum { READ_BATCHES = 4 };

struct reads {
    struct read_batch
        batches[READ_BATCHES]; /* a ring: those in progress, then the one that collects */
    unsigned first;            /* the oldest */
    unsigned in_flight;
    unsigned long long last_id;
    size_t keys;    /* what may still be read in this iteration of the event loop, */
    uint64_t bytes; /* and up to which value of server.reply_bytes */
    size_t need;    /* bytes of the reply to the present read if it does not fit, else 0 */
};

/* Add a read. Its arguments are those of the request without the first, the name. */
void reads_add(struct server *s, struct client *client, uint64_t seq, read_serve serve,
               const struct request *request);

/* Submit RAFT_READ for the collected reads. */
void reads_begin(struct server *s);

/* For read_index.c: the i-th batch in progress; submit its RAFT_READ; let it fail. */
struct read_batch *reads_batch(struct reads *r, unsigned i);
void reads_confirm(struct server *s, struct read_batch *b);
void reads_fail(struct read_batch *b, const char *why);

/* Process the results of RAFT_UPDATE_READS. */
void reads_answered(struct server *s, const struct raft_read *answers, unsigned n);
/* Serve the confirmed reads whose entries are applied. Not more in one iteration of the event loop
 * than reads_turn() allows; the next iteration continues. */
void reads_turn(struct server *s);
bool reads_turn_over(struct server *s);
void reads_serve(struct server *s);

/* For functions of type read_serve: true if a reply with so many bytes may be built now. If not,
 * the function returns without a reply, and is called again later. */
bool reads_fit(struct server *s, struct client *c, size_t reply_len);

/* Serve the parked reads of a client as far as its output allows. */
void reads_continue(struct server *s, struct client *c);
/* Forget the parked reads of a closed client. */
void reads_drop(struct client *c);
/* Answer reads that have waited too long with TRYAGAIN. */
void reads_expire(struct server *s);

#endif
