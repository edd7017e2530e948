/* SPDX-License-Identifier: MIT */
/* What holds after every successful step, whatever the story. */
#pragma once

#include <map>
#include <string>

#include "raft.h"

namespace story {

/* The accessors that an update flag speaks of. */
struct View {
    raft_term term = 0;
    raft_id vote = 0;
    int state = RAFT_FOLLOWER;
    raft_index commit = 0;
    raft_time timeout = 0;
    raft_id leader = 0;
    std::string leader_address{};
    raft_id transferee = 0;
    std::string conf{};
    std::map<raft_id, int> catch_ups{};

    static View of(struct raft *r);
};

/* Fails the test unless the flags tell exactly what changed. */
void check_flags(const View &before, const View &after, const raft_update &update);

/* Fails the test if a message could not be sent as it is. `led`: before the step, at least,
 * for a leader that steps down may say a last word. */
void check_message(struct raft *r, bool led, const raft_message &m);

} // namespace story
