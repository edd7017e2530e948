/* SPDX-License-Identifier: MIT */
/* What etcd's raft_test checks of clusters in which pre-votes are turned on, server by server, and
 * of campaigns that the caller asks for: see etcd_elections.cpp. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Server 1 leads term 2. Server 3 was cut off without pre-votes, is a candidate in a later term,
 * and lacks an entry; now it has pre-votes, too. */
void migrate(Cluster &c) {
    c[3].set([](raft *r) { raft_set_pre_vote(r, 0); });
    c.elect(1);
    c.isolate(3);
    c[1].submit();
    c.deliver();
    while (c[3].term() < 4) {
        c.run(500);
    }
    REQUIRE(c[3].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].leads());
    REQUIRE(c[2].leader() == 1);
    c[3].set([](raft *r) { raft_set_pre_vote(r, 1); });
}

} // namespace

TEST_CASE("PreVoteMigrationCanCompleteElection: the server with the longer log wins in the end") {
    Cluster c("1 2 3");
    migrate(c);
    c.isolate(1);
    c.heal();
    c.isolate(1);
    c.run(10000);
    REQUIRE(c[2].leads()); /* server 3 lacks an entry */
    REQUIRE(c[3].leader() == 2);
    REQUIRE(c[3].terms() == c[2].terms());
}

TEST_CASE("PreVoteMigrationWithFreeStuckPreCandidate: the leader learns the stuck server's term") {
    Cluster c("1 2 3");
    migrate(c);
    c.heal();
    const raft_term higher = c[3].term();
    REQUIRE(higher > c[1].term());
    c.now = std::max(c.now, c[1].deadline());
    c[1].timeout();
    c.deliver(1, 2);
    c.deliver(2, 1);
    c.deliver(1, 3);
    c.deliver(3, 1); /* the rejection of its heartbeat */
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == higher);
    c.run(10000);
    REQUIRE(c.leader() != 0);
    REQUIRE(c[3].term() == c[c.leader()].term());
    REQUIRE(c[3].terms() == c[1].terms());
}

TEST_CASE("CampaignWhileLeader: a leader is not asked to campaign, nor is a standby") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2});
    c[1].refuses(RAFT_INVALID, Event(RAFT_CAMPAIGN));
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
    Cluster d({{.id = 4, .log = "1[1 2 3 4s]"}});
    d.sleep(5000);
    d[4].refuses(RAFT_INVALID, Event(RAFT_CAMPAIGN));
    REQUIRE(d[4].state() == RAFT_FOLLOWER);
}
