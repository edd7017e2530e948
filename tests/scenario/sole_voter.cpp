/* SPDX-License-Identifier: MIT */
/* A sole voter needs nobody's vote. It elects itself only if something shows that its configuration
 * is not an old one: otherwise a founder whose disk was emptied would lead a second cluster. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

Event campaign() { return Event(RAFT_CAMPAIGN); }

/* Leader 2 sends the log from its beginning to server 1, whose disk was emptied. */
AppendEntries first_entry() { return {.term = 7, .log = "1[1]", .commit = 9}; }

void require_silent(Cluster &c) {
    c.run(20000);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
    REQUIRE(c[1].last() == 1);
}

} // namespace

TEST_CASE("An emptied founder that replays the first entry does not elect itself (§3.6.1, §4.4)") {
    Cluster c({Draw{.id = 1}});
    SECTION("when it hears nothing more") { c[1].receive(2, first_entry()); }
    SECTION("after a restart") {
        c[1].receive(2, first_entry());
        c[1].restart();
    }
    SECTION("when its leader tells of no commit index") {
        c[1].receive(2, AppendEntries{.term = 7, .log = "1[1]"});
    }
    SECTION("when its leader is gone before the entry is durable") {
        c[1].slow = true;
        c[1].receive(2, AppendEntries{.term = 7, .log = "1[1]"});
        c[1].receive(3, VoteResult{.term = 8});
        REQUIRE(c[1].leader() == 0);
        c[1].store_all();
    }
    require_silent(c);
    /* It replays the rest, and is a voter like any other. */
    c[1].receive(3, AppendEntries{.term = 9, .prev = {1, 1}, .log = "2[1 2] 2[1 2 3] 9"});
    REQUIRE(c[1].conf() == "1 2 3");
    c[1].receive(3, AppendEntries{.term = 9, .prev = {4, 9}, .log = "9 9 9 9 9"});
    c.drop();
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("A cluster survives its emptied founder (§4.4)") {
    Cluster c({{.id = 1}, {.id = 2}, {.id = 3}});
    c[1].bootstrap("1");
    for (const char *conf : {"1 2s", "1 2", "1 2 3s", "1 2 3"}) {
        c[1].reconfigure(conf);
        c.run(300);
    }
    c[1].transfer(2);
    c.run(300);
    REQUIRE(c.leader() == 2);
    c[2].reconfigure("2 3");
    c.run(300);
    /* What a leader sends to it under its old ID, as a standby, up to the first entry. */
    const raft_term term = c[2].term();
    Cluster emptied({Draw{.id = 1}});
    emptied[1].receive(2, AppendEntries{.term = term, .log = "1[1]"});
    emptied.run(1500);
    REQUIRE_FALSE(emptied[1].leads());
    REQUIRE(emptied[1].commit() <= 1);
}

TEST_CASE("A sole voter elects itself when it starts if its log or its vote is of this term") {
    SECTION("its last entry") {
        Cluster c({{.id = 1, .term = 4, .log = "1[1] 4"}});
        REQUIRE(c[1].leads());
    }
    SECTION("its vote") {
        Cluster c({{.id = 1, .term = 5, .vote = 1, .log = "1[1] 4"}});
        REQUIRE(c[1].leads());
    }
    SECTION("its snapshot") {
        Cluster c({{.id = 1, .term = 4, .snapshot = {3, 4}, .conf = "1"}});
        REQUIRE(c[1].leads());
    }
    SECTION("neither: another server's term") {
        const raft_id vote = GENERATE(0, 2);
        Cluster c({{.id = 1, .term = 5, .vote = vote, .log = "1[1] 4"}});
        c.run(20000);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        REQUIRE(c[1].deadline() == kNoDeadline);
    }
}

TEST_CASE("By its timeout a sole voter elects itself on the same conditions") {
    /* It is not known that its second configuration is committed: it waits, like any voter. */
    const raft_term term = GENERATE(4, 5);
    Cluster c({Draw{.id = 1, .term = term, .log = "1[1 2] 4[1]"}});
    REQUIRE_FALSE(c[1].leads());
    if (term == 4) {
        c.expire(1);
        REQUIRE(c[1].leads());
    } else {
        REQUIRE(c[1].deadline() == kNoDeadline);
    }
}

TEST_CASE("RAFT_CAMPAIGN elects a sole voter without further conditions") {
    Cluster c({{.id = 1, .term = 5, .log = "1[1] 4"}});
    c.sleep(1000);
    c[1].step(campaign());
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 6);
    c[1].restart();
    REQUIRE(c[1].leads());
}

