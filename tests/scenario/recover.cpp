/* SPDX-License-Identifier: MIT */
/* Disaster recovery, after a quorum was lost for good. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("One survivor of three continues alone") {
    Cluster c("1 2 3", 1);
    c[1].submit(3);
    c.run(200);
    c[1].crash();
    c[2].crash();
    c.run(10000);
    REQUIRE_FALSE(c[3].leads());
    const raft_term term = c[3].term();
    c[3].step(event::recover("3"));
    REQUIRE(c[3].term() > term); /* a new term */
    REQUIRE(c[3].log.at(6).type() == RAFT_CHANGE);
    REQUIRE(c[3].log.at(6).term > term);
    REQUIRE(c[3].conf() == "3");
    REQUIRE(c[3].disk.term == c[3].term());
    c.run(5000);
    REQUIRE(c[3].leads());
    REQUIRE(c[3].commit() == c[3].last());
    c[3].submit();
    REQUIRE(c[3].commit() == c[3].last());
    /* The recovered server can grow a cluster again. */
    c.add({.id = 4});
    c[3].reconfigure("3 4s");
    c.run(500);
    c[3].reconfigure("3 4");
    c.run(500);
    REQUIRE(c[4].commit() == c[3].commit());
}

TEST_CASE("Two survivors of five: one is recovered, the other follows its log") {
    Cluster c("1 2 3 4 5", 1);
    c[1].submit(3);
    c.run(200);
    for (raft_id id : {1, 2, 3}) {
        c[id].crash();
    }
    c.run(3000);
    c[4].step(event::recover("4 5"));
    c.run(10000);
    REQUIRE(c.leader() == 4);
    REQUIRE(c[5].conf() == "4 5");
    REQUIRE(c[5].commit() == c[4].commit());
}

TEST_CASE("The term of a recovery belongs to the server that recovered") {
    /* Its entry is of that term: no other server may lead in it. */
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2]"}});
    c[1].step(event::recover("1 2"));
    REQUIRE(c[1].term() == 2 + (1 << 20));
    REQUIRE(c[1].vote() == 1);
    REQUIRE(c[1].disk.vote == 1);
}

TEST_CASE("A recovery uses no term of the lost servers again (§3.6.3)") {
    /* Server 3 led term 24, and the survivor has not heard of it. */
    Cluster c({{.id = 1, .term = 8, .log = "1[1 2 3] 8"}});
    c[1].step(event::recover("1"));
    c.run(5000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() > 1000000);
    c[1].receive(3, AppendEntries{.term = 24, .prev = {2, 8}, .log = "24"}); /* it comes back */
    REQUIRE(c[1].leads());
    REQUIRE(c.take(1, 3)->append_entries_result.term == c[1].term());
}

TEST_CASE("A recovery survives a restart") {
    Cluster c({{.id = 3, .term = 7, .log = "1[1 2 3] 1 4"}});
    c[3].step(event::recover("3"));
    c[3].restart();
    REQUIRE(c[3].conf() == "3");
    c.run(5000);
    REQUIRE(c[3].leads());
}

TEST_CASE("A leader cannot be recovered, and the configuration must be legal") {
    Cluster c("1 2 3");
    c[2].refuses(RAFT_BADID, event::recover("1 3"));
    c[2].refuses(RAFT_BADID, event::recover("0 2"));
    c[2].refuses(RAFT_DUPLICATEID, event::recover("2 3 3"));
    c[2].refuses(RAFT_BADROLE, event::recover("2 3o"));
    c[2].refuses(RAFT_INVALID, event::recover("2s"));
    c[2].refuses(RAFT_INVALID, event::recover(""));
    c.elect(1);
    c[1].refuses(RAFT_INVALID, event::recover("1"));
}

TEST_CASE("A partial snapshot of a lost leader does not prevent a recovery (§5.1)") {
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2s 3] 1"}});
    const std::string half = snapshot_contents({9, 2}).substr(0, 4);
    c[1].slow = true;
    c[1].receive(3, InstallSnapshot{
                        .term = 2, .last = {9, 2}, .conf = "1 2s 3", .data = half, .done = false});
    c[1].refuses(RAFT_BUSY, event::recover("1")); /* the chunk may be about to replace the log */
    c[1].slow = false;
    c[1].store();
    c[1].step(event::recover("1"));
    REQUIRE(c[1].conf() == "1");
    c.run(3000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].commit() == c[1].last());
}
