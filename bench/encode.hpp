/* SPDX-License-Identifier: MIT */
#pragma once

#include <vector>

namespace bench {

/* The payload of a RAFT_CHANGE entry (docs/reference/types.rst): voters with the IDs 1, 2... and
 * the addresses 127.0.0.1:9001, :9002... */
std::vector<char> encode_voters(unsigned servers);

} // namespace bench
