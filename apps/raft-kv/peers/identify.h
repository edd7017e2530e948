/* SPDX-License-Identifier: MIT */
/* Asks a server who it is. */
#ifndef KV_IDENTIFY_H
#define KV_IDENTIFY_H

#include "link.h"

/* `answer` is NULL if there was none: `error` says why. `refused`: the server answered, and refused
 * (the log says so already). */
typedef void (*identify_done)(void *context, const struct welcome *answer, const char *error,
                              bool refused);

/* Ask the server at `address`, which has two or three parts, whether it is server `id`; purpose is
 * PURPOSE_IDENTIFY or PURPOSE_FOUND. Calls `done` once, later, within about three seconds. Until
 * then a server that cannot be reached is tried again: it may be starting. An answer has the right
 * ID, and its server does not belong to another cluster. */
void peers_identify(struct peers *p, enum purpose purpose, raft_id id, const char *address,
                    identify_done done, void *context);

/* For link.c: the outcome of the connection of a peer that has `identify` set. */
void identify_failed(struct peer *peer, const char *why, bool refused);
void identify_answered(struct peer *peer, const struct welcome *answer);

#endif
