/* SPDX-License-Identifier: MIT */
/* A leader whose reads are tested, by rounds and by leases. */
#pragma once

#include "catch.hpp"
#include "cluster.hpp"

namespace scenario {

/* Server 1 leads played servers 2 and 3 in term 2; its barrier is committed. */
struct Led : Cluster {
    explicit Led(const char *log = "1[1 2 3]") : Cluster({{.id = 1, .log = log}}) {
        win(1, {2, 3});
        for (raft_id id : {2, 3}) {
            (*this)[1].receive(id, AppendResult{.term = 2, .last = (*this)[1].last()});
        }
        drop();
    }
    /* The round named in the newest message to a peer. */
    unsigned long long round(raft_id to) {
        unsigned long long r = 0;
        while (count(1, to) > 0) {
            auto m = take(1, to, RAFT_APPEND_ENTRIES);
            REQUIRE(m->append_entries.version == 1);
            r = m->append_entries.round;
        }
        return r;
    }
};

} // namespace scenario
