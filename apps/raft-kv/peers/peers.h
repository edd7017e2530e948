/* SPDX-License-Identifier: MIT */
/* Connections between servers. Each server connects to every other server and sends its messages on
 * that connection. It receives messages on the connections that the others make (inbound.c).
 *
 * After a network failure TCP waits longer and longer before it sends again: up to two minutes. So
 * a connection on which no answer arrives for two election timeouts is closed and made anew. To
 * have an answer to wait for, each server sends a ping on its connections. */
#ifndef KV_PEERS_H
#define KV_PEERS_H

#include <uv.h>

#include "handshake.h"
#include "message.h"
#include "refusals.h"
#include "session.h"

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
    uint64_t connections; /* accepted since the start: numbers them */
    struct message_memory memory;
    struct secret *secret; /* NULL: the network is trusted */
    struct peer_tickets tickets;
    struct refusals refusals;
};

void peers_start(struct peers *p, struct server *server);

/* Queue a message. It is dropped if its receiver cannot be reached. */
void peers_send(struct peers *p, struct raft_message *message);

/* Send the queued messages. */
void peers_flush(struct peers *p);

/* Submit RAFT_UNREACHABLE for each server that could not be reached since the last call. */
void peers_report(struct peers *p);

/* Make the next peers_report() report this server. */
void peers_unreachable(struct peers *p, raft_id id);

/* Let the kernel end a connection once data have been unacknowledged for peers_patience(). */
void peers_limit_silence(struct peers *p, uv_tcp_t *tcp);

/* Two election timeouts, in ms: a connection on which nothing arrives for so long is replaced. */
unsigned peers_patience(const struct peers *p);

/* Queue a frame. False: there is no connection to that server, or too much output. */
bool peers_put(struct peers *p, raft_id id, const struct buf *frame);

/* inbound.c: listen for the other servers. */
void inbound_listen(struct peers *p);
/* Send a frame on the connection of this number that another server made, if it still exists. The
 * frame is sealed. If the socket does not take it the connection is closed: the other server has
 * not read the earlier ones. */
void inbound_send(struct peers *p, uint64_t number, struct buf *frame);

#endif
