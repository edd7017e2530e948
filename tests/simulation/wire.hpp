/* SPDX-License-Identifier: MIT */
/* A message under way, and the message codecs of servers of different versions. */
#pragma once

#include "types.hpp"

namespace sim {

struct Wire : Message {
    uint64_t number;
    Time sent;
    const char *destination = nullptr; /* the address that it is sent to, interned */
    uint64_t entries_bytes = 0;        /* as modelled */

    bool is_bulk() const { return !entries.empty() || m.type == RAFT_INSTALL_SNAPSHOT; }
    uint64_t bytes() const { return 64 + entries_bytes + data.size(); }
};

/* The size of an entry, modelled: payloads are longer than those that the simulator stores. */
uint64_t bytes_of(const Entry &e, unsigned entry_bytes);

/* Reduce a message to what a codec carries. Other fields get random values, as uninitialised memory
 * would. Returns whether that changed the version. */
bool strip(raft_message &m, unsigned codec, Random &random);

} // namespace sim
