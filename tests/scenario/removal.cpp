/* SPDX-License-Identifier: MIT */
/* Servers that leave (§4.2.2, §4.2.3). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("A removed leader replicates until its removal commits, not counting itself") {
    Cluster c("1 2 3", 1);
    c.isolate(3);
    c[1].reconfigure("2 3");
    c.deliver();
    REQUIRE(c[1].leads());
    REQUIRE(raft_role(c[1].handle()) == -1);
    REQUIRE(c[1].commit() == 2); /* S1 and S2 have it, but only S2 counts, and two are needed */
    c[1].submit();               /* it still leads */
    c.run(300);
    REQUIRE(c[1].commit() == 2);
    c.heal();
    c.run(300);
    REQUIRE(c[1].commit() >= 3);
    REQUIRE_FALSE(c[1].leads()); /* it has stepped down */
    c.run(10000);
    REQUIRE((c.leader() == 2 || c.leader() == 3));
    REQUIRE(c[c.leader()].conf() == "2 3");
    /* It does not campaign: it knows that its removal is committed. */
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE("A leader that removes itself tells the others that the change is committed") {
    Cluster c("1 2 3", 1);
    c[1].reconfigure("2 3");
    c.deliver();
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c[1].commit() == 3);
    c.sleep(3000);
    c.elect(2);
    REQUIRE(c[2].commit() == 4);
    c.run(100);
    REQUIRE(c[3].commit() == 4);
}

TEST_CASE("A removed follower is told that its removal is committed, and does not campaign") {
    Cluster c("1 2 3", 1);
    c[1].reconfigure("1 2");
    c.run(500);
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[3].conf() == "1 2");
    REQUIRE(c[3].commit() == 3);
    c.run(10000);
    REQUIRE(c[3].deadline() == kNoDeadline); /* it has forgotten the leader */
    REQUIRE(c[3].leader() == 0);
    REQUIRE(c[1].leads());
    REQUIRE(c[3].term() == c[1].term());
}

TEST_CASE("A removed follower that does not know of its removal cannot disrupt the others") {
    Cluster c("1 2 3", 1);
    const raft_term term = c[1].term();
    c.isolate(3);
    c[1].reconfigure("1 2");
    c.run(500);
    REQUIRE(c[1].commit() == 3);
    c.heal();
    c.run(20000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == term);
    REQUIRE(c[3].conf() == "1 2 3");
}

/* A is being removed from {A, B}: A has the change, B does not, and A crashes. B needs A's vote,
 * because its configuration is still {A, B}, but A's log is longer, so A refuses. If A did not
 * campaign because it is no member of its latest configuration, there would never be a leader. */
TEST_CASE("A removed server must campaign if its vote is not needed but its log is") {
    Cluster c("1 2", 1);
    c.isolate(2);
    c[1].reconfigure("2");
    REQUIRE(c[1].commit() == 2);
    c.drop();
    c[1].crash();
    c.heal();
    c[1].restart();
    REQUIRE(raft_role(c[1].handle()) == -1);
    REQUIRE(c[1].conf() == "2");
    c.run(30000);
    REQUIRE(c[2].leads());
    REQUIRE(c[2].conf() == "2");
    REQUIRE(c[2].commit() == c[2].last());
    REQUIRE_FALSE(c[1].leads());
}

TEST_CASE("A removed server campaigns, step by step: its own vote does not count") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1[2 3 4]"}});
    REQUIRE(raft_role(c[1].handle()) == -1);
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE(c[1].term() == 1); /* two votes with its own, which does not count: 1 of 3 */
    c[1].receive(3, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE(c[1].term() == 2);
    c[1].receive(3, VoteResult{.term = 2, .granted = true});
    REQUIRE_FALSE(c[1].leads());
    c[1].receive(4, VoteResult{.term = 2, .granted = true});
    REQUIRE(c[1].leads());
    /* It commits with two of {2, 3, 4}, without itself, and steps down. */
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[1].commit() == 1);
    c[1].receive(4, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE("A server whose removal is known to be committed does not campaign") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1[2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2});
    c.drop();
    c.expire(1);
    REQUIRE(c[1].leader() == 0);
    REQUIRE(c[1].deadline() == kNoDeadline);
    c.sleep(100000);
    c[1].ignores(event::timeout());
    /* After a restart it does not know that any more, and campaigns again. */
    c[1].restart();
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("A cluster shrinks to one server and grows again") {
    Cluster c("1 2 3", 1);
    c[1].reconfigure("1 2");
    c.run(300);
    c[1].reconfigure("1");
    c.run(300);
    REQUIRE(c[1].commit() == 4);
    c[2].crash();
    c[3].crash();
    c[1].submit();
    REQUIRE(c[1].commit() == 5);
    c.run(3000);
    REQUIRE(c[1].leads()); /* the quorum of one is the leader itself */
    c.add({.id = 4});
    c[1].reconfigure("1 4s");
    c.run(500);
    c[1].reconfigure("1 4");
    c.run(1000);
    REQUIRE(c[4].commit() == c[1].commit());
    REQUIRE(c[1].commit() == 7);
}

TEST_CASE("A standby whose removal is not known to be committed does not campaign (§4.2.2)") {
    Cluster c({{.id = 4, .log = "1[1 2 3 4s] 1[1 2 3]"}});
    REQUIRE(raft_role(c[4].handle()) == -1);
    REQUIRE(c[4].deadline() == kNoDeadline);
}

TEST_CASE("A leader can take a snapshot while a removal is not committed") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1"}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 4});
    REQUIRE(c[1].commit() == 4);
    c[1].reconfigure("1 2");
    c[1].take_snapshot(4);
    REQUIRE(raft_snapshot_index(c[1].handle()) == 4);
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
}

TEST_CASE("A leader announces the commit of its removal before it steps down") {
    Cluster c("1 2 3", 1);
    c[1].reconfigure("2 3");
    const raft_index removal = c[1].last();
    c.deliver();
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c[2].commit() == removal);
    REQUIRE(c[3].commit() == removal);
}

TEST_CASE("A removed server that lacks compacted entries is sent the snapshot (§4.2.1, §5.1)") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4]", .set = [](raft *r) {
                    raft_set_max_inflight_entries(r, 2);
                }}});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4}, AppendResult{.term = 2, .last = 2});
    c[1].submit(6);
    for (raft_index acknowledged : {4, 6, 8}) {
        c[1].receive({2, 3}, AppendResult{.term = 2, .last = acknowledged});
    }
    REQUIRE(c[1].commit() == 8);
    c[1].take_snapshot(8);
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c[1].progress(4).next == 5); /* its window is closed */
    c[1].reconfigure("1 2 3");
    c.drop();
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 9});
    REQUIRE(c[1].commit() == 9);
    REQUIRE(c.take(1, 4, RAFT_INSTALL_SNAPSHOT)->install_snapshot.last_index == 8);
    c.expire(1);
    REQUIRE(c.count(1, 4) == 0); /* it is a member no more */
}
