/* SPDX-License-Identifier: MIT */
/* The short way of a step (src/steady.cpp) must end where the long way does: a copy of the
 * server is sent there, and compared. */
#pragma once

#include <raft.h>

#include <cstdint>
#include <string>

namespace proof {

/* Test-only: what the comparison must notice. */
enum class Strange { kNo, kLateDeadline, kLostMessage };

/* As raft_step(). `difference` is empty unless the two ways differ. `room`: first make room for
 * what steps hand out, without which a fresh copy never takes the short way. */
int step_both_ways(struct raft *r, raft_event *event, raft_update *update, std::string *difference,
                   bool room, Strange strange = Strange::kNo);

/* Steps compared since the program began, that did take the short way. */
uint64_t short_steps();
/* Steps that took the long way. */
uint64_t long_steps();

} // namespace proof
