/* SPDX-License-Identifier: MIT */
/* Cluster membership, one server at a time (§4.1, §4.2). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("A change takes effect when it is appended") {
    Cluster c("1 2 3", 1);
    c[1].slow = true;
    c[1].reconfigure("1 2 3 4");
    REQUIRE(c[1].conf() == "1 2 3 4");
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
    REQUIRE(c[1].commit() == 2);
    /* The payload is the library's, in the published encoding. */
    REQUIRE(c[1].update.entries.n == 1);
    REQUIRE(c[1].update.entries.batch[0].batch == nullptr);
    REQUIRE(c[1].update.entries.batch[0].type == RAFT_CHANGE);
    REQUIRE(c[1].log.entries.back().bytes() == encode("1 2 3 4"));
    REQUIRE(c[1].log.entries.back().bytes().size() % 8 == 0);
    /* The change is in force: two of four are no majority. */
    c.isolate(3);
    c[1].store_all();
    c.deliver();
    REQUIRE(c[2].conf() == "1 2 3 4");
    REQUIRE(c[1].commit() == 2);
    c.heal();
    c.run(500);
    REQUIRE(c[1].commit() == 3);
}

TEST_CASE("A new server receives the log and votes") {
    Cluster c("1 2 3", 1);
    c[1].submit(5);
    c.run(200);
    c.add({.id = 4});
    c[1].reconfigure("1 2 3 4s");
    c.run(1000);
    REQUIRE(c[4].log == c[1].log);
    REQUIRE(raft_role(c[4].handle()) == RAFT_STANDBY);
    c[1].reconfigure("1 2 3 4");
    c.run(1000);
    REQUIRE(raft_role(c[4].handle()) == RAFT_VOTER);
    /* 4 and 3 and 2 can go on without 1. */
    c.isolate(1);
    c.run(8000);
    REQUIRE(c.leader() != 1);
    REQUIRE(c.leader() != 0);
}

TEST_CASE("A change that is truncated is rolled back") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1[1 2 3 4s] 1 1[2 3 4]"}});
    REQUIRE(c[1].conf() == "2 3 4");
    REQUIRE(raft_role(c[1].handle()) == -1);
    c[1].receive(2, AppendEntries{.term = 2, .prev = {4, 1}, .log = "2"});
    REQUIRE(c[1].conf() == "1 2 3 4s");
    REQUIRE(raft_role(c[1].handle()) == RAFT_VOTER);
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2 3");
}

TEST_CASE(
    "With several configurations in one AppendEntries the last is in force; each can be restored") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(
        2,
        AppendEntries{
            .term = 2, .prev = {1, 1}, .log = "2b 2[1 2 3 4s] 2 2[1 2 3 4] 2[1 2 4]", .commit = 3});
    REQUIRE(c[1].conf() == "1 2 4");
    raft_configuration conf{};
    raft_index since = 0;
    REQUIRE(raft_configuration_at(c[1].handle(), 4, &conf, &since) == 0);
    REQUIRE(Configuration(conf).str() == "1 2 3 4s");
    REQUIRE(since == 3);
    c[1].receive(3, AppendEntries{.term = 3, .prev = {5, 2}, .log = "3 3[1 2 3 4 5s] 3[1 3 4]"});
    REQUIRE(c[1].conf() == "1 3 4");
    c[1].receive(4, AppendEntries{.term = 4, .prev = {7, 3}, .log = "4"});
    REQUIRE(c[1].conf() == "1 2 3 4 5s");
    c[1].receive(2, AppendEntries{.term = 5, .prev = {5, 2}, .log = "5"});
    REQUIRE(c[1].conf() == "1 2 3 4");
    c[1].receive(3, AppendEntries{.term = 6, .prev = {4, 2}, .log = "6"});
    REQUIRE(c[1].conf() == "1 2 3 4s");
    /* A restart reads them all again. */
    c[1].restart();
    REQUIRE(c[1].conf() == "1 2 3 4s");
}

