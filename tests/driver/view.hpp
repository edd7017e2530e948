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
    /* The first accessor that differs; empty: none. */
    std::string difference(const View &other) const { return observe::difference(*this, other); }
};

inline std::string describe_flags(unsigned flags) { return observe::names_of_flags(flags); }

} // namespace driver
