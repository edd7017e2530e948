/* SPDX-License-Identifier: MIT */
/* What holds between any two steps. Builds that check invariants check it after every step. */
#pragma once

#include "state/server.hpp"

namespace libraft {

#ifdef RAFT_INVARIANTS
void check(const Server &s);
#else
inline void check(const Server &) {}
#endif

} // namespace libraft
