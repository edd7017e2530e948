/* SPDX-License-Identifier: MIT */
/* Which configuration is in force: a change takes effect as soon as it is appended, and is rolled
 * back when it is truncated (§4.1). */
#pragma once

#include "state/server.hpp"

namespace libraft::changes {

/* The latest configuration is another one now. */
void configuration_changed(Change &change);
/* Make a configuration the latest. */
void push(Change &change, Owner<Configuration> c);
/* Remove the configurations that entries at or above `from` set. Returns whether there were any;
 * then configuration_changed() must follow. */
bool roll_back(Change &change, raft_index from);

/* The oldest configuration that this server can still bring to another one, in an entry of its log
 * or in a snapshot. Older ones are needed for nothing. */
const Configuration *oldest_in_use(const Server &s);

/* What install() needs for a configuration whose payload the library makes. */
void plan_payload(const Configuration &c, Need *need);
/* Append a change to the log and make it the latest configuration. The payload is the caller's,
 * if `entry` is not NULL, or made here. A leader's peers follow it. */
void install(Change &change, Owner<Configuration> c, const raft_entry *entry);

} // namespace libraft::changes
