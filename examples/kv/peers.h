/* SPDX-License-Identifier: MIT */
/* Connections between servers. Each server connects to each other one and sends
 * its messages there; what comes in arrives on the connections of the others. */
#ifndef KV_PEERS_H
#define KV_PEERS_H

#include <uv.h>

#include "codec.h"

struct server;
struct peer;
struct inbound;

struct peers {
    struct server *server;
    struct peer *list;
    unsigned n;
    uv_tcp_t listener;
    struct inbound *inbound;
    unsigned n_inbound;
    struct decoder decoder;
};

void peers_start(struct peers *p, struct server *server);

/* Queue a message. Messages to whom cannot be reached are dropped. */
void peers_send(struct peers *p, const struct raft_message *message);

/* Send what is queued. */
void peers_flush(struct peers *p);

/* Tell the raft who could not be reached since the last call. */
void peers_report(struct peers *p);

/* Ask that the raft be told that this server could not be reached. */
void peers_unreachable(struct peers *p, raft_id id);

/* inbound.c: listen for the other servers. */
void inbound_listen(struct peers *p);

#endif
