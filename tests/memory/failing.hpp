/* SPDX-License-Identifier: MIT */
/* Memory that fails when told to. The linker routes this executable's calls of malloc,
 * calloc, realloc and free through here (--wrap). */
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace failing {

/* Fail the k-th allocation from now on (1: the next); with `lasting` all after it too.
 * 0: none. Counts anew. */
void arm(unsigned k, bool lasting = false);
/* No more failures. True if one happened. */
bool disarm();
/* Allocations since arm(). */
unsigned count();
/* Blocks that are allocated and not freed. */
long live();
/* The places in the code whose allocation has failed so far. */
const std::set<uintptr_t> &places();

} // namespace failing
