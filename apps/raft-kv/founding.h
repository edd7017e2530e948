/* SPDX-License-Identifier: MIT */
/* Founding a cluster.
 *
 * All servers of a new cluster are started with the same --bootstrap list. The one with the lowest
 * ID, the founder, asks the others who they are. Once all of them answer, have an equal list, and
 * belong to no cluster, it
 *
 *   1. stores a new cluster ID and the configuration, with the incarnations of all directories;
 *   2. appends entry 1 to the log (RAFT_BOOTSTRAP) and syncs it;
 *   3. sends Raft messages. The others join the cluster when it connects to them.
 *
 * A start that finds the record of step 1 and an empty log repeats step 2. */
#ifndef KV_FOUNDING_H
#define KV_FOUNDING_H

#include <uv.h>

#include "meta.h"

struct server;
struct asked;

struct founding {
    struct members list;  /* of --bootstrap */
    struct asked *asked;  /* the question to each server of the list */
    unsigned outstanding; /* answers of this round */
    unsigned missing;     /* servers that did not answer, or refused */
    uv_timer_t pause;     /* before the next round */
};

/* A server that was started with --bootstrap and belongs to no cluster: begin to found one, or wait
 * for the founder. */
void founding_begin(struct server *s);

/* Step 2. The configuration is that of the record. */
void founding_bootstrap(struct server *s, const struct raft_configuration *conf);

#endif
