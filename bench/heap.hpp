/* SPDX-License-Identifier: MIT */
/* Counts every block that a server's library code allocates. It takes the place of the C library's
 * malloc. */
#pragma once

#include <cstdint>

namespace bench {

/* Servers that are counted separately. Higher numbers wrap around. */
constexpr unsigned kCounted = 64;

struct Heap {
    uint64_t blocks = 0; /* live */
    uint64_t bytes = 0;  /* usable bytes of the live blocks */
};

/* Live blocks allocated by library code of one server. */
Heap heap_of(unsigned server);

/* Allocations made by library code of all servers, ever. */
uint64_t allocations();

} // namespace bench
