/* SPDX-License-Identifier: MIT */
/* A message under way, and the message codecs of servers of different versions. */
#pragma once

#include "types.hpp"

namespace sim {

struct Wire : Message {
    uint64_t number;
    Time sent;
};

/* Reduce a message to what a codec carries. Other fields get random values, as uninitialised memory
 * would. Returns whether that changed the version. */
bool strip(raft_message &m, unsigned codec, Random &random);

} // namespace sim
