/* SPDX-License-Identifier: MIT */
/* Limits how often a line that a client can cause is written to the log: ten in ten seconds. The
 * next line that is written says how many were left out. */
#ifndef KV_NOTICE_H
#define KV_NOTICE_H

#include <raft.h>

#include <stdbool.h>

struct notice {
    raft_time begin; /* of the present ten seconds */
    unsigned written;
    unsigned long long left_out;
    char text[64];
};

/* True if the line may be written now. */
bool notice_due(struct notice *n, raft_time now);

/* After notice_due(): what to append to the line, " (N such lines were left out)" or nothing. */
const char *notice_more(struct notice *n);

#endif
