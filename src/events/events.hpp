/* SPDX-License-Identifier: MIT */
/* One function for each event and message. Each is defined in the file that has its name. */
#pragma once

#include "state/server.hpp"

namespace libraft {

/* Events. */
[[nodiscard]] int on_start(Step &step);
[[nodiscard]] int on_persisted_snapshot(Step &step);
[[nodiscard]] int on_configuration(Step &step);
[[nodiscard]] int on_snapshot(Step &step);
[[nodiscard]] int on_catch_up(Step &step);
[[nodiscard]] int on_transfer(Step &step);
[[nodiscard]] int on_bootstrap(Step &step);
[[nodiscard]] int on_reconfigure(Step &step);
[[nodiscard]] int on_read(Step &step);
[[nodiscard]] int on_unreachable(Step &step);
[[nodiscard]] int on_recover(Step &step);
[[nodiscard]] int on_sent(Step &step);
[[nodiscard]] int on_campaign(Step &step);
[[nodiscard]] int on_wake(Step &step);

/* Messages. */
[[nodiscard]] int on_request_vote(Step &step, const raft_message &m);
[[nodiscard]] int on_request_vote_result(Step &step, const raft_message &m);
[[nodiscard]] int on_install_snapshot(Step &step, const raft_message &m);
[[nodiscard]] int on_timeout_now(Step &step, const raft_message &m);

/* Events and messages that begin with a fast path (rules/fast_path.hpp). Each runs a whole step. */
[[nodiscard]] int on_append_entries(Server &s, const raft_event &event, raft_update &update);
[[nodiscard]] int on_append_result(Server &s, const raft_event &event, raft_update &update);
[[nodiscard]] int on_persisted_entries(Server &s, const raft_event &event, raft_update &update);
[[nodiscard]] int on_stored(Server &s, const raft_event &event, raft_update &update);
[[nodiscard]] int on_submit(Server &s, const raft_event &event, raft_update &update);
[[nodiscard]] int on_timeout(Server &s, const raft_event &event, raft_update &update);

} // namespace libraft
