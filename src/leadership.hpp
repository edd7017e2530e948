/* SPDX-License-Identifier: MIT */
/* What a leader does with time and with answers: heartbeats and the quorum check
 * (§3.4, §6.2), progress (§3.5), leadership transfer (§3.10). */
#pragma once

#include "server.hpp"

namespace libraft::leadership {

/* The barrier that opens a term, and its first AppendEntries. Needs a reserved trail run,
 * one entry, and messages_for_all(). */
void begin(Step &step);

[[nodiscard]] int on_timeout(Step &step);
[[nodiscard]] int on_append_entries_result(Step &step, const raft_message &m);
[[nodiscard]] int on_submit(Step &step);
[[nodiscard]] int on_transfer(Step &step);
[[nodiscard]] int on_unreachable(Step &step);

} // namespace libraft::leadership
