/* SPDX-License-Identifier: MIT */
/* The deadlines of all groups: a binary heap, the earliest on top. A group that sleeps has no
 * deadline, and is not in the heap. */
#ifndef MULTI_TIMERS_H
#define MULTI_TIMERS_H

#include <raft.h>

#include "bytes.h"

/* What raft_timeout() returns for "never". */
#define NEVER ((raft_time)INT64_MAX)

struct timer {
    raft_time due;
    uint32_t group;
};

struct timers {
    struct timer *heap;
    uint32_t *position; /* of each group in the heap, counted from 1; 0: it is not there */
    uint32_t n;
    uint32_t cap;
};

void timers_init(struct timers *t, uint32_t groups);
void timers_free(struct timers *t);

/* Set the deadline of a group; NEVER removes it. */
void timers_set(struct timers *t, uint32_t group, raft_time due);

/* The earliest deadline, or NEVER. */
raft_time timers_next(const struct timers *t);

/* Remove and return a group whose deadline has passed. Returns false if there is none. */
bool timers_expired(struct timers *t, raft_time now, uint32_t *group);

#endif
