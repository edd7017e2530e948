/* SPDX-License-Identifier: MIT */
/* A hole in the protocol of sleeping groups that the bounded model check found, as a trace. */
#include "resting_group.hpp"

using namespace scenario;

TEST_CASE("A member that acknowledges less than everything does not confirm that it sleeps") {
    /* Servers 2 and 3 are played. While all sleep, server 2 loses its last entry. It is sent the
     * entry again, and is told to sleep before it has stored it. */
    Cluster c({Follower::sleeper(Draw{.id = 1, .log = "1[1 2 3]"})});
    c.win(1, {2, 3});
    const auto answer = [&](raft_id from, raft_index last) {
        unsigned long long round = 0;
        while (c.count(1, from) > 0) {
            const Message m = c.take(1, from, RAFT_APPEND_ENTRIES);
            round = m->append_entries.version >= 1 ? m->append_entries.round : 0;
        }
        c[1].receive(
            from,
            AppendResult{.term = 2, .last = last, .round = round, .features = kSleepFeatures});
    };
    for (int i = 0; i < 20 && c[1].deadline() != kNoDeadline; i++) {
        c.expire(1);
        answer(2, 2);
        answer(3, 2);
    }
    REQUIRE(c[1].deadline() == kNoDeadline);
    c[1].step(Event(RAFT_WAKE));
    answer(2, 1);
    answer(3, 2);
    REQUIRE(c[1].deadline() != kNoDeadline);
    c.expire(1);
    answer(2, 2);
    answer(3, 2);
    REQUIRE(c[1].deadline() == kNoDeadline);
}
