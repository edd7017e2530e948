/* SPDX-License-Identifier: MIT */
/* The server: an event loop on one thread drives one libraft instance. Input, timeouts and finished
 * disk writes become libraft events; every update is carried out here, in the order that raft.h
 * requires. README.md follows a write through the files. */
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include <raft.h>
#include <uv.h>

#include "address.h"
#include "auth.h"
#include "background.h"
#include "data.h"
#include "descriptors.h"
#include "founding.h"
#include "install.h"
#include "limits.h"
#include "log.h"
#include "members.h"
#include "memory.h"
#include "options.h"
#include "pages.h"
#include "peers.h"
#include "proposals.h"
#include "read_index.h"
#include "reads.h"
#include "scan.h"
#include "space.h"
#include "watch.h"

struct client;

/* A sync of the log. Entries written while it runs are covered by the next one. */
struct sync {
    struct job job;
    bool running;
    bool wanted;              /* a sync must begin */
    bool wanted_base;         /* it must include the database: a base was stored */
    bool base;                /* the running sync includes the database; */
    uint64_t reclaim;         /* after it, remove journal segments before this one */
    raft_index index;         /* the running sync covers entries up to this, */
    unsigned long long write; /* libraft's ticket for them, */
    uint64_t ticket;          /* and journal records up to this ticket */
    raft_time last_slow;      /* when a sync on the loop's thread was last slow */
    raft_time begun;          /* when the running sync began, */
    bool told;                /* and whether the log says that it is slow */
    uint64_t took;            /* ns that the last sync took */
};

struct server {
    const struct options *options;
    char address[MAX_FULL_ADDRESS + 1]; /* this server's, with its incarnation */
    struct descriptors descriptors;
    uv_loop_t *loop;
    struct raft raft;
    struct store store;
    struct log log;
    struct data data;
    struct peers peers;
    struct founding founding;
    struct proposals proposals;
    struct reads reads;
    struct read_index read_index;
    struct scans scans;
    struct pages pages;
    struct install install;
    struct sync sync;
    struct background background; /* of low priority */
    struct background syncer;     /* for syncs of the log */
    struct job spare;             /* makes the log's spare segment */
    struct job writing;           /* writes the data to the database */
    bool hold_data;               /* a write of the data waits until what is applied is durable */
    unsigned long long write;     /* libraft's ticket of the last entries */
    struct cut {         /* entries of the last update that were too large for a message, */
        raft_id id;      /* by server: */
        raft_index sent; /* the last entry that was sent to it */
    } cuts[MAX_SERVERS];
    unsigned n_cuts;
    uv_prepare_t turn; /* runs on_turn() before the loop waits for input */
    uv_idle_t again;   /* while active, the loop does not wait */
    uv_timer_t timer;  /* raft_timeout() */
    uv_timer_t housekeeping;
    raft_time armed; /* when `timer` expires */
    uv_tcp_t listener;
    struct client *clients;
    struct client *dirty;   /* clients with output */
    struct client *resumed; /* clients that may continue */
    unsigned n_clients;
    uint64_t connections; /* of clients, since the start */
    uint64_t rejected;    /* client connections refused since the start */
    struct {              /* the RAFT.TRANSFER in progress; client NULL: none */
        struct client *client;
        uint64_t seq;
    } transfer;
    struct change change; /* the change of the members in progress */
    struct space space;
    struct watch watch;
    struct client_memory memory;
    struct auth auth;
    struct buf scratch;   /* replies are built here */
    uint64_t reply_bytes; /* of all replies since the start */
    raft_time stopping;   /* when server_stop() was called, 0: it was not */
    uint64_t started;
    uint64_t commands; /* executed since the start */
};

/* start.c: open the store, start libraft, listen. Errors end the process with a message. */
void server_start(struct server *s, const struct options *options, uv_loop_t *loop);

/* Accept no more clients and commands, hand leadership over, and stop the loop when that is done
 * and the accepted commands are answered, or after a second. */
void server_stop(struct server *s);

/* Call raft_step() with the event and carry out the update. Returns the error of raft_step(). Must
 * not be called while an update is being carried out. */
int server_step(struct server *s, struct raft_event *event);

/* For start.c: carry out an update, and the libuv callback that runs once per iteration. */
void server_carry_out(struct server *s, struct raft_update *u);
void server_on_turn(uv_prepare_t *prepare);

#define KV_VERSION "1.0.0"
/* Run the next iteration of the event loop without waiting for input. */
void server_again(struct server *s);
/* For founding.c: the data were restored from a backup. Begin with a snapshot at entry 1, so that
 * the other servers receive the data. Nothing has been stored or sent before. */
void server_found_from_backup(struct server *s, const struct raft_configuration *conf);

/* Milliseconds of the monotonic clock. */
raft_time server_now(void);

bool server_leads(const struct server *s);
/* "follower", "candidate" or "leader". */
const char *server_state_name(const struct server *s);
/* The latest configuration in the log, committed or not; empty if there is none. It is valid until
 * the next step. */
void server_configuration(const struct server *s, struct raft_configuration *conf);
/* Listen at "host:port"; an error ends the process. If `beyond` is not NULL, the address must be
 * one of the loopback interface, which other machines cannot reach; it says
 * what to do if it is not. */
void server_listen(uv_loop_t *loop, uv_tcp_t *listener, const char *at,
                   uv_connection_cb on_connection, const char *beyond);

/* The leader's address for clients, or NULL if no leader is known. Valid until the next call. */
const char *server_leader_address(const struct server *s);

#endif
