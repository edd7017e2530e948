/* SPDX-License-Identifier: MIT */
/* Membership changes (§4): single-server, joint, catch-up; founding and recovering a
 * cluster. */
#pragma once

#include "server.hpp"

namespace libraft::membership {

[[nodiscard]] int on_bootstrap(Step &step);
[[nodiscard]] int on_recover(Step &step);
[[nodiscard]] int on_reconfigure(Step &step);
/* A RAFT_CHANGE entry of the caller's; validated but for its payload. */
[[nodiscard]] int on_submitted_change(Step &step, const raft_entry &entry);
[[nodiscard]] int on_catch_up(Step &step);

/* A server's match index rose: is its catch-up round over? (§4.2.1) */
void catch_up_advanced(Step &step, Progress &p);
/* Give up a catch-up that takes too long. */
void check_catch_up(Step &step);

/* A new leader inherits a joint configuration: prepare the one that leaves it. */
[[nodiscard]] bool prepare_leave(Tracker &t, const Configuration &c);

} // namespace libraft::membership
