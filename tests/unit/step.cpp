/* SPDX-License-Identifier: MIT */
/* The two paths of a step. */
#include "server_fixture.hpp"

using namespace libraft;

TEST_CASE("step: the fast path and the general path produce the same update") {
    TestServer fast({{1, "s1", RAFT_VOTER}});
    TestServer general({{1, "s1", RAFT_VOTER}});
    raft_entry entry = {0, RAFT_COMMAND, {}, {nullptr}};
    for (int i = 0; i < 3; i++) { /* the first step makes room in the outbox */
        raft_event submit = fast.event(RAFT_SUBMIT);
        submit.submit = {&entry, 1};
        REQUIRE(fast.step(submit) == 0);
        general.server().fast_path = FastPath::kNone;
        REQUIRE(general.step(submit) == 0);
        REQUIRE(fast.update.flags == general.update.flags);
        REQUIRE(fast.update.entries.index == general.update.entries.index);
        REQUIRE(fast.update.entries.write == general.update.entries.write);
    }
    REQUIRE(raft_last_index(fast.handle()) == raft_last_index(general.handle()));
}

TEST_CASE("step: a server has access to its settings during calls only") {
    TestServer t({{1, "s1", RAFT_VOTER}});
    const auto &s = *static_cast<const Server *>(t.handle()->impl);
    raft_event e = t.event(RAFT_TIMEOUT);
    REQUIRE(t.step(e) == 0);
#ifdef RAFT_INVARIANTS
    REQUIRE_FALSE(s.settings);
    REQUIRE(raft_set_heartbeat_timeout(t.handle(), 50) == 0);
    REQUIRE_FALSE(s.settings);
    e.time = ~0ULL;
    REQUIRE(t.step(e) == RAFT_INVALID);
    REQUIRE_FALSE(s.settings);
#else
    REQUIRE(s.settings);
#endif
}
