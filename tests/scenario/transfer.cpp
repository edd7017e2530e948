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
    c[1].ignores(event::transfer(1));
    c[1].refuses(RAFT_BADID, event::transfer(9));
    c[1].refuses(RAFT_BADROLE, event::transfer(4));
    c[1].refuses(RAFT_BADROLE, event::transfer(5));
    Cluster alone({{.id = 1, .log = "1[1 2s]"}});
    REQUIRE(alone[1].leads());
    alone[1].refuses(RAFT_NOTFOUND, event::transfer(0));
    alone[1].refuses(RAFT_BADROLE, event::transfer(2));
    alone[1].ignores(event::transfer(1));
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

/* --------------------------------------------------------- who can be the target */

TEST_CASE("Without a target, leadership goes to a voter that answers") {
    Cluster c("1 2 3 4 5", 1);
    c.run(200);
    SECTION("not to one that is silent for a minute, though it has the whole log") {
        c.isolate(2);
        c.isolate(3);
        c.run(60000);
        c[1].transfer(0);
        REQUIRE(raft_transferee(c[1].handle()) == 4);
        c.deliver();
        REQUIRE(c[4].leads());
    }
    SECTION("not to one that is silent for an election timeout") {
        c.expire(1);
        c.deliver();
        const raft_time heard = c.now;
        c.isolate(2);
        c.now = heard + 999;
        SECTION("a millisecond before") {
            c[1].transfer(0);
            REQUIRE(raft_transferee(c[1].handle()) == 2);
        }
        SECTION("at that time") {
            c[1].timeout(); /* 3, 4 and 5 answer a heartbeat */
            c.deliver();
            c.now = heard + 1000;
            c[1].transfer(0);
            REQUIRE(raft_transferee(c[1].handle()) == 3);
        }
    }
    SECTION("a vote of this term is an answer") {
        Cluster d({{.id = 1, .log = "1[1 2 3 4 5]"}});
        d.win(1, {4, 5}); /* 2 and 3 may be dead for long */
        d[1].transfer(0);
        REQUIRE(raft_transferee(d[1].handle()) == 4);
    }
    SECTION("to none if there is none") {
        Cluster d({{.id = 1, .log = "1[1 2 3]"}});
        d.win(1, {2, 3});
        d.sleep(1000); /* the vote of 2 was heard an election timeout ago, and nothing since */
        d[1].refuses(RAFT_NOTFOUND, event::transfer(0));
        d[1].receive(3, AppendResult{.term = 2, .last = 2});
        d[1].transfer(0);
        REQUIRE(raft_transferee(d[1].handle()) == 3);
    }
}

TEST_CASE("Leadership is not transferred to a voter that never leads") {
    constexpr unsigned short never = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_NEVER_LEADS;
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .features = never});
    c[1].refuses(RAFT_BADROLE, event::transfer(2));
    c[1].refuses(RAFT_NOTFOUND, event::transfer(0));
    c.sleep(1000); /* its role is told first, then that it is silent */
    c[1].refuses(RAFT_BADROLE, event::transfer(2));
    c[1].receive(3, AppendResult{.term = 2, .last = 1});
    c[1].transfer(0); /* the other one, though it lacks entries */
    REQUIRE(raft_transferee(c[1].handle()) == 3);
}

TEST_CASE("A named target must have been heard within an election timeout") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.win(1, {2, 3});
    const raft_time elected = c.now;
    SECTION("the election itself counts") {
        c[1].transfer(5);
        REQUIRE(raft_transferee(c[1].handle()) == 5);
    }
    SECTION("an answer counts") {
        c[1].receive({2, 3, 4}, AppendResult{.term = 2, .last = 2});
        c.now = elected + 999;
        c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
        c.now = elected + 1000;
        for (raft_id id : {4, 5}) {
            c[1].refuses(RAFT_NOCONNECTION, event::transfer(id));
        }
        c[1].submit(); /* it goes on as the leader */
        c[1].transfer(3);
        c[1].refuses(RAFT_NOCONNECTION, event::transfer(4)); /* before RAFT_BUSY */
        c[1].refuses(RAFT_BUSY, event::transfer(2));
    }
}

/* ------------------------------------------------------- giving a transfer up */

TEST_CASE("A transfer to the leader itself gives the pending transfer up") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].refuses(RAFT_NOTLEADER, event::transfer(1));
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].ignores(event::transfer(1)); /* none is pending */
    c[1].submit();
    c[1].transfer(2);
    c.drop();
    c[1].transfer(1);
    REQUIRE(c[1].flag(RAFT_UPDATE_TRANSFER));
    REQUIRE(raft_transferee(c[1].handle()) == 0);
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    REQUIRE(c.count(1, 2) == 0); /* no TimeoutNow: 2 was not told yet, and is not any more */
    c[1].ignores(event::transfer(1));
    c[1].submit(); /* entries are accepted again */
    c[1].transfer(3);
    REQUIRE(raft_transferee(c[1].handle()) == 3);
}

TEST_CASE("A target that was sent TimeoutNow may win after the transfer was given up") {
    Cluster c("1 2 3", 1);
    c.run(200);
    c[1].transfer(2);
    c[1].transfer(1);
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1)); /* for this reason there is no lease in the rest of the term */
    c.deliver();
    REQUIRE(c[2].leads());
    REQUIRE(c[1].leader() == 2);
}
