/* SPDX-License-Identifier: MIT */
/* Two bugs of the published C implementation, and why this library does not have them. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

/* (a) Two single-server changes by leaders that do not know each other's change. Entry 2:
 *
 *     S1  2[1 2 3 4 5]     leader of term 2, adds S5, reaches only S5
 *     S2  3[2 3 4]         leader of term 3, removes S1, commits with S3
 *     S5  2[1 2 3 4 5]
 *
 * Then S1 wins term 4 with the votes of S4 and S5, three of its five, and commits its
 * entry 2 where S2 and S3 have committed theirs. The fix (Ongaro, raft-dev, July 2015):
 * no membership change before an entry of the leader's own term is committed. */
TEST_CASE("Bug (a): two majorities that do not overlap after two single-server changes") {
    Cluster c(Cluster::fresh("1 2 3 4"));
    Draw five{.id = 5, .term = 1};
    c.add(five);

    /* S1 leads term 2 and commits its barrier everywhere. Then it adds S5, but only S5 receives
     * the change. */
    c.elect(1);
    REQUIRE(c[1].term() == 2);
    for (raft_id other : {2, 3, 4}) {
        c.cut(1, other);
    }
    c[1].reconfigure("1 2 3 4 5");
    REQUIRE(c[1].conf() == "1 2 3 4 5");
    for (int i = 0; i < 4; ++i) {
        c.deliver();
        c.sleep(100);
        c[1].timeout();
    }
    c.deliver();
    REQUIRE(c[5].terms() == "1 2 2");
    REQUIRE(c[5].conf() == "1 2 3 4 5");
    REQUIRE(c[1].commit() == 2);

    /* S2 becomes the leader of term 3. Before anything of its own term is committed it
     * must not remove S1: the published implementation accepts that. */
    c.isolate(1);
    c.isolate(5);
    c.expire(2);
    c.deliver(2, 3);
    c.deliver(2, 4);
    c.deliver(3, 2);
    c.deliver(4, 2); /* pre-votes: on to the votes */
    c.deliver(2, 3);
    c.deliver(2, 4);
    c.deliver(3, 2);
    c.deliver(4, 2);
    REQUIRE(c[2].leads());
    REQUIRE(c[2].commit() < c[2].last());
    c[2].refuses(RAFT_CANTCHANGE, event::reconfigure("2 3 4"));
    c[2].refuses(RAFT_CANTCHANGE, event::change("2 3 4"));

    /* After its barrier is committed it may. Then S1 and S5 cannot win an election: every majority
     * of {1..5} contains a server that holds the barrier. */
    c.deliver();
    REQUIRE(c[2].commit() == 3);
    c[2].reconfigure("2 3 4");
    c.deliver();
    REQUIRE(c[2].commit() == 4);
    c.heal();
    c.isolate(2);
    /* Long enough for S1 and S5 to campaign. The judge checks at every step that no server commits
     * another entry at these indexes. */
    c.run(20000);
    REQUIRE_FALSE(c[1].leads());
    REQUIRE_FALSE(c[5].leads());
    c.heal();
    c.run(20000);
    REQUIRE(c[3].conf() == "2 3 4");
    REQUIRE(c[4].conf() == "2 3 4");
}

/* (b) Of two live voters (of three), S1 has the longer log and the lower term, S2 the
 * shorter log and a term higher by two or more. S1's pre-vote requests name a term below
 * S2's, so S2 refuses; S2's are refused for its log. In the published implementation the
 * reply to a pre-vote does not carry the voter's term, so neither learns the other's. */
TEST_CASE("Bug (b): a server with a stale term and the longer log becomes leader in the end") {
    for (raft_term ahead : {2, 3, 7, 1000}) {
        Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3] 2 2 2"},
                   {.id = 2, .term = 2 + ahead, .log = "1[1 2 3] 2"}});
        c.run(20000);
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() > 2 + ahead);
        REQUIRE(c[2].leader() == 1);
        REQUIRE(c[2].terms() == c[1].terms());
        REQUIRE(c[1].commit() == c[1].last());
    }
}

TEST_CASE("Bug (b), step by step") {
    Cluster c(
        {{.id = 1, .term = 2, .log = "1[1 2 3] 2 2 2"}, {.id = 2, .term = 5, .log = "1[1 2 3] 2"}});
    c.sleep(3000);
    c[1].timeout();
    auto request = c.take(1, 2, RAFT_REQUEST_VOTE);
    REQUIRE(request->request_vote.pre_vote);
    REQUIRE(request->request_vote.term == 3);
    c.hand(request);
    auto refusal = c.take(2, 1, RAFT_REQUEST_VOTE_RESULT);
    REQUIRE_FALSE(refusal->request_vote_result.vote_granted);
    REQUIRE(refusal->request_vote_result.pre_vote);
    REQUIRE(refusal->request_vote_result.term == 5);
    c.hand(refusal);
    REQUIRE(c[1].term() == 5); /* it has learned */
    c.drop();
    c.expire(1);
    request = c.take(1, 2, RAFT_REQUEST_VOTE);
    REQUIRE(request->request_vote.term == 6);
    c.hand(request);
    c.deliver();
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 6);
}
