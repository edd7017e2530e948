/* SPDX-License-Identifier: MIT */
/* A server is not added under an ID that the leader's log or snapshot has. If the server behind it
 * lost its disk, it would replay a configuration in which it votes, although it no longer has what
 * it acknowledged before: §3.4 and §4.1 rest on votes and entries that are never forgotten. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Server 1 leads {1 2 3} in term 2, and then removes 3. Entry 1 has 3, entry 3 does not. */
struct Removed : Cluster {
    Removed() : Cluster({{.id = 1, .log = "1[1 2 3]"}}) {
        win(1, {2, 3});
        store({2, 3});
        (*this)[1].reconfigure("1 2");
        store({2});
        REQUIRE((*this)[1].commit() == 3);
        REQUIRE((*this)[1].last() == 3);
    }
    void store(const std::vector<raft_id> &ids) {
        for (raft_id id : ids) {
            (*this)[1].receive(id, AppendResult{.term = 2, .last = (*this)[1].last()});
        }
        drop();
    }
    void lead_again() {
        expire(1);
        for (bool pre_vote : {true, false}) {
            (*this)[1].receive(2, VoteResult{.term = 3, .granted = true, .pre_vote = pre_vote});
        }
        (*this)[1].receive(2, AppendResult{.term = 3, .last = (*this)[1].last()});
    }
    void refuses(const char *conf) {
        (*this)[1].refuses(RAFT_BADID, event::reconfigure(conf));
        (*this)[1].refuses(RAFT_BADID, event::change(conf));
    }
};

} // namespace

TEST_CASE("The founder that was removed and emptied is not added again under its ID") {
    Cluster c({Draw{.id = 1, .log = "1[1]"}, Draw{.id = 2}, Draw{.id = 3}});
    c[1].reconfigure("1 2s 3s");
    c.run(200);
    c[1].reconfigure("1 2 3s");
    c.run(200);
    c[1].reconfigure("1 2 3");
    c.run(200);
    c[1].reconfigure("2 3");
    c.run(5000);
    const raft_id leader = c.leader();
    REQUIRE(leader > 1);
    /* With entry 1 it would be the sole voter again, and could elect itself. */
    c[leader].refuses(RAFT_BADID, event::reconfigure("1s 2 3"));
    c[leader].refuses(RAFT_BADID, event::change("1s 2 3"));
    c[leader].take_snapshot(c[leader].commit());
    c[leader].reconfigure("1s 2 3"); /* nothing can bring entry 1 any more */
}

TEST_CASE("An ID in a configuration entry of the log cannot be added, in any role") {
    Removed c;
    for (const char *conf : {"1 2 3", "1 2 3s", "1 2 3p"}) {
        c.refuses(conf);
    }
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 3 4")); /* two voters change */
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 3s 4 5"));
    SECTION("another ID can") { c[1].reconfigure("1 2 4s"); }
    SECTION("force waives it") {
        c[1].force("1 2 3s");
        REQUIRE(c[1].conf() == "1 2 3s");
    }
    SECTION("an ID that a joint change brings, too") {
        c[1].reconfigure("1 2 4s 5s");
        c[1].receive({2, 4, 5}, AppendResult{.term = 2, .last = c[1].last()});
        c[1].refuses(RAFT_BADID, event::reconfigure("1 3p 4 5"));
        c[1].reconfigure("1 4 5");
        c.store({2, 4, 5});
        c.store({2, 4, 5});
        REQUIRE(c[1].conf() == "1 4 5");
        c[1].refuses(RAFT_BADID, event::reconfigure("1 2s 4 5")); /* it was outgoing */
    }
}

TEST_CASE("A member is not added, whatever the log says of it") {
    Removed c;
    c[1].reconfigure("1 2s");
    c.store({2});
    c[1].reconfigure("1 2"); /* it was a voter, a standby, and is a voter again */
    REQUIRE(c[1].conf() == "1 2");
}

TEST_CASE("An ID can be added when log and snapshot have it no more") {
    Removed c;
    SECTION("the snapshot has it") {
        c[1].take_snapshot(2);
        REQUIRE(raft_first_index(c[1].handle()) == 3);
        c.refuses("1 2 3s");
    }
    SECTION("a trailing entry has it, though the snapshot does not") {
        c[1].take_snapshot(3, 3);
        REQUIRE(raft_first_index(c[1].handle()) == 1);
        c.refuses("1 2 3s");
        SECTION("after a restart, too") {
            c[1].restart();
            REQUIRE(raft_first_index(c[1].handle()) == 1);
            c.lead_again();
            c.refuses("1 2 3s");
        }
    }
    SECTION("the trailing entries begin after it") {
        c[1].take_snapshot(3, 2);
        REQUIRE(raft_first_index(c[1].handle()) == 2);
        c[1].reconfigure("1 2 3s");
    }
    SECTION("there are no trailing entries") {
        c[1].take_snapshot(3);
        SECTION("before a restart") {}
        SECTION("after a restart") {
            c[1].restart();
            c.lead_again();
        }
        c[1].change("1 2 3s");
    }
}

TEST_CASE("Each configuration between the trailing entries and the snapshot counts") {
    /* Server 3 is in entry 1 only, 4 in entry 2, 5 in the snapshot's configuration of entry 3. */
    Cluster c({Draw{.id = 1,
                    .log = "1[1 2 3] 1[1 2 4s] 1[1 2 5s] 1[1 2] 1",
                    .snapshot = {3, 1},
                    .conf = "1 2 5s",
                    .conf_index = 3}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = 2, .last = 6});
    REQUIRE(raft_first_index(c[1].handle()) == 1);
    for (const char *conf : {"1 2 3s", "1 2 4s", "1 2 5s"}) {
        c[1].refuses(RAFT_BADID, event::reconfigure(conf));
    }
    raft_configuration found{};
    raft_index since = 0;
    REQUIRE(raft_configuration_at(c[1].handle(), 3, &found, &since) == 0);
    REQUIRE(Configuration(found).str() == "1 2 5s");
    REQUIRE(raft_configuration_at(c[1].handle(), 2, &found, &since) == RAFT_NOTFOUND);
    c[1].take_snapshot(5, 4); /* entries 2 to 6 */
    c[1].refuses(RAFT_BADID, event::reconfigure("1 2 4s"));
    c[1].reconfigure("1 2 3s");
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = c[1].last()});
    c[1].take_snapshot(7, 1);
    c[1].reconfigure("1 2 3s 4s 5s");
}

TEST_CASE("A leader that received the log checks it as the one that wrote it") {
    Cluster c("1 2 3 4", 1);
    c[1].reconfigure("1 2 3");
    c.run(300);
    c.isolate(1);
    c.run(10000);
    const raft_id leader = c.leader();
    REQUIRE(leader > 1);
    c[leader].refuses(RAFT_BADID, event::reconfigure("1 2 3 4s"));
}

TEST_CASE("An ID of a change that was rolled back can be added") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1[1 2 3 4s]"}});
    c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .log = "2"});
    REQUIRE(c[1].conf() == "1 2 3");
    c.win(1, {2});
    c[1].receive({2, 3}, AppendResult{.term = 3, .last = c[1].last()});
    c[1].reconfigure("1 2 3 4s");
}
