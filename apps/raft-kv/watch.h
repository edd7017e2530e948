/* SPDX-License-Identifier: MIT */
/* What the server tells its operator about itself: lines of the log about membership, leadership,
 * snapshots and slowness, and the numbers that INFO shows. */
#ifndef KV_WATCH_H
#define KV_WATCH_H

#include <raft.h>

#include "histogram.h"
#include "limits.h"

struct server;
struct client;
struct command;
struct request;

struct watch {
    struct histogram sync;  /* of the log */
    struct histogram apply; /* from the moment an entry is known to be committed until applied */
    raft_index apply_index; /* the entry that is timed, 0: none */
    uint64_t apply_begun;   /* in ns */
    uint64_t writes;        /* commands */
    uint64_t reads;
    uint64_t errors; /* error replies */
    raft_id transferee;
    raft_time transfer_begun;
    unsigned n_receivers; /* of snapshots */
    struct receiver {
        raft_id id;
        raft_index index; /* of the snapshot, 0: not known yet */
        raft_time begun;
    } receivers[MAX_SERVERS];
};

/* At the end of each iteration of the event loop. */
void watch_turn(struct server *s);
/* Several times a second. */
void watch_housekeeping(struct server *s);

/* A sync of the log has taken this time, in ns. */
void watch_synced(struct server *s, uint64_t ns);
/* A chunk of a snapshot is sent to this server: log when that begins and ends. */
void watch_snapshot(struct server *s, raft_id id);
/* A configuration was appended to the log, or is committed. */
void watch_configuration(struct server *s, raft_index index, bool committed);
/* A command is executed: count it, and log an operator's command that changes something. */
void watch_command(struct server *s, const struct client *c, const struct command *command,
                   const struct request *q);
/* Call when entries may have been committed. */
void watch_committed(struct server *s);

#endif
