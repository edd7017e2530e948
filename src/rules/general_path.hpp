/* SPDX-License-Identifier: MIT */
/* The general path of a step: the clock, a handler, and the flags of the update. */
#pragma once

#include "state/server.hpp"

namespace libraft {

/* Validates the event, reserves, changes the server; returns 0 or an error code. */
using Handler = int (*)(Step &step);

/* Run one step. If the handler fails, the server is as before and `update.flags` is 0. */
[[nodiscard]] int run(Server &s, const raft_event &event, raft_update &update, Handler handler);

} // namespace libraft
