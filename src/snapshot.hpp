/* SPDX-License-Identifier: MIT */
/* Log compaction (§5): snapshots taken here, and snapshots received in chunks. */
#pragma once

#include "server.hpp"

namespace libraft::snapshot {

[[nodiscard]] int on_install_snapshot(Step &step, const raft_message &m);
[[nodiscard]] int on_persisted(Step &step);
[[nodiscard]] int on_taken(Step &step);

} // namespace libraft::snapshot
