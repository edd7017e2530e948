/* SPDX-License-Identifier: MIT */
/* Tells which server's library code is running, so that allocations are counted for it. */
#pragma once

namespace bench {

/* The server's number, -1: none. */
extern int inside_server;

struct Inside {
    explicit Inside(unsigned server) { inside_server = static_cast<int>(server); }
    ~Inside() { inside_server = -1; }
    Inside(const Inside &) = delete;
    Inside &operator=(const Inside &) = delete;
};

} // namespace bench
