/* SPDX-License-Identifier: MIT */
/* Restart from what is on disk (§3.8). */
#pragma once

#include "server.hpp"

namespace libraft::start {

[[nodiscard]] int on_start(Step &step);

} // namespace libraft::start
