/* SPDX-License-Identifier: MIT */
/* INVARIANT guards the library's own reasoning, never input: it is active in the
 * builds that tests link and compiled out of the library that is shipped. */
#pragma once

#ifdef RAFT_INVARIANTS
#define INVARIANT(condition) ((condition) ? static_cast<void>(0) : __builtin_trap())
#else
#define INVARIANT(condition) static_cast<void>(0)
#endif
