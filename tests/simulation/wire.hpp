/* SPDX-License-Identifier: MIT */
/* A message on its way, and the codecs of servers of different age. */
#pragma once

#include "types.hpp"

namespace sim {

struct Wire : Message {
    uint64_t number;
    Time sent;
};

/* What a codec of that vintage leaves of a message. Fields that it does not carry
 * are filled with garbage, as memory that nobody wrote would be. Returns whether it
 * changed the version. */
bool strip(raft_message &m, unsigned vintage, Random &random);

} // namespace sim
