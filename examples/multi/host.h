/* SPDX-License-Identifier: MIT */
/* A host: many groups, and what they share. */
#ifndef MULTI_HOST_H
#define MULTI_HOST_H

#include "detector.h"
#include "group.h"
#include "orders.h"
#include "peers.h"
#include "timers.h"

struct options {
    raft_id id;                       /* of this host; it is the ID of its servers in all groups */
    const char *addresses[MAX_HOSTS]; /* of all hosts; the IDs are 1, 2, ... */
    unsigned n_hosts;
    const char *dir;
    uint32_t groups;
    unsigned election; /* the settings of all groups, in ms */
    unsigned heartbeat;
    unsigned idle;
    uint64_t journal; /* bytes by which the journal grows before it is rewritten */
};

/* Groups, by number. */
struct list {
    uint32_t *groups;
    uint32_t n;
    uint32_t cap;
};

struct host {
    const struct options *options;
    struct raft_server servers[MAX_HOSTS]; /* the members of every group */
    struct raft_configuration members;
    struct group *groups;
    struct timers timers;
    struct disk disk;
    struct peers peers;
    struct decoder decoder;
    struct detector detector;
    struct orders orders;
    unsigned seed;                 /* of this run */
    struct list marked;            /* groups that wait for the sync of this turn */
    uint32_t leads[MAX_HOSTS + 1]; /* number of groups by their leader; [0]: unknown */
    unsigned wake_led_by;          /* groups led by these hosts are being woken; a bit for each */
    uint32_t wake_next;            /* the next group to look at */
    raft_time beat;                /* when to beat and to judge the other hosts */
    uint64_t steps;
    uint64_t messages; /* sent */
    uint64_t turns;
};

/* The clock: it also counts while the machine is suspended. */
raft_time host_now(void);

static inline uint32_t group_number(const struct host *h, const struct group *g) {
    return (uint32_t)(g - h->groups);
}

/* Call group_stored() after the next sync. */
void host_mark(struct host *h, struct group *g);

void host_start(struct host *h, const struct options *o);
void host_stop(struct host *h);

/* One turn of the loop. Returns false if the orders have ended. */
bool host_turn(struct host *h);

#endif
