/* SPDX-License-Identifier: MIT */
/* Typed facts about a step that succeeded, for whoever wants to watch. */
#pragma once

#include "server.hpp"

namespace libraft::tracing {

void emit(const Step &step);

} // namespace libraft::tracing
