/* SPDX-License-Identifier: MIT */
/* The handshake between servers, and the decision who may talk to whom.
 *
 * The connecting server sends FRAME_HELLO. The other one answers with FRAME_WELCOME or, with the
 * reason, FRAME_REFUSED. Both check that they belong to the same cluster, that each is the server
 * and has the directory that the other one means, and that no directory is an older copy. The
 * connecting server answers an unacceptable welcome with FRAME_REFUSED as well.
 *
 * A server that belongs to no cluster yet joins that of a server whose hello names its ID and the
 * incarnation of its directory: only a configuration tells these. */
#ifndef KV_HANDSHAKE_H
#define KV_HANDSHAKE_H

#include "bytes.h"
#include "peer_tickets.h"

struct server;

enum purpose {
    PURPOSE_RAFT = 1, /* to send Raft messages */
    PURPOSE_IDENTIFY, /* to ask who the server is; the connection ends with the answer */
    PURPOSE_FOUND     /* the same, in order to found a cluster */
};

/* In a decoded one the strings point into the decoded bytes. */
struct hello {
    raft_id from;
    raft_id to;
    uint64_t to_incarnation; /* 0: not known */
    uint64_t cluster_id;     /* of `from`, 0: none */
    uint64_t list;           /* digest of the --bootstrap list of `from`, 0: none */
    enum purpose purpose;
    struct peer_ticket told; /* of `from` */
    const char *cluster;
    const char *address; /* of `from`, with its incarnation */
};

struct welcome {
    uint64_t cluster_id;
    struct peer_ticket told; /* of the server that answers, with its ID and incarnation */
};

enum { MAX_REASON = 320 /* bytes of the reason of a refusal */ };

/* Append the frames. `address` is that of server `to`; it has an incarnation if it is known. */
void handshake_put_hello(struct server *s, struct buf *b, enum purpose purpose, raft_id to,
                         const char *address);
void handshake_put_welcome(struct server *s, struct buf *b);
void handshake_put_refused(struct buf *b, const char *reason);

/* Decode the content of a frame; false: malformed. */
bool hello_decode(const char *data, size_t len, struct hello *hello);
bool welcome_decode(const char *data, size_t len, struct welcome *welcome);
/* The reason, or NULL. Valid until the next call. */
const char *refused_decode(const char *data, size_t len);

/* Decide on a hello. NULL: accepted; this server may have joined a cluster. Else the reason, which
 * makes sense in the logs of both servers, valid until the next call. */
const char *handshake_on_hello(struct server *s, const struct hello *hello);
/* The same for the answer of server `id` at `address` to a hello of PURPOSE_RAFT. */
const char *handshake_on_welcome(struct server *s, raft_id id, const char *address,
                                 const struct welcome *welcome);

/* Append FRAME_PING or FRAME_PONG, which tell what this server has synced. A leader's ping also
 * tells what it knows of the other members: these need not have connections to each other. */
void ping_put(struct server *s, struct buf *b);
void pong_put(struct server *s, struct buf *b);
/* Remember what a ping or pong of an accepted server tells; false: malformed. */
bool ping_take(struct server *s, raft_id id, const char *address, const char *data, size_t len);

/* Digest of the list of --bootstrap, whatever its order; 0: there is none. */
uint64_t handshake_list_digest(const struct raft_configuration *list);

#endif
