/* SPDX-License-Identifier: MIT */
/* Typed facts about a step that succeeded, for the tracer that the caller set. */
#pragma once

#include "state/server.hpp"

namespace libraft::tracing {

void emit(const Change &change, const raft_event &event);

} // namespace libraft::tracing
