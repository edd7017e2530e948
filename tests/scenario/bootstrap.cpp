/* SPDX-License-Identifier: MIT */
/* Bootstrapping a cluster (§4.4). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("A pristine server bootstraps a cluster of one and leads it") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].bootstrap("1");
    REQUIRE(c[1].term() == 1);
    REQUIRE(c[1].terms() == "1");
    REQUIRE(c[1].update.entries.index == 1);
    REQUIRE(c[1].update.entries.batch[0].type == RAFT_CHANGE);
    REQUIRE(c[1].update.entries.batch[0].batch == nullptr);
    REQUIRE(c[1].log.entries[0].bytes() == encode("1"));
    REQUIRE(c[1].conf() == "1");
    c[1].slow = false;
    c[1].store_all();
    REQUIRE(c[1].leads()); /* as soon as entry 1 is durable */
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].commit() == 2);
    c[1].submit();
    REQUIRE(c[1].commit() == 3);
    c[1].restart();
    REQUIRE(c[1].leads());
}

TEST_CASE("One of three servers is bootstrapped and sends entry 1 to the others") {
    Cluster c({{.id = 1}, {.id = 2}, {.id = 3}});
    c[1].bootstrap("1 2 3");
    c.run(5000);
    REQUIRE(c.leader() == 1);
    for (raft_id id : {2, 3}) {
        REQUIRE(c[id].log == c[1].log);
        REQUIRE(c[id].commit() == c[1].commit());
        REQUIRE(c[id].conf() == "1 2 3");
    }
}

TEST_CASE("Three servers are bootstrapped with equal configurations") {
    Cluster c({{.id = 1}, {.id = 2}, {.id = 3}});
    for (raft_id id : {1, 2, 3}) {
        c[id].bootstrap("1 2 3");
    }
    c.run(5000);
    REQUIRE(c.leader() != 0);
    REQUIRE(c[c.leader()].commit() >= 2);
}

TEST_CASE("A server with term 1 and nothing else can be bootstrapped") {
    Cluster c({Draw{.id = 1, .term = 1}});
    c[1].bootstrap("1 2 3");
    REQUIRE(c[1].term() == 1);
    REQUIRE(c[1].conf() == "1 2 3");
}

TEST_CASE("A server with a later term, a vote, a log or a snapshot cannot be bootstrapped") {
    for (const Draw &d :
         std::vector<Draw>{{.id = 1, .term = 2},
                           {.id = 1, .term = 1, .vote = 2},
                           {.id = 1, .log = "1[1 2 3]"},
                           {.id = 1, .term = 1, .snapshot = {1, 1}, .conf = "1 2 3"}}) {
        Cluster c({d});
        c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1 2 3"));
    }
    Cluster c({Draw{.id = 1}});
    c[1].bootstrap("1 2");
    c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1 2"));
}

TEST_CASE("The bootstrap configuration must be legal") {
    Cluster c({Draw{.id = 1}});
    c[1].refuses(RAFT_BADID, event::bootstrap("2 3"));
    c[1].refuses(RAFT_BADID, event::bootstrap("1 0"));
    c[1].refuses(RAFT_DUPLICATEID, event::bootstrap("1 2 2"));
    c[1].refuses(RAFT_BADROLE, event::bootstrap("1 2 3i"));
    c[1].refuses(RAFT_INVALID, event::bootstrap("1s 2p"));
    Configuration twins("1 2 3");
    twins.members[2].address = twins.members[1].address;
    c[1].refuses(RAFT_DUPLICATEADDRESS, event::bootstrap(twins));
    c[1].bootstrap("1 2 3");
}

TEST_CASE("A bootstrapped standby waits for the voters") {
    Cluster c({{.id = 1}, {.id = 2}});
    c[1].bootstrap("1s 2");
    c[2].bootstrap("1s 2");
    c.run(3000);
    REQUIRE(c[2].leads());
    REQUIRE(c[1].commit() == c[2].commit());
}
