/* SPDX-License-Identifier: MIT */
/* All that a raft's accessors answer, to compare before and after a step. */
#pragma once

#include "types.hpp"

namespace sim {

struct Face {
    raft_term term = 0;
    raft_id vote = 0;
    int state = 0;
    raft_index commit = 0;
    raft_time timeout = 0;
    raft_index last = 0, first = 0, stored = 0, snapshot = 0;
    int role = -1;
    raft_id leader = 0;
    int leader_port = -1; /* which of its addresses */
    raft_id transferee = 0;
    raft_index conf_index = 0;
    Conf conf;
    /* On a leader, by ID. */
    int catch_up[kMaxServers + 1] = {};
    int mode[kMaxServers + 1] = {};
    raft_index match[kMaxServers + 1] = {};
    raft_index next[kMaxServers + 1] = {};
    raft_time contact[kMaxServers + 1] = {};
    unsigned features[kMaxServers + 1] = {};

    bool leads() const { return state == RAFT_LEADER; }

    /* Ask all accessors again. Throws if they contradict each other. */
    void capture(raft *r);

    /* The first accessor that differs, NULL: none. */
    const char *difference(const Face &other) const;
};

/* The flags that the difference calls for, MESSAGES, ENTRIES, SNAPSHOT and READS
 * excepted. */
unsigned flags_between(const Face &before, const Face &after);

std::string describe_flags(unsigned flags);

} // namespace sim
