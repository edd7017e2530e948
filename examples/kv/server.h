/* SPDX-License-Identifier: MIT */
/* The server: one thread, one loop, one raft. Everything that happens becomes an
 * event of the raft; every update is carried out here, in the order that raft.h
 * asks for. See README.md for the way of a write through these files. */
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include <raft.h>
#include <uv.h>

#include "background.h"
#include "data.h"
#include "install.h"
#include "log.h"
#include "peers.h"
#include "proposals.h"
#include "reads.h"
#include "scan.h"

struct client;

struct options {
    raft_id id;
    const char *dir;
    const char *cluster;
    const char *listen;      /* for clients, host:port */
    const char *peer_listen; /* for servers, host:port */
    const char *advertise;   /* address as in address.h */
    struct members bootstrap;
    unsigned election_timeout;
    unsigned heartbeat;
    unsigned compact_entries; /* compact once this many were applied since the last time */
    unsigned trailing;        /* entries kept behind */
    unsigned log_segment;     /* KiB of a file of the log */
};

/* A disk sync on a worker thread; what is written meanwhile waits for the next. */
struct sync {
    uv_work_t work;
    bool running;
    bool wanted;
    bool wanted_base;         /* of the database too: the base was stored */
    bool base;                /* it is being synced, */
    uint64_t reclaim;         /* and then segments before this one can go */
    raft_index index;         /* entries up to here, */
    unsigned long long write; /* of this ticket of the raft's, */
    uint64_t ticket;          /* and the log's records up to here are being synced */
    raft_time slow;           /* when the loop's own sync last took long */
};

struct server {
    const struct options *options;
    uv_loop_t *loop;
    struct raft raft;
    struct store store;
    struct log log;
    struct data data;
    struct peers peers;
    struct proposals proposals;
    struct reads reads;
    struct scans scans;
    struct install install;
    struct sync sync;
    struct background background;
    struct job spare;         /* makes a segment for the log */
    struct job writing;       /* writes data to the database */
    unsigned long long write; /* the raft's ticket of the last entries */
    uv_prepare_t turn;        /* runs once a loop turn, before it waits */
    uv_idle_t again;          /* active: do not wait */
    uv_timer_t timer;         /* raft_timeout() */
    uv_timer_t housekeeping;
    raft_time armed;
    uv_tcp_t listener;
    struct client *clients;
    struct client *dirty;   /* clients with output */
    struct client *resumed; /* clients that may go on */
    unsigned n_clients;
    struct { /* commands that wait for an election, not an entry */
        struct client *client;
        uint64_t seq;
    } transfer;
    struct {
        struct client *client;
        uint64_t seq;
        raft_id id;
    } promotion;
    struct buf scratch; /* replies are built here */
    uint64_t started;
    uint64_t commands; /* ever executed */
};

/* Open the disk, start the raft, listen. What fails ends the process. */
void server_start(struct server *s, const struct options *options, uv_loop_t *loop);

/* Step the raft and carry out the update. Returns the step's error. Never called
 * while an update is being carried out. */
int server_step(struct server *s, struct raft_event *event);

/* Milliseconds of the monotonic clock. */
raft_time server_now(void);

bool server_leads(const struct server *s);
/* "follower", "candidate" or "leader". */
const char *server_state_name(const struct server *s);
/* The latest configuration in the log, committed or not; empty if there is none. It is valid until
 * the next step. */
void server_configuration(const struct server *s, struct raft_configuration *conf);
/* Listen at "host:port" or die. */
void server_listen(uv_loop_t *loop, uv_tcp_t *listener, const char *at,
                   uv_connection_cb on_connection);

/* A client address of the leader, or NULL. */
const char *server_leader_address(const struct server *s);

#endif
