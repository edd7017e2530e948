/* SPDX-License-Identifier: MIT */
/* A small simulator for the driver of a program that uses libraft. Copy simulator.h, simulator.c,
 * simulator_impl.h and checks.c into your program: they need raft.h and the C library.
 *
 * It runs several servers in one process. Their clock, disks and network are simulated. Power
 * fails, links are cut, messages are lost, delayed and duplicated. Meanwhile the simulator checks
 * what a replicated program promises. A run depends only on its seed, so the seed of a run that
 * failed shows the failure again. */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include <raft.h>
#include <stdbool.h>
#include <stdio.h>

/* The machine of one server: its clock, its disk and its connections. */
struct host;

/* [driver] */
/* Your driver, as the simulator calls it. `d` is what start() returned. */
struct driver {
    /* The machine is switched on: read the disk, step RAFT_START. If the disk has no
     * entry, no vote and no term above 1, also step RAFT_BOOTSTRAP with the voters 1 to
     * `n`. (Term 1 alone: power failed while the cluster was founded.) This server must
     * get the ID `id`. NULL: the server cannot start. */
    void *(*start)(struct host *host, raft_id id, unsigned n);
    /* Power has failed: free the memory. What you write from now on is lost. */
    void (*stop)(void *d);
    /* A message that another server has passed to sim_send(). */
    void (*receive)(void *d, const void *bytes, size_t len);
    /* The sync that sim_sync_begin() began has finished. May be NULL if that is not
     * called. */
    void (*synced)(void *d);
    /* raft_timeout() has passed. */
    void (*timeout)(void *d);
    /* A client asks to add 1 to a counter, the state machine, and to be told the result.
     * Call sim_answer() when it is known. False: refused, because this server does not
     * lead, for example. */
    bool (*add)(void *d, unsigned long long request);
    /* A client asks for the value of the counter, linearizably. */
    bool (*read)(void *d, unsigned long long request);
    /* The raft, for the checks. */
    struct raft *(*raft)(void *d);
};
/* [driver end] */

/* [host] */
/* --- what the driver calls in place of the system --- */

raft_time sim_clock(const struct host *host);

/* A disk is a sequence of bytes that grows when it is written. If power fails, it keeps what
 * was synced, any number of the first writes after that, and a part of the next one. */
void sim_write(struct host *host, size_t offset, const void *bytes, size_t len);
/* The bytes as the process sees them, synced or not. Valid until the next write. */
const void *sim_disk(const struct host *host, size_t *len);
/* Sync what was written, and wait for it. */
void sim_sync(struct host *host);
/* Begin to sync what was written; synced() tells the end. At most one at a time. */
void sim_sync_begin(struct host *host);
/* Send a message. Send those of an update before the next step, or when all is synced: the
 * simulator now takes the raft's term and vote for promised to other servers. */
void sim_send(struct host *host, raft_id to, const void *bytes, size_t len);

/* --- what the driver tells the simulator --- */

/* The entry was applied. `request`: that of the client if it is a RAFT_COMMAND, else 0. */
void sim_applied(struct host *host, raft_index index, unsigned long long request);
/* The counter was restored from a snapshot of what was applied up to `index`. */
void sim_restored(struct host *host, raft_index index, unsigned long long value);
/* A client gets the counter's value as its answer. */
void sim_answer(struct host *host, unsigned long long request, unsigned long long value);
/* Something happened that must not happen, such as an error of raft_step(). */
void sim_fail(struct host *host, const char *what);
/* [host end] */

struct sim_options {
    unsigned long long seed;
    unsigned servers;   /* 1 to SIM_SERVERS; 0: 3 */
    bool outcomes_only; /* do not check what a disk has kept when a server restarts */
    FILE *log;          /* gets a line for each thing that happens; NULL: none */
};

enum { SIM_SERVERS = 5, SIM_TEXT = 200 };

struct sim_result {
    char failure[SIM_TEXT]; /* empty: none */
    raft_time time;         /* when the run ended: at the failure, or after SIM_TIME */
    unsigned answers, crashes, cuts, leaders, restored;
};

/* Run the driver. Returns true if all promises were kept. */
bool sim_run(const struct driver *driver, const struct sim_options *options,
             struct sim_result *result);

#endif
