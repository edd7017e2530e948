/* SPDX-License-Identifier: MIT */
/* Members that become spares, and spares that become members (§4.1, §4.2). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* It knows that it is a spare, and forgets the leader, which tells it no more. */
void require_rest(Cluster &c, raft_id id, const char *conf) {
    REQUIRE(c[id].conf() == conf);
    REQUIRE(raft_role(c[id].handle()) == RAFT_SPARE);
    c.run(2000);
    REQUIRE(c[id].leader() == 0);
    REQUIRE(c[id].deadline() == kNoDeadline);
}

} // namespace

TEST_CASE("A voter that becomes a spare is told so, and does not campaign (§4.1, §4.2.2)") {
    Cluster c("1 2 3", 1);
    c[1].reconfigure("1 2 3p");
    c.run(500);
    REQUIRE(c[1].commit() == 3);
    require_rest(c, 3, "1 2 3p");
    REQUIRE(c[3].commit() == 3);
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_NONE);
    c[1].submit(2);
    REQUIRE(c.count(1, 3) == 0);
    c.run(500);
    REQUIRE(c[3].last() == 3);
}

TEST_CASE("Voters that become spares by a joint change are told so, and do not campaign (§4.3)") {
    Cluster c("1 2 3 4 5", 1);
    c[1].reconfigure("1 2 3 4p 5p");
    c.run(500);
    REQUIRE(c[1].conf() == "1 2 3 4p 5p");
    REQUIRE(c[1].commit() == c[1].last());
    require_rest(c, 4, "1 2 3 4p 5p");
    require_rest(c, 5, "1 2 3 4p 5p");
}

TEST_CASE("They are told even if they acknowledge the joint change first (§4.3)") {
    Cluster c("1 2 3 4 5", 1);
    c.run(100);
    c[1].reconfigure("1 2 3 4p 5p");
    for (raft_id id : {4, 5}) {
        c.deliver(1, id);
        c.deliver(id, 1);
    }
    c.run(500);
    REQUIRE(c[1].conf() == "1 2 3 4p 5p");
    REQUIRE(c[1].commit() == c[1].last());
    require_rest(c, 4, "1 2 3 4p 5p");
    require_rest(c, 5, "1 2 3 4p 5p");
}

TEST_CASE(
    "Without pre-votes, too, a spare does not disrupt the cluster, and can be promoted (§4.2.3)") {
    std::vector<Draw> all = Cluster::fresh("1 2 3");
    for (Draw &d : all) {
        d.set = [](raft *r) { raft_set_pre_vote(r, false); };
    }
    Cluster c(all);
    c.elect(1);
    c.run(100);
    const raft_term term = c[1].term();
    c[1].reconfigure("1 2 3p");
    c.run(60000);
    REQUIRE(c[3].term() == term);
    REQUIRE(c[1].leads());
    c[1].reconfigure("1 2 3s");
    c.run(1000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == term);
    REQUIRE(c[3].conf() == "1 2 3s");
    REQUIRE(c[3].commit() == c[1].commit());
}

TEST_CASE(
    "A new spare receives the log until the change commits, and a final notification (§4.2.2)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = 2});
    c.drop();
    c[1].reconfigure("1 2 3 4 5p");
    const raft_index change = c[1].last();
    REQUIRE(c.take(1, 5)->append_entries.n_entries == 1);
    c.expire(1); /* it gets heartbeats until the change commits */
    REQUIRE(c.take(1, 5)->append_entries.n_entries == 0);
    c[1].receive(2, AppendResult{.term = 2, .last = change});
    REQUIRE(c[1].commit() == 2);
    REQUIRE(c.count(1, 5) == 0);
    SECTION("it has the change") {
        c[1].receive(5, AppendResult{.term = 2, .last = change});
        REQUIRE(c[1].commit() == 2); /* its result does not count any more */
    }
    SECTION("it has not answered yet") {}
    c[1].receive(3, AppendResult{.term = 2, .last = change});
    REQUIRE(c[1].commit() == change);
    REQUIRE(c.take(1, 5, RAFT_APPEND_ENTRIES)->append_entries.leader_commit == change);
    REQUIRE(c.count(1, 5) == 0);
    /* From now on nothing: neither heartbeats, nor entries, nor an answer to late results. */
    c.expire(1);
    c[1].submit();
    c[1].receive(5, AppendResult{.term = 2, .rejected = change - 1, .last = 1});
    c[1].receive(5, AppendResult{.term = 2, .last = change});
    REQUIRE(c.count(1, 5) == 0);
    REQUIRE(c[1].progress(5).mode == RAFT_PROGRESS_NONE);
}

TEST_CASE("A promoted spare has an election timeout for its first answer (§6.2)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2p]"}, Draw{.id = 2}});
    REQUIRE(c[1].leads());
    c.run(5000);
    REQUIRE(c[1].leads());
    c[1].force("1 2");
    c.expire(1); /* a heartbeat is due before any message is delivered */
    REQUIRE(c[1].leads());
    SECTION("it answers") {
        c.run(10000);
        REQUIRE(c[1].leads());
        REQUIRE(c[2].commit() == c[1].last());
    }
    SECTION("it does not answer") {
        c.isolate(2);
        c.run(1500);
        REQUIRE_FALSE(c[1].leads());
    }
}

TEST_CASE("An aborted catch-up is not continued (§4.2.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 4p]", .set = [](raft *r) {
                        raft_set_max_inflight_entries(r, 4);
                        raft_set_max_catch_up_round_duration(r, 2000);
                    }}});
    REQUIRE(c[1].leads());
    c[1].submit(100);
    c[1].catch_up(4);
    c[1].receive(4, AppendResult{.term = 2, .rejected = 102, .last = 0});
    c[1].receive(4, AppendResult{.term = 2, .last = 4});
    for (int i = 0; i < 30 && c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING; ++i) {
        c.expire(1);
    }
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_ABORTED);
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_NONE);
    c.drop();
    c[1].receive(4, AppendResult{.term = 2, .last = 5}); /* late */
    REQUIRE(c.count(1, 4) == 0);
    c[1].submit();
    c.expire(1);
    REQUIRE(c.count(1, 4) == 0);
    c[1].catch_up(4); /* only after another request */
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    REQUIRE(c.count(1, 4) > 0);
}

TEST_CASE("A voter that was caught up once is sent nothing as a spare (§4.2.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3 4p]"}, Draw{.id = 2, .log = "1[1 2 3 4p]"},
               Draw{.id = 3, .log = "1[1 2 3 4p]"}, Draw{.id = 4}});
    c.elect(1);
    c[1].catch_up(4);
    c.run(500);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    c[1].reconfigure("1 2 3 4");
    c.run(500);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    c[1].reconfigure("1 2 3 4p");
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_NONE);
    c.run(500);
    REQUIRE(c[1].commit() == c[1].last());
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_NONE);
    require_rest(c, 4, "1 2 3 4p");
    const raft_index last = c[4].last();
    c[1].submit(3);
    c.run(500);
    REQUIRE(c[4].last() == last);
}

TEST_CASE("A finished catch-up is forgotten when the standby becomes a spare (§4.2.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3 4s 5s]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = 2});
    c[1].catch_up(4);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    SECTION("the flag tells") {
        c[1].reconfigure("1 2 3 4p 5s");
        REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
        REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_NONE);
    }
    SECTION("not when another server becomes one") {
        c[1].reconfigure("1 2 3 4s 5p");
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_CATCH_UP));
        REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    }
}
