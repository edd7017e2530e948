/* SPDX-License-Identifier: MIT */
/* Linearizable reads by leader lease (§6.4.1). */
#include "read_leader.hpp"

using namespace scenario;

TEST_CASE("With a lease a read is answered at once, for almost 9/10 of an election timeout") {
    Led c;
    c.expire(1); /* a heartbeat: its round begins now */
    const raft_time sent = c.now;
    const auto round = c.round(2);
    REQUIRE(round > 0);
    c.sleep(90); /* it took long, but the lease counts from the sending */
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    c[1].read(1, true);
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(1)->index == c[1].commit());
    c[1].read(2, false); /* without asking for a lease it takes a round */
    REQUIRE_FALSE(c[1].answer(2));
    c.now = sent + 898;
    c[1].read(3, true);
    REQUIRE(c[1].answer(3));
    c.now = sent + 900;
    c[1].read(4, true);
    REQUIRE_FALSE(c[1].answer(4)); /* it has ended: a round decides */
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = c.round(2)});
    REQUIRE(c[1].answer(2)); /* the round of this one confirms no read that came later */
    REQUIRE_FALSE(c[1].answer(4));
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = c.round(2)});
    REQUIRE(c[1].answer(4));
}

TEST_CASE("A lease begins when the round is sent, not when it is echoed") {
    Led c;
    c.expire(1);
    const auto round = c.round(2);
    const raft_time sent = c.now;
    for (int i = 0; i < 9; ++i) { /* answers that echo no new round keep it leader */
        c.sleep(100);
        c[1].timeout();
        c[1].receive(2, AppendResult{.term = 2, .last = 2});
    }
    c.now = sent + 905;
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1));
}

TEST_CASE("There is no lease before an entry of the leader's term is committed") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    c.win(1, {2, 3});
    c.expire(1);
    unsigned long long round = 0;
    while (c.count(1, 2) > 0) {
        round = std::max(round, c.take(1, 2)->append_entries.round);
    }
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1));
}

TEST_CASE("Once TimeoutNow has been sent there is no lease for the rest of the term") {
    Led c;
    auto renew = [&] {
        c.expire(1);
        const auto round = c.round(2);
        c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    };
    renew();
    c[1].read(1, true);
    REQUIRE(c[1].answer(1));
    c.drop();
    c[1].transfer(3);
    c.take(1, 3, RAFT_TIMEOUT_NOW);
    for (int i = 0; i < 30 && raft_transferee(c[1].handle()) != 0; ++i) {
        renew();
        c.drop();
    }
    REQUIRE(raft_transferee(c[1].handle()) == 0);
    REQUIRE(c[1].leads());
    renew();
    c[1].read(2, true); /* S3 may still campaign with permission */
    REQUIRE_FALSE(c[1].answer(2));
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = c.round(2)});
    REQUIRE(c[1].answer(2));
}

TEST_CASE("A lease is held at any time of the clock") {
    Cluster c("1 2 3");
    c.now = 1ULL << 61;
    c.elect(1);
    c.run(300);
    c[1].read(7, true);
    REQUIRE(c[1].answer(7).has_value());
    REQUIRE(c[1].answer(7)->status == 0);
}

TEST_CASE("A lease lasts 9/10 of the election timeout from the sending, less one millisecond") {
    struct Bound {
        unsigned timeout;
        raft_time lease;
    };
    for (const Bound bound : {Bound{1000, 899}, {999, 898}, {12, 9}, {11, 8}, {4, 2}, {3, 1}}) {
        CAPTURE(bound.timeout);
        Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [&](raft *r) {
                        raft_set_heartbeat_timeout(r, 1);
                        raft_set_election_timeout(r, bound.timeout);
                    }}});
        c.win(1, {2, 3});
        c[1].receive(2, AppendResult{.term = 2, .last = 2});
        c.drop();
        c.expire(1);
        const raft_time sent = c.now;
        const auto round = c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.round;
        c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
        c.now = sent + bound.lease - 1;
        c[1].read(1, true);
        REQUIRE(c[1].answer(1).has_value());
        c.now = sent + bound.lease;
        c[1].read(2, true);
        REQUIRE_FALSE(c[1].answer(2).has_value());
    }
}

TEST_CASE("Of an election timeout of two milliseconds no lease is left") {
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) {
                    raft_set_heartbeat_timeout(r, 1);
                    raft_set_election_timeout(r, 2);
                }}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c.drop();
    c.expire(1);
    const auto round = c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.round;
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1).has_value());
}

/* --------------------------- leases, and a sole voter that is not known to be one */

TEST_CASE("A sole voter that restarts waits for the lease of the removed leader (§6.4.1)") {
    Cluster c("1 2", 1);
    c.run(500);
    c.expire(1); /* a round, echoed by 2 */
    c.deliver();
    c.sleep(10);
    c[1].reconfigure("2");
    c.hold(2, 1); /* the network is slow: the acknowledgement of the change comes too late */
    c.deliver(1, 2);
    REQUIRE(c[2].conf() == "2");
    c[2].restart();
    c.sleep(10);
    REQUIRE_FALSE(c[2].leads());
    c[1].read(7, true);
    REQUIRE(c[1].answer(7));
    REQUIRE(c[1].answer(7)->index >= c[2].commit());
    /* Only it can lead, and it does when the lease has ended. */
    c.run(5000);
    REQUIRE(c[2].leads());
    c[2].submit();
    REQUIRE(c[2].commit() == c[2].last());
    REQUIRE_FALSE(c[1].leads());
}

TEST_CASE("A lease that has ended does not begin again when the election timeout is raised") {
    Led c;
    const auto echo = [&] {
        c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = c.round(2)});
    };
    c.expire(1);
    const raft_time sent = c.now;
    echo();
    c.now = sent + 950;
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1)); /* others may have elected another leader soon */
    c[1].set([](raft *r) { REQUIRE(raft_set_election_timeout(r, 5000) == 0); });
    c[1].read(2, true);
    REQUIRE_FALSE(c[1].answer(2));
    echo(); /* of a round that began before the timeout was raised */
    REQUIRE(c[1].answer(1));
    c[1].read(3, true);
    REQUIRE_FALSE(c[1].answer(3));
    c.sleep(1);
    echo();
    c.expire(1);
    echo(); /* a round that began afterwards gives a lease again */
    c[1].read(4, true);
    REQUIRE(c[1].answer(4));
}
