/* SPDX-License-Identifier: MIT */
/* Configurations that are about to be changed. */
#ifndef KV_MEMBERS_CONF_H
#define KV_MEMBERS_CONF_H

#include "meta.h"

struct server;

/* Copy the latest configuration into `next`, with space for one more server. The addresses belong
 * to `m`. Free `next->servers` and `m`. */
void conf_copy(struct server *s, struct members *m, struct raft_configuration *next);

struct raft_server *conf_find(struct raft_configuration *conf, raft_id id);

/* True if the address of a configuration is the one that an operator has written. */
bool conf_address_is(const char *address, const char *written);

/* The server at an address that an operator has written, or NULL. */
const struct raft_server *conf_at(const struct raft_configuration *conf, const char *written);

/* Step RAFT_RECONFIGURE. */
int members_reconfigure(struct server *s, const struct raft_configuration *conf);

#endif
