/* SPDX-License-Identifier: MIT */
/* How many messages a step can send, and how far a window reaches (§10.2.1). */
#include "replication.hpp"
#include "room.hpp"

using namespace libraft;

TEST_CASE("replication: the memory reserved for a peer is enough for its whole window") {
    const uint32_t limit = GENERATE(1u, 2u, 3u, 7u, 100u);
    const uint32_t inflight = GENERATE(1u, 2u, 5u, 64u, 1000u);
    Room r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_STANDBY}});
    REQUIRE(raft_set_max_message_entries(r.handle(), limit) == 0);
    REQUIRE(raft_set_max_inflight_entries(r.handle(), inflight) == 0);
    Server &s = r.server();
    s.trail.append(s.term, 200);
    Progress *p = r.tracker().find(2);
    REQUIRE(p != nullptr);
    for (raft_index match : {0u, 1u, 150u, 201u, 202u}) {
        p->match = match;
        for (uint32_t window : {1u, 16u, UINT32_MAX}) {
            p->window = window;
            const raft_index end = replication::window_end(s, *p);
            REQUIRE(end <= s.trail.last());
            REQUIRE(end <= match + inflight);
            REQUIRE(end - match <= window);
            const uint64_t entries = end > match ? end - match : 0;
            const uint64_t needed = (entries + limit - 1) / limit;
            REQUIRE(replication::messages_for(s, *p, s.trail.last()) >= needed);
            REQUIRE(replication::messages_for_all(s, s.trail.last()) >= needed);
        }
    }
}

TEST_CASE("replication: without a limit one message is enough for each") {
    Room r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_STANDBY}, {3, "s3", RAFT_STANDBY}});
    Server &s = r.server();
    REQUIRE(replication::messages_for(s, *r.tracker().find(2), s.trail.last()) == 1);
    REQUIRE(replication::messages_for_all(s, s.trail.last()) == 3);
}

TEST_CASE("replication: the reserved memory is bounded for any limit on entries in flight") {
    Room r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_STANDBY}});
    REQUIRE(raft_set_max_message_entries(r.handle(), 1) == 0);
    REQUIRE(raft_set_max_inflight_entries(r.handle(), UINT32_MAX) == 0);
    Server &s = r.server();
    s.trail.append(s.term, uint64_t{1} << 33);
    Progress *p = r.tracker().find(2);
    REQUIRE(replication::messages_for(s, *p, s.trail.last()) <= 1 + replication::kMostMessages);
    p->mode = RAFT_PROGRESS_PIPELINE;
    p->next = 2;
    p->match = 1;
    raft_entry entry = {0, RAFT_COMMAND, {}, nullptr};
    raft_event submit = r.event(RAFT_SUBMIT);
    submit.submit = {&entry, 1};
    REQUIRE(r.step(submit) == 0);
    REQUIRE(r.update.messages.n == replication::kMostMessages);
    REQUIRE(p->next == 2 + replication::kMostMessages);
}
