/* SPDX-License-Identifier: MIT */
/* What a caller can see of a raft, as bytes that can be compared. Public ABI only. */
#pragma once

#include <raft.h>

#include <string>

namespace proof {

/* Everything that an update says, field for field; the reserved fields too, where they are
 * promised to be zero. Reads every byte that the caller may read. */
std::string observe(const raft_update &update);

/* Every accessor's answer but raft_errmsg()'s. */
std::string answers(struct raft *r);

} // namespace proof
