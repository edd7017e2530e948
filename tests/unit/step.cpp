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
