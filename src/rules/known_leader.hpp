/* SPDX-License-Identifier: MIT */
/* The server that this one takes for the leader of its term, and its address. */
#pragma once

#include "state/server.hpp"

namespace libraft::known_leader {

/* The leader's address after a step, copied in advance because a change cannot fail. Empty: the
 * address that the server holds is the right one. */
using Address = Owner<char>;

/* Which configurations will be in force after the step. */
struct Coming {
    const Configuration *appended = nullptr; /* latest first */
    raft_index kept_below = UINT64_MAX;      /* the present ones that stay */
};

/* Find the address of `id`: the one that a configuration has, the latest first, else `fallback`.
 * False: out of memory. */
[[nodiscard]] bool prepare(const Server &s, raft_id id, Coming coming, const char *fallback,
                           Address *address);
/* The same for the leader that is known now; its address stays if no configuration has one. */
[[nodiscard]] bool prepare(const Server &s, Coming coming, Address *address);

void set(Change &change, raft_id id, Address &address);
void forget(Change &change);
/* The configurations have changed. */
void refresh(Change &change, Address &address);

} // namespace libraft::known_leader
