/* SPDX-License-Identifier: MIT */
/* Linearizable reads (§6.4). */
#pragma once

#include "server.hpp"

namespace libraft::reads {

[[nodiscard]] int on_read(Step &step);
/* Reads may be pending that a quorum could confirm when they came, and cannot any more: members
 * were replaced, are gone, or run an older version again. Any entry that commits now confirms
 * them. */
bool wait_in_vain(const Server &s);
/* Let it be a barrier. Needs one entry, and messages_for_all(). */
void wait_for_barrier(Step &step);
/* Answer the pending reads whose round is confirmed and whose entry is committed. */
void release(Step &step);

} // namespace libraft::reads
