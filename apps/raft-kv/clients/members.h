/* SPDX-License-Identifier: MIT */
/* The change of the members that is in progress: RAFT.ADD, RAFT.PROMOTE or RAFT.REPLACE.
 *
 * A server gets a vote only after it has caught up with the log:
 *
 *   settle    wait until libraft allows a change: the previous one is committed
 *   identify  ask it who it is: its address in the configuration names its directory
 *   join      make the server a standby (or a spare), and wait until that is committed
 *   catch up  bring it up to date, in as many rounds as it takes while it makes progress
 *   hand over if this leader is to be removed: let another server lead, which goes on
 *   vote      make it a voter (and remove the one that it replaces) in one change
 *   commit    wait until that is committed
 *
 * Each step begins with what the configuration holds, so that a command that is repeated, on this
 * leader or on the next one, goes on where the last one stopped. The work does not depend on the
 * connection of the client that ordered it. */
#ifndef KV_MEMBERS_H
#define KV_MEMBERS_H

#include "explain.h"
#include "meta.h"

struct client;
struct server;

enum change_kind { CHANGE_NONE, CHANGE_ADD, CHANGE_PROMOTE, CHANGE_REPLACE };
enum change_step {
    STEP_SETTLE,
    STEP_IDENTIFY,
    STEP_JOIN,
    STEP_CATCH_UP,
    STEP_HAND_OVER,
    STEP_VOTE,
    STEP_COMMIT
};

struct change {
    enum change_kind kind; /* CHANGE_NONE: no work is in progress */
    enum change_step step;
    raft_id id;
    raft_id old;     /* RAFT.REPLACE: the server that goes */
    int role;        /* of `id` in the end */
    char *address;   /* of `id`; NULL for RAFT.PROMOTE */
    uint64_t serial; /* number of this work */
    bool added;      /* this work has made `id` a member */
    raft_term term;
    raft_index index;          /* of the change that is not committed yet */
    unsigned round;            /* catch-ups begun */
    bool advanced;             /* the server made progress since the last one began */
    raft_index match;          /* how far it is: entries, or */
    unsigned long long offset; /* bytes of a snapshot */
    raft_time since;
    raft_time step_since;
    raft_time moved; /* when it made progress last */
    raft_time lost;  /* when this server was found not to lead; 0: it leads */
    struct change_waiter {
        struct client *client;
        uint64_t seq;
    } * waiters; /* who gets the reply */
    size_t n;
    size_t cap;
    struct buf outcome; /* of the last work, NUL-terminated */
};

struct change_order {
    enum change_kind kind;
    raft_id id;
    raft_id old;         /* CHANGE_REPLACE, else 0 */
    int role;            /* CHANGE_ADD: any, else RAFT_VOTER */
    const char *address; /* NULL: CHANGE_PROMOTE */
};

/* Begin the work, or wait for it if the same is in progress. The client is answered when it
 * ends. */
void change_begin(struct server *s, struct client *c, uint64_t seq,
                  const struct change_order *order);

/* Give the work in progress up: RAFT.CANCEL. */
void change_cancel(struct server *s, struct client *c, uint64_t seq);

/* Go on. Called in each iteration of the event loop. */
void change_progress(struct server *s);

/* Append what the work in progress does, as in "adding server 4". */
void change_describe(struct server *s, struct buf *b);
/* Append the work in progress as names and values, for RAFT.STATUS. */
void change_status(struct server *s, struct buf *b);

/* For the parts of this module: log what the work does; go to a step; end it and answer the clients
 * with "OK" or an error. */
void change_report(struct server *s, const char *what);
void change_step_to(struct server *s, enum change_step step);
void change_finish(struct server *s, const char *outcome);
/* End it with the error in `b`, which is freed, and with what is now; or with libraft's refusal. */
void change_fail(struct server *s, struct buf *b);
void change_fail_not_a_member(struct server *s);
void change_fail_silent(struct server *s); /* the server does not answer */
void change_refuse(struct server *s, enum refused what, int error,
                   const struct raft_configuration *next);
bool change_expired(struct server *s); /* the step takes longer than it should */
bool change_settled(struct server *s); /* libraft would consider a change now */

/* members_vote.c: the steps of these names, and whether the last one is done. */
void change_hand_over(struct server *s);
void change_vote(struct server *s);
bool change_committed(struct server *s);

#endif
