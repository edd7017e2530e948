/* SPDX-License-Identifier: MIT */
/* Linearizable reads (§6.4). */
#pragma once

#include "server.hpp"

namespace libraft::reads {

[[nodiscard]] int on_read(Step &step);
/* Answer the pending reads whose round is confirmed and whose entry is committed. */
void release(Step &step);

} // namespace libraft::reads