TEST_CASE("A sole voter that has led since it started leads again after a higher term") {
    Cluster c({{.id = 1, .term = 1, .log = "1[1 2s]"}});
    REQUIRE(c[1].leads());
    c[1].receive(2, AppendResult{.term = 9});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    c.expire(1);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 10);
}

TEST_CASE("Leadership under an earlier configuration is no evidence for a later one") {
    Cluster c({{.id = 1, .term = 1, .log = "1[1]"}});
    REQUIRE(c[1].leads());
    c[1].receive(2, AppendEntries{.term = 5, .prev = {2, 2}, .log = "5[1 2] 5[1]"});
    c[1].receive(2, AppendEntries{.term = 6, .prev = {4, 5}});
    c.drop();
    c.run(20000);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE("A leader that becomes the sole voter leads again after a higher term") {
    Cluster c("1 2", 1);
    c[1].reconfigure("1");
    c.run(300);
    REQUIRE(c[1].conf() == "1");
    c[1].receive(2, VoteResult{.term = 9});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    c.expire(1);
    REQUIRE(c[1].leads());
}

TEST_CASE("A removed server that campaigns does not stop a sole voter that restarts") {
    /* It is not known that the change to {1} is committed, so that server 1 waits. Server 2, which
     * was removed, raises its term meanwhile; the vote for itself shows that 1 may go on. */
    Cluster c({{.id = 1, .term = 4, .log = "1[1 2] 4[1] 4"}});
    c.sleep(1000);
    c[1].receive(2, RequestVote{.term = 8, .last = {1, 1}});
    REQUIRE(c[1].term() == 8);
    REQUIRE(c[1].vote() == 1);
    REQUIRE_FALSE(c.take(1, 2)->request_vote_result.vote_granted);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    const bool restarts = GENERATE(false, true);
    if (restarts) {
        c[1].restart();
    }
    c.expire(1);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 9);
}

TEST_CASE("A sole voter votes for a server whose log is up to date (§4.1)") {
    Cluster c({{.id = 1, .term = 4, .log = "1[1 2] 4[1] 4"}});
    c.sleep(1000);
    c[1].receive(2, RequestVote{.term = 8, .last = {3, 4}});
    REQUIRE(c[1].vote() == 2);
    REQUIRE(c.take(1, 2)->request_vote_result.vote_granted);
    c[1].receive(3, RequestVote{.term = 8, .last = {3, 4}});
    REQUIRE(c[1].vote() == 2);
}

TEST_CASE("A sole voter that hears a leader of a higher term does not vote for itself in it") {
    Cluster c({{.id = 1, .term = 4, .log = "1[1 2] 4[1] 4"}});
    c[1].receive(2, AppendEntries{.term = 8, .prev = {3, 4}});
    REQUIRE(c[1].term() == 8);
    REQUIRE(c[1].vote() == 0);
}

TEST_CASE("A sole voter that has led leads again after it followed another server") {
    Cluster c({{.id = 1, .log = "1[1 2s]"}});
    REQUIRE(c[1].leads());
    c[1].receive(3, AppendEntries{.term = 9, .prev = {1, 1}});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].vote() == 0);
    c.expire(1);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 10);
}

TEST_CASE("A sole voter votes for itself in a term that it adopts while it adds a voter (§4.2.2)") {
    Cluster c({{.id = 1, .log = "1[1 2s]"}});
    c[1].force("1 2");
    REQUIRE(c[1].conf() == "1 2");
    REQUIRE(c[1].commit() < c[1].last()); /* the change may be lost in a crash */
    c[1].receive(3, VoteResult{.term = 9});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == 9);
    REQUIRE(c[1].vote() == 1);
}
