/* SPDX-License-Identifier: MIT */
/* A connection to another server, from the lookup of its host name to its end. peers.c says what is
 * sent on it. */
#ifndef KV_LINK_H
#define KV_LINK_H

#include "peers.h"

enum { RETRY_MIN = 50 /* ms before the first reconnect */ };

struct identify;

/* One connection to a peer, from the lookup of its host name to its end. */
struct link {
    struct peer *peer; /* NULL after the connection has ended */
    uv_tcp_t tcp;
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    uv_write_t write;
    bool resolving;
    bool ready; /* the handshake has succeeded */
    bool writing;
    bool closed;
    unsigned silent;         /* checks since a byte was received */
    unsigned long long sent; /* bytes given to libuv, */
    unsigned long long done; /* and those acknowledged by the peer's kernel at the last check */
    unsigned long long ping; /* `sent` after the unanswered ping, 0: there is none */
    struct session session;
    struct buf sending;
    char in[512]; /* the longest answer is a refusal */
    size_t in_len;
};

struct peer {
    struct peer *next;
    struct peers *peers;
    raft_id id;
    char *address;
    enum purpose purpose;
    struct identify *identify; /* purpose is not PURPOSE_RAFT: the question, see identify.h */
    struct link *link;
    uv_timer_t retry;   /* while connecting: the deadline; connected: the next check */
    unsigned delay;     /* ms before the next reconnect, RETRY_MIN after a success */
    raft_time used;     /* when a message was last queued */
    struct buf out;     /* queued messages */
    bool congested;     /* messages are being dropped */
    bool unreachable;   /* peers_report() must report it */
    uint32_t logged[4]; /* checksums of the latest reasons for failures that were logged */
    unsigned n_logged;  /* since the last success */
};

/* Connect to the peer, which must have no link. */
void link_start(struct peer *peer);

/* The connection has failed: drop the queued messages and reconnect later. NULL: the log says why
 * already. */
void link_fail(struct link *l, const char *why);

/* Send this output, or keep a copy of what the socket does not take now; then `out` is empty. Must
 * not be called while `writing`. */
void link_send(struct link *l, struct buf *out);

/* libuv callback of peer->retry. */
void link_on_retry(uv_timer_t *timer);

#endif
