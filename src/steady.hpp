/* SPDX-License-Identifier: MIT */
/* The short way of a step: what a settled cluster does all day, entries and heartbeats, from
 * a leader that does nothing else to followers that are in step with it.
 *
 * It decides nothing that raft.hpp would decide otherwise: whatever it cannot take wholly it
 * leaves, untouched, to that; a build without it hands out the same updates. */
#pragma once

#include "server.hpp"

namespace libraft::steady {

/* As libraft::step(). */
[[nodiscard]] int step(Server &s, raft_event &event, raft_update &update);

} // namespace libraft::steady
