/* SPDX-License-Identifier: MIT */
/* A libraft server that can join a cluster of C-Raft 0.15. The log on disk is that of raft-minimal.
 * Its state machine is a list of numbers, each 8 bytes long, as its snapshot is. */
#ifndef CRAFT_SERVER_H
#define CRAFT_SERVER_H

#include "../minimal/log.h"
#include "craft.h"

enum { LIST_AFTER = 128, LIST_TRAILING = 32, LIST_CHUNK = 4096, POLLED_MAX = 256 };
enum { LINE_LIMIT = 4096, BUFFER_LIMIT = 16 << 20, LINK_TIMEOUT_MS = 2000 };

enum peer_kind { FROM_PEER, TO_PEER, CLIENT };

struct peer { /* a connection */
    int fd;
    enum peer_kind kind;
    raft_id id;                      /* of the other server; 0: it has sent no hello yet */
    char address[CRAFT_ADDRESS_MAX]; /* of the other server */
    bool broken, connecting;
    struct bytes in, out;
    /* What a client waits for; it has one command at a time. */
    enum { NO_COMMAND, ADDED, LISTED, CHANGED } waits;
    raft_index index; /* 0: a read that is not answered yet */
    raft_term term;
    unsigned long long read;
    struct peer *next;
};

struct host {
    struct raft raft;
    const char *address;
    bool extended;
    struct log log;
    unsigned long long write;    /* ticket of entries that are not acknowledged; 0: none */
    struct bytes incoming;       /* chunks of a snapshot */
    unsigned chunks;             /* how many it has received since it started */
    struct raft_event installed; /* to be stepped when `received` is on disk; its type is 0: none */
    struct wire_message received;
    raft_index applied;
    struct bytes list;
    unsigned long long reads;
    int peers_fd, clients_fd;
    struct peer *peers;
};

/* loop.c */
raft_time now(void);
int host_step(struct host *h, struct raft_event *event);
void host_turn(struct host *h); /* writes, sends, acknowledges what was stepped */
void host_start(struct host *h, raft_id id, const char *dir, unsigned features);

/* net.c */
int net_listen(const char *address);
void net_send(struct host *h, const struct raft_message *m);
void net_flush(struct host *h);
bool net_poll(struct host *h, int msecs); /* false: nothing has happened */

/* main.c */
void client_read(struct host *h, const struct raft_read *read);
void clients_serve(struct host *h);

#endif
