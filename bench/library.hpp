/* SPDX-License-Identifier: MIT */
/* Says whether a server's library code is running, and which, so that the program that counts
 * allocations knows whose they are. */
#pragma once

namespace bench {

/* -1: none. */
extern int inside_server;

struct Inside {
    explicit Inside(unsigned server) { inside_server = static_cast<int>(server); }
    ~Inside() { inside_server = -1; }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;
};

} // namespace bench
