/* SPDX-License-Identifier: MIT */
/* The server that this one takes for the leader of its term, and the address that its last message
 * came with, where answers go. */
#pragma once

#include "state/server.hpp"

namespace libraft::known_leader {

/* A copy of an address, made in advance because a change cannot fail. Empty: the address that the
 * server holds is the same. */
using Address = Owner<char>;

/* Copy the address of a leader's message, if it differs. False: out of memory. */
[[nodiscard]] bool prepare(const Server &s, const char *address, Address *copied);

/* This server leads. */
void set_self(Change &change);
/* Another server leads, and its message came with this address. */
void set(Change &change, raft_id id, Address &address);
void forget(Change &change);

} // namespace libraft::known_leader
