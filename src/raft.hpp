/* SPDX-License-Identifier: MIT */
/* One step: from an event to an update. */
#pragma once

#include "server.hpp"

namespace libraft {

/* `update.flags` is 0 when it fails. */
[[nodiscard]] int step(Server &server, raft_event &event, raft_update &update);

} // namespace libraft
