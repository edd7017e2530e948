/* SPDX-License-Identifier: MIT */
/* A deep copy of a server, for tests that try several futures of one state. */
#pragma once

#include "server.hpp"

namespace proof {

/* Buffers are as small as their contents allow. Aborts with a message if an address of
 * the original points to no live memory of that server: such a pointer dangles. */
libraft::Server *clone(const libraft::Server &server);
void destroy(libraft::Server *server);

/* A handle on a server; raft_close() on it destroys the server. */
struct raft handle(libraft::Server *server);
libraft::Server &server_of(const struct raft &r);

} // namespace proof
