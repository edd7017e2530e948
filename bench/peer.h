/* SPDX-License-Identifier: MIT */
/* Servers in one process for Debian's libraft-dev (C-Raft 0.15), driven through its raft_io:
 * messages in order, disks that acknowledge at once. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <raft.h>

enum { PEER_PAYLOAD = 64, PEER_SERVERS = 51 };

struct peer {
    struct raft raft;
    struct raft_io io;
    struct raft_fsm fsm;
    raft_id id;
    char address[32];
    raft_io_tick_cb tick;
    raft_io_recv_cb recv;
};

struct peers {
    struct peer all[PEER_SERVERS];
    unsigned n;
    raft_time now;
    unsigned long applied; /* commands, by server 1 */
};

extern struct peers peers;

/* Fill in the functions of a server's raft_io. */
void peer_io_fill(struct peer *peer);

/* Deliver messages and finish writes until none is under way. */
void peer_io_deliver(void);

void peer_die(const char *what);

#endif
