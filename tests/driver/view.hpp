/* SPDX-License-Identifier: MIT */
/* All that a raft's accessors answer, to compare before and after a step. It is captured with
 * every step of the simulator, so it copies nothing that has not changed. */
#pragma once

#include "types.hpp"

namespace driver {

/* A leader's view of one member. */
struct Peer {
    int mode = -1; /* not a leader's member */
    int catch_up = RAFT_CATCH_UP_NONE;
    raft_index match = 0;
    raft_index next = 0;
    raft_time contact = 0;
    unsigned features = 0;
    bool operator==(const Peer &) const = default;
};

struct View {
    raft_term term = 0;
    raft_id vote = 0;
    int state = 0;
    raft_index commit = 0;
    raft_time timeout = 0;
    raft_index last = 0, first = 0, stored = 0, snapshot = 0;
    int role = -1;
    raft_id leader = 0;
    const char *leader_address = nullptr; /* interned */
    raft_id transferee = 0;
    raft_index conf_index = 0;
    Configuration conf;
    std::vector<Peer> peers; /* a leader's, as conf.members; else empty */

    bool leads() const { return state == RAFT_LEADER; }
    const Peer &peer(raft_id id) const;

    /* Ask all accessors again. Throws a Violation if they contradict each other. */
    void capture(raft *r);

    /* The first accessor that differs, NULL: none. */
    const char *difference(const View &other) const;
};

/* The flags that the difference calls for. ENTRIES, SNAPSHOT, MESSAGES and READS are not among
 * them: no accessor tells of those. */
unsigned flags_between(const View &before, const View &after);

std::string describe_flags(unsigned flags);

} // namespace driver
