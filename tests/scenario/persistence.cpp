/* SPDX-License-Identifier: MIT */
/* What counts as stored: asynchronous acknowledgements and their tickets (§3.8, §10.2.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("A sole voter commits only what its disk has acknowledged") {
    Cluster c({{.id = 1, .log = "1[1]"}});
    c[1].slow = true;
    c[1].checks_storage = false;
    c[1].submit(2);
    REQUIRE(c[1].last() == 4);
    REQUIRE(c[1].commit() == 2);
    c[1].step(event::persisted(3));
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[1].stored() == 3);
    c[1].step(event::persisted(4));
    REQUIRE(c[1].commit() == 4);
}

TEST_CASE("A quorum may commit before the leader's own disk is done") {
    Cluster c("1 2 3", 1);
    c[1].slow = true;
    c[1].submit();
    c.deliver();
    REQUIRE(c[1].commit() == 3); /* S2 and S3 have stored it */
    REQUIRE(c[1].stored() == 2);
    REQUIRE(c[1].match(1) == 2);
    c[1].store();
    REQUIRE(c[1].match(1) == 3);
}

TEST_CASE("A follower's entries do not count until its disk acknowledges them") {
    Cluster c("1 2 3", 1);
    c.isolate(3);
    c[2].slow = true;
    c[1].submit();
    c.run(300); /* it answers heartbeats */
    REQUIRE(c[1].leads());
    REQUIRE(c[1].commit() == 2);
    REQUIRE(c[1].match(2) == 2);
    c[2].store();
    c.deliver();
    REQUIRE(c[1].commit() == 3);
}

TEST_CASE("Unacknowledged entries may be lost in a crash: no commit depends on them") {
    Cluster c("1 2 3", 1);
    c[2].slow = true;
    c.isolate(3);
    c[1].submit(2);
    c.deliver();
    REQUIRE(c[2].last() == 4);
    c[2].crash(); /* nothing of it reached the disk */
    c[2].restart();
    REQUIRE(c[2].last() == 2);
    c[2].slow = false;
    c.run(1000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[2].log == c[1].log);
}

TEST_CASE("Acknowledgements of removed entries are ignored") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1 1 1"});
    c[1].receive(3, AppendEntries{.term = 2, .prev = {2, 1}, .log = "2b"});
    REQUIRE(c[1].last() == 3);
    c.drop();
    c[1].ignores(event::persisted(5));
    REQUIRE(c[1].stored() == 2);
    c[1].ignores(event::persisted(0));
    c[1].ignores(event::persisted(~0ull));
    c[1].ignores(event::persisted(1)); /* acknowledged before */
}

/* Entry 3 is written, replaced, and replaced again by the very same entry. Then the disk
 * acknowledges the first write of it: the second one may not have happened yet, and the
 * disk may hold the entry in between. Index and term match; only the ticket tells. */
TEST_CASE("An acknowledgement whose index and term match again after two rewrites is stale") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5] 1"}});
    c[1].slow = true;
    c[1].checks_storage = false;
    c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .log = "2"});
    const auto first = c[1].update.entries.write;
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 1}, .log = "3"});
    const auto second = c[1].update.entries.write;
    /* S4 leads term 4 and has entry 3 of term 2 in its log. */
    c[1].receive(4, AppendEntries{.term = 4, .prev = {2, 1}, .log = "2"});
    const auto third = c[1].update.entries.write;
    REQUIRE(first < second);
    REQUIRE(second < third);
    REQUIRE(c[1].terms() == "1 1 2");
    c.drop();
    c[1].ignores(event::stored(3, first));
    c[1].ignores(event::stored(3, second));
    REQUIRE(c[1].stored() == 2);
    REQUIRE(c.count(1, 4) == 0); /* the leader got no result */
    c[1].step(event::stored(3, third));
    REQUIRE(c[1].stored() == 3);
    REQUIRE(c.take(1, 4)->append_entries_result.last_log_index == 3);
}

TEST_CASE("Tickets of appends without a rewrite are valid in any order") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    c[1].slow = true;
    c[1].checks_storage = false;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1"});
    const auto first = c[1].update.entries.write;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}, .log = "1"});
    const auto second = c[1].update.entries.write;
    c[1].step(event::stored(3, first));
    REQUIRE(c[1].stored() == 3);
    c[1].step(event::stored(4, second));
    REQUIRE(c[1].stored() == 4);
    c[1].ignores(event::stored(3, first));
}

TEST_CASE("In a cluster, a slow disk acknowledges writes across two leaders") {
    Cluster c("1 2 3", 1);
    c[1].slow = true;
    c.isolate(1);
    c[1].submit(2); /* written and not acknowledged; another leader replaces them */
    c.sleep(2500);
    c.elect(2);
    c[2].submit(1);
    c.deliver();
    c.heal();
    c.run(300);
    REQUIRE(c[1].leader() == 2);
    REQUIRE(c[1].stored() == 2);
    c[1].store(); /* the old write: stale */
    REQUIRE(c[1].stored() == 2);
    c[1].store_all();
    REQUIRE(c[1].stored() == c[1].last());
    c.run(300);
    REQUIRE(c[2].match(1) == 4);
}

TEST_CASE("Term and vote come before the messages that depend on them") {
    Cluster c("1 2 3");
    c.sleep(3000);
    c[2].receive(1, RequestVote{.term = 5, .last = {1, 1}});
    REQUIRE(c[2].update.flags == (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR |
                                  RAFT_UPDATE_MESSAGES | RAFT_UPDATE_TIMEOUT));
    REQUIRE(c[2].disk.term == 5);
    REQUIRE(c[2].disk.vote == 1);
    c[2].restart();
    REQUIRE(c[2].term() == 5);
    REQUIRE(c[2].vote() == 1);
}

TEST_CASE(
    "Entries of a former leader are not acknowledged to a new one that has not matched them") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {0, 0}, .log = "1[1 2 3]"});
    c[1].receive(3, AppendEntries{.term = 2, .prev = {5, 2}});
    c[1].store();
    REQUIRE(c[1].stored() == 1);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_MESSAGES));
}

TEST_CASE("A write that a snapshot replaced acknowledges nothing of what follows it") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1"});
    const unsigned long long old = c[1].update.entries.write;
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {4, 1}});
    c[1].disk.finish(); /* its acknowledgement comes late */
    c[1].store();
    REQUIRE(c[1].stored() == 4);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {4, 1}, .log = "1"});
    REQUIRE(c[1].last() == 5);
    c[1].ignores(event::stored(5, old));
    REQUIRE(c[1].stored() == 4);
}

TEST_CASE("A read with the number of a ticket acknowledges no write") {
    Cluster c("1 2 3", 1);
    c.run(300);
    c[1].slow = true;
    const raft_index index = c[1].submit();
    REQUIRE(c[1].stored() == index - 1);
    c[1].read(index, true);
    REQUIRE(c[1].stored() == index - 1);
}
