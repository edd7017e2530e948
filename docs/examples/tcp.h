/* SPDX-License-Identifier: MIT */
/* Messages between servers over TCP, for POSIX systems. See tcp.c. */
#ifndef TCP_H
#define TCP_H

#include "wire.h"

#include <poll.h>
#include <stdbool.h>

/* The highest ID, connections of a server, bytes of an address and of a token. */
enum { ID_MAX = 8, CONNECTIONS = 16, ADDRESS_MAX = 32, TOKEN = 16 };
enum { MESSAGE_LIMIT = 1 << 20, BUFFER_LIMIT = 1 << 22 }; /* bytes */

struct bytes {
    char *base;
    size_t len;
};

/* A connection: one that this server has opened, on which it sends, or one that it has accepted, on
 * which it receives. */
struct connection {
    int fd; /* -1: none */
    bool outgoing;
    raft_id peer; /* 0: not known yet */
    struct bytes in, out;
    struct bytes held; /* for mangle() */
};

struct transport {
    raft_id id;
    char address[ADDRESS_MAX]; /* where this server accepts connections, as "127.0.0.1:9000" */
    char token[TOKEN];         /* all servers of the cluster have it, and nobody else */
    int listener;
    struct connection connections[CONNECTIONS];
    bool lost[ID_MAX + 1]; /* messages to this server were lost */
    /* Receives each message; it is valid during the call. */
    void (*receive)(struct transport *t, struct raft_message *m);
    void *owner;        /* for receive() */
    bool mangles;       /* for tests: lose, repeat and reorder messages */
    unsigned n_refused; /* connections on which somebody spoke who may not */
};

/* Listen at this address; the system chooses port 0. Then set `receive` and `owner`. */
bool transport_open(struct transport *t, raft_id id, const char *address, const char *token);
void transport_close(struct transport *t);
/* Send a message to which its entries are attached. Nothing waits: it is written by
 * transport_turn(). */
void transport_send(struct transport *t, const struct raft_message *m);
/* A server to which messages were lost, once for each failure; 0: there is none. */
raft_id transport_lost(struct transport *t);
/* Fill in what poll() is to wait for. Returns how many: at most CONNECTIONS + 1. */
unsigned transport_wait(const struct transport *t, struct pollfd *fds);
/* After poll(): accept connections, read, and pass on what was received. */
void transport_read(struct transport *t);
/* Write what was sent. Call it before poll(), when term and vote are durable. */
void transport_flush(struct transport *t);

#endif
