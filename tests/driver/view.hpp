/* SPDX-License-Identifier: MIT */
/* What a raft's accessors answer, to compare before and after a step. */
#pragma once

#include "../observe/answers.hpp"

namespace driver {

using observe::flags_between;
using observe::Peer;

/* What raft_timeout() answers if there is nothing to wait for. */
inline constexpr raft_time kNoDeadline = INT64_MAX;

struct View : observe::Answers {
    /* Ask again. Throws a Violation if the answers contradict each other. */
    void capture(raft *r);
    /* A server that knows a leader has no deadline if and only if it sleeps (raft.h,
     * raft_set_idle_timeout()). False for a leader that sleeps, but asks silent members from time
     * to time: its deadline may be any. */
    bool asleep() const { return timeout == kNoDeadline && leader != 0; }
    /* The first accessor that differs; empty: none. */
    std::string difference(const View &other) const { return observe::difference(*this, other); }

    /* A setting has changed so that a server that sleeps may not any more: its deadline has become
     * its present time, and the step that moves the deadline wakes it. Whoever judges that step
     * clears this. */
    bool due_to_wake = false;
};

inline std::string describe_flags(unsigned flags) { return observe::names_of_flags(flags); }

} // namespace driver
