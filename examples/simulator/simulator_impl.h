/* SPDX-License-Identifier: MIT */
/* What simulator.c and checks.c share. */
#ifndef SIMULATOR_IMPL_H
#define SIMULATOR_IMPL_H

#include "simulator.h"

enum {
    SIM_TIME = 30000, /* of a run, in milliseconds */
    SIM_CALM = 8000,  /* at its end, without crashes, cuts and losses */
    SIM_CLIENTS = 4,
    SIM_PATIENCE = 2000, /* a client waits so long for an answer */
    SIM_INDEXES = 1 << 14,
    SIM_TERMS = 1 << 12
};

/* A write that is not durable. */
struct write {
    size_t offset, len;
    unsigned char *bytes;
};

struct host {
    struct sim *sim;
    raft_id id;
    unsigned life;      /* how often it was started */
    void *d;            /* NULL: it does not run */
    bool dark;          /* power has failed */
    raft_time restarts; /* if it does not run */
    /* disk */
    unsigned char *cached, *durable;
    size_t cached_size, durable_size;
    struct write *writes;
    size_t n_writes, n_syncing;
    raft_time sync_ends; /* 0: no sync runs */
    /* checks */
    raft_index applied, committed;
    raft_term promised_term;
    raft_id promised_vote;
    raft_index stored; /* what the library was told to be durable, when power failed */
    raft_term stored_term;
};

struct packet {
    raft_id from, to;
    raft_time arrives;
    size_t len;
    unsigned char *bytes;
};

struct client {
    unsigned long long request; /* 0: none */
    bool add;
    unsigned long long at_least; /* highest value that anybody had been told when it began */
    raft_time gives_up;
};

struct sim {
    const struct driver *driver;
    struct sim_options options;
    struct sim_result *result;
    unsigned long long random;
    raft_time now;
    unsigned n, loss, duplicates, delay, sync_time;
    struct host hosts[SIM_SERVERS];
    bool cut[SIM_SERVERS][SIM_SERVERS]; /* [from][to] */
    struct packet *packets;
    size_t n_packets;
    struct client clients[SIM_CLIENTS];
    unsigned long long n_requests, n_adds; /* begun so far */
    unsigned long long told;               /* highest value that anybody was told */
    bool given[SIM_INDEXES];               /* values that answered an addition */
    unsigned answers_before;               /* the calm time */
    struct {
        raft_id id; /* 0: nobody led this term */
        unsigned life;
    } leaders[SIM_TERMS];
    raft_term committed[SIM_INDEXES]; /* term of each committed entry; 0: not committed */
    raft_index last_committed;
    unsigned long long applied[SIM_INDEXES]; /* request of each applied entry, plus 1 */
    unsigned long long value[SIM_INDEXES];   /* of the counter, when that entry is applied */
};

void sim_note(struct sim *sim, const char *format, ...);
void client_begins(struct sim *sim, struct client *client, bool add);
/* The server sends something: it promises its term and vote. */
void check_promise(struct host *host);
/* Power has failed. */
void check_crash(struct host *host);
/* It starts; what was in memory is gone. */
void check_forget(struct host *host);
/* It has read its disk. */
void check_start(struct host *host);
/* The driver was called. */
void check_host(struct host *host);
/* From time to time: compare the logs. */
void check_logs(struct sim *sim);
/* The run is over. */
void check_end(struct sim *sim);

#endif
