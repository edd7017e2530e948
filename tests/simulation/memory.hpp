/* SPDX-License-Identifier: MIT */
/* Memory that fails: the executable's own calls of malloc, realloc and calloc, which
 * are the library's alone (the simulator allocates with operator new, inside
 * libstdc++), are wrapped by the linker. */
#pragma once

namespace sim::memory {

/* Fail the k-th allocation from now on (1: the next), and all after it when
 * persistent. 0: none. Returns whether injection is available in this build. */
bool arm(unsigned k, bool persistent);

/* No more failures. Returns whether one happened. */
bool disarm();

/* Allocations since the last arm(). */
unsigned count();

} // namespace sim::memory
