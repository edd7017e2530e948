/* SPDX-License-Identifier: MIT */
/* Transferring leadership (§3.10). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("An up-to-date target gets TimeoutNow at once and campaigns without waiting") {
    Cluster c("1 2 3", 1);
    c.run(200);
    const raft_term term = c[1].term();
    const raft_time before = c.now;
    c[1].transfer(2);
    REQUIRE(raft_transferee(c[1].handle()) == 2);
    REQUIRE(c[1].flag(RAFT_UPDATE_TRANSFER));
    auto now = c.take(1, 2, RAFT_TIMEOUT_NOW);
    REQUIRE(now->timeout_now.term == term);
    REQUIRE(now->timeout_now.last_log_index == 2);
    REQUIRE(now->timeout_now.last_log_term == term);
    REQUIRE(now->timeout_now.version == 0);
    c.hand(now);
    /* It asks for no pre-votes, and has the leader's permission to disrupt it. */
    REQUIRE(c[2].term() == term + 1);
    auto request = c.take(2, 3, RAFT_REQUEST_VOTE);
    REQUIRE_FALSE(request->request_vote.pre_vote);
    REQUIRE(request->request_vote.disrupt_leader);
    c.hand(request);
    c.deliver();
    REQUIRE(c[2].leads());
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(raft_transferee(c[1].handle()) == 0);
    REQUIRE(c.now == before);
}

TEST_CASE("A target that lags first receives the missing entries") {
    Cluster c("1 2 3", 1);
    c.run(200);
    c.hold(1, 2);
    c[1].submit(3);
    c.deliver();
    c[1].transfer(2);
    c.release();
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(m.entries.size() == 3);
    REQUIRE(c.count(1, 2) == 0); /* no TimeoutNow yet */
    c.hand(m);
    c.deliver();
    c.run(100);
    REQUIRE(c[2].leads());
    REQUIRE(c[2].terms() == "1 2 2 2 2 3");
}

TEST_CASE("No entries are accepted during a transfer") {
    Cluster c("1 2 3", 1);
    c.isolate(2);
    c[1].submit();
    c[1].transfer(2);
    c[1].refuses(RAFT_NOTLEADER, event::submit(1));
    c[1].refuses(RAFT_BUSY, event::transfer(3));
    c[1].refuses(RAFT_BUSY, event::transfer(0));
    REQUIRE(c[1].leads());
    REQUIRE(c[1].leader() == 1);
    SECTION("the transfer is aborted after an election timeout") {
        const raft_time began = c.now;
        while (raft_transferee(c[1].handle()) != 0 && c.now < began + 5000) {
            c.run(50);
        }
        REQUIRE(c.now >= began + 1000);
        REQUIRE(c.now <= began + 2100);
        REQUIRE(c[1].leads());
        c[1].submit();
        c[1].transfer(3);
    }
}

TEST_CASE("Without a target, leadership goes to the most up-to-date voter") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5s]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = 2});
    c[1].submit(5);
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    c[1].receive(3, AppendResult{.term = 2, .last = 5});
    c[1].receive(4, AppendResult{.term = 2, .last = 4});
    c[1].receive(5, AppendResult{.term = 2, .last = 7}); /* a standby cannot lead */
    c[1].transfer(0);
    REQUIRE(raft_transferee(c[1].handle()) == 3);
}

TEST_CASE("A transfer to an unknown server, to itself, to a non-voter, or without another voter") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p]"}});
    c[1].refuses(RAFT_NOTLEADER, event::transfer(2));
    c.win(1, {2, 3});
    c[1].refuses(RAFT_BADID, event::transfer(1));
    c[1].refuses(RAFT_BADID, event::transfer(9));
    c[1].refuses(RAFT_BADROLE, event::transfer(4));
    c[1].refuses(RAFT_BADROLE, event::transfer(5));
    Cluster alone({{.id = 1, .log = "1[1 2s]"}});
    REQUIRE(alone[1].leads());
    alone[1].refuses(RAFT_NOTFOUND, event::transfer(0));
    alone[1].refuses(RAFT_BADROLE, event::transfer(2));
    alone[1].refuses(RAFT_BADID, event::transfer(1));
}

TEST_CASE("A TimeoutNow of an old term, or to a server that cannot lead, does nothing") {
    Cluster c({{.id = 1, .term = 5, .log = "1[1 2 3]"}});
    c[1].receive(2, TimeoutNow{.term = 4, .last = {1, 1}});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == 5);
    Cluster d({{.id = 1, .log = "1[1s 2 3]"}});
    d[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    d[1].receive(2, TimeoutNow{.term = 1, .last = {1, 1}});
    REQUIRE(d[1].state() == RAFT_FOLLOWER);
    REQUIRE(d[1].term() == 1);
}

TEST_CASE("A transfer ends when leadership is lost") {
    Cluster c("1 2 3", 1);
    c.isolate(2);
    c[1].submit();
    c[1].transfer(2);
    c[1].receive(3, AppendEntries{.term = 9, .prev = {2, 2}});
    REQUIRE(raft_transferee(c[1].handle()) == 0);
    REQUIRE(c[1].flag(RAFT_UPDATE_TRANSFER));
}

TEST_CASE("The target is elected although its voters have just heard from the leader") {
    Cluster c("1 2 3", 1);
    c.run(200);
    c.isolate(3); /* S2 needs the vote of S1 itself */
    c[1].transfer(2);
    c.deliver();
    c.run(200);
    REQUIRE(c[2].leads());
    REQUIRE(c[1].leader() == 2);
}

TEST_CASE("A transfer's target campaigns only when its log is durable up to the named entry") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1"});
    c[1].receive(2, TimeoutNow{.term = 1, .last = {2, 1}});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    c[1].store();
    c[1].receive(2, TimeoutNow{.term = 1, .last = {2, 1}});
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}
