/* SPDX-License-Identifier: MIT */
/* Does the fast path of a step produce what the general path would? A clone of the server takes
 * the general path; then updates and states are compared. */
#pragma once

#include <raft.h>

#include <cstdint>
#include <string>

namespace observe {

/* For negative tests: errors of the fast path that the comparison must report. */
enum class Error { kNone, kLateDeadline, kLostMessage };

/* As raft_step(). `difference` is empty unless the two paths differ. `memory`: first give the
 * server memory for an update, without which a fresh clone never takes the fast path. */
int step_on_both_paths(struct raft *r, raft_event *event, raft_update *update,
                       std::string *difference, bool memory, Error error = Error::kNone);

/* Steps that took the fast path and were compared, since the program began. */
uint64_t fast_steps();

} // namespace observe
