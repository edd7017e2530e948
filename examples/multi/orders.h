/* SPDX-License-Identifier: MIT */
/* The orders of the clients: lines on the standard input. Each is answered with one line on the
 * standard output, not always in the order of the orders:
 *
 *   put GROUP VALUE   ok GROUP | unknown GROUP (it may have been written, or not)
 *   get GROUP         value GROUP VALUE WRITES, linearizable
 *   local GROUP       local GROUP VALUE WRITES, from this host, which may be out of date
 *   status            status NAME=NUMBER ...
 *
 * `put` and `get` are also answered with `moved GROUP HOST` (nothing was done: ask that host, which
 * leads the group; 0: unknown) and with `retry GROUP` (nothing was done). */
#ifndef MULTI_ORDERS_H
#define MULTI_ORDERS_H

#include "bytes.h"

struct host;
struct group;
struct raft_read;

struct orders {
    struct bytes in;
    struct bytes out;
    bool ended;
};

/* Read the standard input, and carry out the orders. */
void orders_read(struct host *h);
/* Write the answers. */
void orders_flush(struct orders *o);

void orders_written(struct host *h, const struct group *g, bool committed);
void orders_answer_read(struct host *h, const struct group *g, const struct raft_read *read);

#endif
