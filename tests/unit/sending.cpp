/* SPDX-License-Identifier: MIT */
/* How many messages a step can send, and how far a window reaches (§10.2.1). */
#include "rules/sending.hpp"
#include "server_fixture.hpp"

using namespace libraft;

namespace {
constexpr uint64_t kMaxMessages = 1024; /* to one peer in one step (rules/sending.cpp) */
}

TEST_CASE("sending: the reserved messages are enough for everything that a window holds") {
    const uint32_t limit = GENERATE(1u, 2u, 3u, 7u, 100u);
    const uint32_t inflight = GENERATE(1u, 2u, 5u, 64u, 1000u);
    TestServer r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_STANDBY}});
    REQUIRE(raft_set_max_message_entries(r.handle(), limit) == 0);
    REQUIRE(raft_set_max_inflight_entries(r.handle(), inflight) == 0);
    Server &s = r.server();
    s.log.append(s.term, 200);
    Peer *p = r.tracker().find(2);
    REQUIRE(p != nullptr);
    for (raft_index match : {0u, 1u, 150u, 201u, 202u}) {
        p->match = match;
        for (uint32_t window : {1u, 16u, UINT32_MAX}) {
            p->window = window;
            const raft_index end = sending::window_end(s, *p);
            REQUIRE(end <= s.log.last());
            REQUIRE(end <= match + inflight);
            REQUIRE(end - match <= window);
            const uint64_t entries = end > match ? end - match : 0;
            const uint64_t needed = (entries + limit - 1) / limit;
            REQUIRE(sending::messages_for(s, *p, s.log.last()) >= needed);
            REQUIRE(sending::messages_for_all(s, s.log.last()) >= needed);
        }
    }
}

TEST_CASE("sending: without a limit on messages, one message per peer is reserved") {
    TestServer r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_STANDBY}, {3, "s3", RAFT_STANDBY}});
    Server &s = r.server();
    REQUIRE(sending::messages_for(s, *r.tracker().find(2), s.log.last()) == 1);
    REQUIRE(sending::messages_for_all(s, s.log.last()) == 3);
}

TEST_CASE(
    "sending: the messages to one peer are bounded, whatever the limit on entries in flight") {
    TestServer r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_STANDBY}});
    REQUIRE(raft_set_max_message_entries(r.handle(), 1) == 0);
    REQUIRE(raft_set_max_inflight_entries(r.handle(), UINT32_MAX) == 0);
    Server &s = r.server();
    s.log.append(s.term, uint64_t{1} << 33);
    Peer *p = r.tracker().find(2);
    REQUIRE(sending::messages_for(s, *p, s.log.last()) <= 1 + kMaxMessages);
    p->mode = RAFT_PROGRESS_PIPELINE;
    p->next = 2;
    p->match = 1;
    raft_entry entry = {0, RAFT_COMMAND, {}, {nullptr}};
    raft_event submit = r.event(RAFT_SUBMIT);
    submit.submit = {&entry, 1};
    REQUIRE(r.step(submit) == 0);
    REQUIRE(r.update.messages.n == kMaxMessages);
    REQUIRE(p->next == 2 + kMaxMessages);
}
