/* SPDX-License-Identifier: MIT */
/* Who a directory belongs to, as small records of the database:
 *
 *   identity  format, server ID, name of the cluster, incarnation
 *   cluster   cluster ID
 *   founding  the first configuration, until entry 1 of the log, which holds it, is durable
 *
 * The incarnation is a random number, not 0, that is made with the directory. It is a part of the
 * server's address in the configuration. So the other servers recognize the directory that they
 * know, and refuse a server that comes back with another one: it has lost its votes and entries.
 *
 * The cluster ID is a random number, not 0, that is made when the cluster is founded. A server
 * stores it when a member of the cluster connects to it for the first time (handshake.h). Without
 * it a server accepts no Raft message. */
#ifndef KV_IDENTITY_H
#define KV_IDENTITY_H

#include "store.h"

/* For store_open(): check that the database belongs to this server and cluster. Store the identity
 * in a new one. Sets incarnation and cluster_id of the store. */
void identity_open(struct store *s, const char *cluster, raft_id id);

/* Belong to this cluster from now on. Durable on return. */
void store_set_cluster_id(struct store *s, uint64_t cluster_id);

/* Belong to a new cluster, with a new random ID. Durable on return. For a server that is to go on
 * without the others: they refuse it, and it refuses them. */
void store_new_cluster_id(struct store *s);

/* Make a cluster ID and store it together with the first configuration. Durable on return. */
void store_save_founding(struct store *s, const struct raft_configuration *conf);
/* False: there is no such record. */
bool store_load_founding(struct store *s, struct members *members);
void store_end_founding(struct store *s);

#endif
