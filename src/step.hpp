/* SPDX-License-Identifier: MIT */
/* One step: from an event to an update. */
#pragma once

#include "state/server.hpp"

namespace libraft {

/* Which path may a step take? Both produce the same update; tests compare them. */
enum class Path { kAny, kGeneral };

/* Returns 0 or an error code; then `update.flags` is 0 and nothing has changed. */
[[nodiscard]] int step(Server &s, const raft_event &event, raft_update &update, Path path);

} // namespace libraft
