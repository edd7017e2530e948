/* SPDX-License-Identifier: MIT */
/* One group: a raft, its log, and its state machine. group_step() carries out each update. It only
 * collects what goes to the disk and to the other hosts: host.c writes that and then sends it, once
 * for all groups. */
#ifndef MULTI_GROUP_H
#define MULTI_GROUP_H

#include "disk.h"

struct host;

/* A client's write that is not committed yet. */
struct waiting {
    struct waiting *next;
    raft_index index;
    raft_term term;
};

/* A snapshot that is not durable yet. */
struct pending {
    struct snapshot snapshot;
    bool received; /* the leader sent it; else this host has taken it */
    bool recorded; /* it is in the journal, or in its batch */
    bool durable;  /* it is synced */
};

struct group {
    struct raft raft;
    struct log log;
    struct snapshot snapshot; /* the latest one that is durable */
    struct state state;       /* after entry `applied` */
    raft_index applied;
    unsigned long long write; /* ticket of the last write */
    struct waiting *waiting;  /* in the order of their indexes */
    struct pending *pending;
    unsigned char leader; /* what raft_leader() said last */
    bool unstored;        /* `write` is to be acknowledged */
    bool marked;          /* is in the host's list of groups that wait for the sync */
};

static inline bool group_sleeps(const struct group *g) {
    return raft_timeout(&g->raft) == (raft_time)INT64_MAX;
}

/* Start a group from its image, whose log the group takes over. */
void group_start(struct host *h, struct group *g, struct image *image);
void group_stop(struct group *g);

/* The host that should lead the group: the groups are spread evenly. */
raft_id group_preferred(const struct host *h, const struct group *g);

/* Set how much longer than others this host waits before it campaigns. */
void group_delay(struct host *h, struct group *g, unsigned delay);

/* Step an event. Returns what raft_step() returned. */
int group_step(struct host *h, struct group *g, struct raft_event *event);

/* What the group added to the journal's batch is durable. */
void group_stored(struct host *h, struct group *g);

/* Submit a write. Returns 0, or the error of RAFT_SUBMIT. */
int group_write(struct host *h, struct group *g, uint64_t value);

/* Put everything that the group must keep into the journal's batch. */
void group_record(struct host *h, struct group *g);

#endif
