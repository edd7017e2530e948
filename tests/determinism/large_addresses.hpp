/* SPDX-License-Identifier: MIT */
#pragma once

#include <string>

namespace determinism {

/* Where size_t has 32 bits, configurations that are larger get RAFT_NOMEM. What went wrong, in
 * words; empty: nothing. */
std::string refuse_large_addresses();

} // namespace determinism