TEST_CASE("At most one change is uncommitted: the leader's own") {
    Cluster c("1 2 3", 1);
    c.isolate(2);
    c.isolate(3);
    c[1].reconfigure("1 2 3 4s");
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3 4s 5s"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 2 3"));
    c.heal();
    c.run(500);
    REQUIRE(c[1].commit() == 3);
    c[1].reconfigure("1 2 3 4s 5s");
}

TEST_CASE("At most one change is uncommitted: an inherited one") {
    /* Server 2 inherits the change at 2, which is not committed. */
    Cluster c({{.id = 2, .log = "1[1 2 3] 1[1 2 3 4s]"}});
    c.win(2, {3});
    REQUIRE(c[2].commit() == 1);
    c[2].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3"));
    c[2].receive(3, AppendResult{.term = 2, .last = 2});
    REQUIRE(c[2].commit() == 1); /* on a majority, but of an older term */
    c[2].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3"));
    c[2].receive(3, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[2].commit() == 3);
    c[2].reconfigure("1 2 3");
}

TEST_CASE("No change before an entry of the leader's own term is committed") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    c.win(1, {2});
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3 4s"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 2"));
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    c[1].change("1 2");
    REQUIRE(c[1].conf() == "1 2");
}

TEST_CASE("Any number of standbys and spares may be added and removed in one step") {
    Cluster c("1 2 3", 1);
    c[1].reconfigure("1 2 3 4s 5s 6p 7p");
    c.deliver();
    REQUIRE(c[1].commit() == 3);
    c[1].reconfigure("1 2 3 7s 8p"); /* this needs no joint consensus */
    REQUIRE(c[1].conf() == "1 2 3 7s 8p");
    c.deliver();
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].last() == 4);
}

TEST_CASE("A member may change its address") {
    Cluster c("1 2 3", 1);
    Configuration moved("1 2 3");
    moved.members[1].address = intern("far away");
    c[1].reconfigure(moved);
    REQUIRE(c[1].conf() == "1 2@far away 3");
    c.drop();
    c.expire(1); /* the judge checks the address of every message */
    REQUIRE(c.count(1, 2) == 1);
    c.run(300);
    REQUIRE(c[2].conf() == "1 2@far away 3");
    const char *address = nullptr;
    raft_leader(c[3].handle(), nullptr, &address);
    REQUIRE(std::string(address) == "s1");
}

TEST_CASE("The payload of a submitted change is handed through") {
    Cluster c("1 2 3", 1);
    c[1].slow = true;
    const Event e = event::change("1 2 3 4s");
    c[1].step(e);
    REQUIRE(c[1].conf() == "1 2 3 4s");
    REQUIRE(c[1].update.entries.batch[0].batch == e.entries[0].payload);
    REQUIRE(c[1].log.entries.back().bytes() == encode("1 2 3 4s"));
}

TEST_CASE("RAFT_CONFIGURATION is accepted and changes nothing") {
    Cluster c("1 2 3");
    c[1].ignores(event::configuration(1));
    c[1].ignores(event::configuration(0));
    c[1].refuses(RAFT_INVALID, event::configuration(2));
    c.elect(1);
    c[1].ignores(event::configuration(2));
    c[1].refuses(RAFT_INVALID, event::configuration(3));
}

TEST_CASE("A promoted server does not count for entries it has not stored") {
    Cluster c("1 2", 1);
    c.add({.id = 3});
    c.cut(1, 3);
    c[1].submit(5);
    c.run(200);
    c[1].reconfigure("1 2 3");
    c.cut(1, 2);
    c.run(200);
    c.heal();
    REQUIRE(c[1].commit() < c[1].last());
    c.run(1500);
    REQUIRE(c[3].log == c[c.leader()].log);
}

TEST_CASE("All truncated changes are rolled back") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 2[1 2 3 4s] 2[1 2 3 4s 5s] 2"}});
    REQUIRE(c[1].conf() == "1 2 3 4s 5s");
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2 3");
    REQUIRE(c[1].terms() == "1 3");
}

TEST_CASE("A known leader can replace entries, and configurations among them") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 2[1 2 3 4s] 2"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}});
    REQUIRE(c[1].leader() == 2);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2 3");
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
}
