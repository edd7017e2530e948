/* SPDX-License-Identifier: MIT */
/* Back-pressure: disk capacity and uncommitted entries. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {
Draw leader_with(std::function<void(raft *)> set, const char *log = "1[1 2 3]") {
    return {.id = 1, .log = log, .set = std::move(set)};
}
} // namespace

TEST_CASE("Uncommitted entries are limited") {
    Cluster c({leader_with([](raft *r) { raft_set_max_uncommitted_entries(r, 5); })});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].submit(3);
    c[1].refuses(RAFT_BUSY, event::submit(3)); /* 3 + 3 > 5 */
    c[1].submit(2);
    c[1].refuses(RAFT_BUSY, event::submit(1));
    c[1].receive(2, AppendResult{.term = 2, .last = 4});
    c[1].submit(2);
    c[1].refuses(RAFT_BUSY, event::submit(1));
    c[1].set([](raft *r) { raft_set_max_uncommitted_entries(r, 0); });
    c[1].submit(1000);
}

TEST_CASE("A new leader's barrier is exempt from the limit on uncommitted entries") {
    Cluster c({leader_with([](raft *r) { raft_set_max_uncommitted_entries(r, 2); },
                           "1[1 2 3] 1 1 1 1 1 1")});
    c.win(1, {2, 3});
    REQUIRE(c[1].last() == 8);
    REQUIRE(c[1].log.entries.back().type() == RAFT_BARRIER);
    c[1].refuses(RAFT_BUSY, event::submit(1));
    c[1].receive(2, AppendResult{.term = 2, .last = 8});
    REQUIRE(c[1].commit() == 8);
    c[1].submit(2);
}

TEST_CASE("Entries are refused while fewer than a quorum of voters report enough disk") {
    Cluster c({leader_with([](raft *r) { raft_set_capacity_threshold(r, 50); }, "1[1 2 3 4s]")});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2, .capacity = 60});
    c[1].submit();
    c[1].receive(2, AppendResult{.term = 2, .last = 3, .capacity = 49});
    c[1].submit(); /* itself (100) and S3 are two of three */
    c[1].receive(3, AppendResult{.term = 2, .last = 3, .capacity = 49});
    c[1].refuses(RAFT_NOSPACE, event::submit(1));
    c[1].receive(4, AppendResult{.term = 2, .last = 3, .capacity = 1000});
    c[1].refuses(RAFT_NOSPACE, event::submit(1)); /* a standby does not vote */
    c[1].receive(3, AppendResult{.term = 2, .last = 3, .capacity = 50});
    c[1].submit(); /* the threshold itself is enough */
    SECTION("the leader's own disk counts, as its events tell") {
        c[1].capacity = 10;
        c[1].timeout();
        c[1].capacity = 10;
        /* S3 alone has enough now. */
        Event submit = event::submit(1);
        raft_update update;
        REQUIRE(raft_step(c[1].handle(), submit.at(c.now, 10), &update) == RAFT_NOSPACE);
        REQUIRE(update.flags == 0);
    }
    SECTION("the threshold can be turned off") {
        c[1].receive(3, AppendResult{.term = 2, .last = 3, .capacity = 1});
        c[1].refuses(RAFT_NOSPACE, event::submit(1));
        c[1].set([](raft *r) { raft_set_capacity_threshold(r, 0); });
        c[1].submit();
    }
}

TEST_CASE("Voters that report no capacity count as having enough") {
    Cluster c({leader_with([](raft *r) { raft_set_capacity_threshold(r, 50); })});
    c.win(1, {2, 3});
    c[1].submit(); /* no append result has reported a capacity yet */
    for (raft_id id : {2, 3}) {
        c[1].receive(
            id, AppendResult{.term = 2, .last = 2, .features = 0, .capacity = 0, .version = 0});
    }
    c[1].submit();
}

TEST_CASE("Barriers and the entry that leaves a joint configuration are exempt from capacity") {
    auto draws = Cluster::fresh("1 2 3 4s 5s");
    for (Draw &d : draws) {
        d.set = [](raft *r) { raft_set_capacity_threshold(r, 50); };
    }
    Cluster c(draws);
    c.elect(1);
    c.run(300);
    c.isolate(4);
    c.isolate(5);
    c[1].reconfigure("1 4 5");
    for (raft_id id = 1; id <= 5; ++id) {
        c[id].capacity = 1; /* all disks are full */
    }
    c.run(300);
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
    c.heal();
    c.run(600);
    REQUIRE(c[1].conf() == "1 4 5");
    REQUIRE(c[1].commit() == c[1].last());
    c[1].refuses(RAFT_NOSPACE, event::submit(1));
    c[1].crash();
    c.sleep(3000);
    c.elect(4); /* and a new leader appends its barrier */
    REQUIRE(c[4].log.entries.back().type() == RAFT_BARRIER);
    c.run(300);
    REQUIRE(c[4].commit() == c[4].last());
}

TEST_CASE("Results carry the capacity") {
    Cluster c("1 2 3");
    c[2].capacity = 1234;
    c.elect(1);
    c.run(300);
    REQUIRE(c[1].progress(2).capacity == 1234);
    REQUIRE((c[1].progress(2).features & RAFT_FEATURE_CAPACITY) != 0);
    REQUIRE(c[1].progress(3).capacity == 100);
}
