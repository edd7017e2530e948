/* SPDX-License-Identifier: MIT */
/* Handshakes that failed lately, for the log and RAFT.STATUS. */
#ifndef KV_REFUSALS_H
#define KV_REFUSALS_H

#include "handshake.h"

enum { MAX_REFUSALS = 32 };

enum refusal_kind {
    REFUSED_BY_US,  /* this server refused the other one's connection */
    REFUSED_BY_PEER /* this server's own connection was refused, by either side */
};

struct refusal {
    raft_id id;
    enum refusal_kind kind;
    raft_time at;
    char reason[MAX_REASON];
};

struct refusals {
    struct refusal list[MAX_REFUSALS]; /* the latest last */
    unsigned n;
};

/* Note a refusal. It is logged if the last one of this server, within a minute, had another
 * reason. */
void refusals_note(struct refusals *r, enum refusal_kind kind, raft_id id, const char *reason);

/* A handshake of this kind with this server has succeeded. */
void refusals_clear(struct refusals *r, enum refusal_kind kind, raft_id id);

/* Forget those that have not been repeated for a minute. */
void refusals_expire(struct refusals *r);

#endif
