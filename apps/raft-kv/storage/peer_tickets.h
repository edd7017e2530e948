/* SPDX-License-Identifier: MIT */
/* What the directories of the other servers had synced when they last said so.
 *
 * Each server tells the others, in the handshake and about twice in an election timeout, up to
 * which ticket its term and vote and its log are synced (store.h). The leader passes on what it was
 * told.
 * They remember the highest. A server that later says less has an older copy of its directory, or
 * its disk has lost synced data: it must not take part.
 *
 * The memory is a small record of the database. It is written without a sync and at most twice a
 * second, and becomes durable with the next sync of the database. So a server may remember less
 * than it was told, never more. */
#ifndef KV_PEER_TICKETS_H
#define KV_PEER_TICKETS_H

#include "store.h"

enum { MAX_PEER_TICKETS = 256 };

struct peer_ticket {
    raft_id id;
    uint64_t incarnation;
    uint64_t run; /* of the process that told: a random number, see journal.h */
    struct fence synced;
};

struct peer_tickets {
    struct peer_ticket list[MAX_PEER_TICKETS]; /* in the order in which they were added */
    unsigned n;
    bool changed;
    raft_time saved;
};

void peer_ticket_encode(struct buf *b, const struct peer_ticket *ticket);
void peer_ticket_decode(struct cursor *c, struct peer_ticket *ticket);

void peer_tickets_load(struct peer_tickets *t, struct store *s);

/* Store them if they have changed, and not within half a second. */
void peer_tickets_save(struct peer_tickets *t, struct store *s, raft_time now);

/* Remember what this directory has told: directly, or to a server that passes it on later. */
void peer_tickets_note(struct peer_tickets *t, const struct peer_ticket *told, bool direct);

/* What the directory is known to have synced, if it now tells less: it is an older copy, or has
 * lost data. Else NULL. A process is not compared with itself: two of its messages may arrive in
 * another order. */
const struct fence *peer_tickets_missing(const struct peer_tickets *t,
                                         const struct peer_ticket *told);

#endif
