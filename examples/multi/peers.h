/* SPDX-License-Identifier: MIT */
/* Connections between the hosts. Each host connects to every other one to send packets, and accepts
 * connections to receive them. There is neither encryption nor authentication. */
#ifndef MULTI_PEERS_H
#define MULTI_PEERS_H

#include <poll.h>

#include "wire.h"

enum { MAX_HOSTS = 9, MAX_INBOUND = 4 * MAX_HOSTS };

/* One host, as a receiver of packets. */
struct peer {
    int fd; /* -1: no connection */
    bool connected;
    bool broken;      /* the connection has failed: messages may be lost */
    raft_time retry;  /* when to connect again */
    raft_time sent;   /* when a packet was last closed */
    struct bytes out; /* packets that are not sent yet */
    size_t packet;    /* where the open packet begins in `out` */
    bool open;        /* there is one */
};

struct inbound {
    int fd;
    struct bytes in;
    bool more; /* the last turn did not read everything */
};

struct peers {
    raft_id id; /* this host */
    unsigned n; /* number of hosts; their IDs are 1 to n */
    const char *const *addresses;
    int listener;
    struct peer hosts[MAX_HOSTS + 1]; /* by ID */
    struct inbound inbound[MAX_INBOUND];
    unsigned n_inbound;
    uint64_t packets; /* closed and sent */
    uint64_t bytes;
};

void peers_start(struct peers *p, raft_id id, const char *const *addresses, unsigned n);
void peers_stop(struct peers *p);

/* The buffer of the open packet to a host, to which messages can be appended; a packet is opened if
 * necessary. Returns NULL if there is no connection: the message is lost. */
struct bytes *peers_packet(struct peers *p, raft_id to);

/* Close the open packets, and send as much as the sockets take. */
void peers_flush(struct peers *p, raft_time now);

/* Connect where it is time to. Returns the time of the next attempt. */
raft_time peers_connect(struct peers *p, raft_time now);

/* Fill in what to wait for, and return the number of elements: at most 1 + MAX_HOSTS +
 * MAX_INBOUND. Afterwards hand over what poll() found, with a function that takes packets and
 * returns false if one is malformed. Returns true if more has arrived than one turn reads. */
unsigned peers_poll(struct peers *p, struct pollfd *fds);
typedef bool (*on_packet)(void *context, raft_id from, const char *packet, size_t len);
bool peers_polled(struct peers *p, struct pollfd *fds, on_packet take, void *context);

#endif
