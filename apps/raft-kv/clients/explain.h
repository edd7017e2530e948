/* SPDX-License-Identifier: MIT */
/* Why libraft refuses a change of the members or a transfer, in words for the operator. */
#ifndef KV_EXPLAIN_H
#define KV_EXPLAIN_H

#include <raft.h>

#include "bytes.h"

struct client;
struct server;

enum refused { REFUSED_CHANGE, REFUSED_CATCH_UP, REFUSED_TRANSFER };

/* Append why libraft refused the step: the code of the reply, the reason, what to do. `next` is the
 * configuration that was refused, or NULL. Call it directly after the step that failed. */
void refusal_explain(struct server *s, struct buf *b, enum refused what, int error,
                     const struct raft_configuration *next);

/* Reply with the explanation, or with MOVED if this server does not lead. */
void client_refused(struct server *s, struct client *c, uint64_t seq, enum refused what, int error,
                    const struct raft_configuration *next);

/* True if this member counts for such a majority. */
bool member_in_contact(struct server *s, raft_id id);

/* True if a majority of these voters is in contact and up to date: the rule by which libraft allows
 * a change. */
bool majority_in_contact(struct server *s, const struct raft_configuration *conf);

#endif
