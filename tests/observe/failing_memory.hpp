/* SPDX-License-Identifier: MIT */
/* Memory that fails when told to. The linker leads the program's calls of malloc, calloc, realloc
 * and free through here (failing_memory_dep). */
#pragma once

#include <cstdint>
#include <set>

namespace failing_memory {

/* The k-th allocation from now on fails (1: the next one); with `lasting` all after it, too.
 * 0: none fails. Starts counting. */
void arm(unsigned k, bool lasting = false);
/* No allocation fails any more. True if one did since arm(). */
bool disarm();
/* Allocations since arm(). */
unsigned count();
/* Blocks that are allocated and not freed. */
long live();
/* The usable bytes of these blocks. */
long long bytes();
/* The return addresses of the allocations that have failed. */
const std::set<uintptr_t> &places();

} // namespace failing_memory
