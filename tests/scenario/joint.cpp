/* SPDX-License-Identifier: MIT */
/* Joint consensus, for changes of more than one voter (§4.3). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* {1 2 3} with standbys 4 and 5 that have the whole log; 1 leads. */
struct Five : Cluster {
    explicit Five(unsigned features = all_features) : Cluster(fresh("1 2 3 4s 5s", features)) {
        elect(1);
        run(300);
    }
};

} // namespace

TEST_CASE("Two voters are replaced by a joint change that completes automatically") {
    Five c;
    c[1].slow = true;
    c[1].reconfigure("1 4 5");
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
    REQUIRE(c[1].update.entries.batch[0].type == RAFT_CHANGE);
    /* In the published encoding, with the joint roles. */
    const Configuration written = decode(c[1].log.entries.back().bytes());
    REQUIRE(written.sorted().str() == "1 2o 3o 4i 5i");
    c[1].slow = false;
    c.run(500);
    REQUIRE(c[1].conf() == "1 4 5");
    REQUIRE(c[1].commit() == 4); /* 3 joint, 4 final */
    for (raft_id id : {4, 5}) {
        REQUIRE(c[id].conf() == "1 4 5");
        REQUIRE(c[id].commit() == 4);
    }
    c.isolate(2);
    c.isolate(3);
    c[1].submit();
    c.deliver();
    REQUIRE(c[1].commit() == 5);
}

TEST_CASE("In a joint configuration entries need both majorities") {
    Five c;
    SECTION("the old one") {
        c.isolate(2);
        c.isolate(3);
    }
    SECTION("the new one") {
        c.isolate(4);
        c.isolate(5);
    }
    c[1].reconfigure("1 4 5");
    c.run(500);
    REQUIRE(c[1].commit() == 2);
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
    c.heal();
    c.run(1000);
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].conf() == "1 4 5");
}

TEST_CASE("In a joint configuration elections need both majorities") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1[1 2o 3o 4i 5i]"}});
    c.expire(1);
    for (bool pre_vote : {true, false}) {
        for (raft_id id : {2, 3}) {
            c[1].receive(id, VoteResult{.term = 2, .granted = true, .pre_vote = pre_vote});
            REQUIRE(c[1].term() == (pre_vote ? 1u : 2u));
            REQUIRE_FALSE(c[1].leads());
        }
        c[1].receive(5, VoteResult{.term = 2, .granted = true, .pre_vote = pre_vote});
        if (pre_vote) {
            REQUIRE(c[1].term() == 2);
        }
    }
    REQUIRE(c[1].leads());
}

TEST_CASE("A new leader completes an inherited joint change") {
    Five c;
    c.cut(1, 3);
    c.cut(1, 5);
    c[1].reconfigure("1 4 5");
    c.deliver(1, 2);
    c.deliver(1, 4);
    REQUIRE(c[2].conf() == "1 2o 3o 4i 5i");
    REQUIRE(c[4].conf() == "1 2o 3o 4i 5i");
    REQUIRE(c[3].conf() == "1 2 3 4s 5s");
    c.drop();
    SECTION("a leader that stays") {
        c[1].crash();
        c.sleep(3000);
        c.elect(4);
        c.run(2000);
        REQUIRE(c[4].leads());
        REQUIRE(c[4].conf() == "1 4 5");
        REQUIRE(c[5].conf() == "1 4 5");
    }
    SECTION("a leader that is removed, which then steps down") {
        c[1].crash();
        c.sleep(3000);
        c.expire(2);
        c.deliver();
        REQUIRE_FALSE(c[2].leads());
        REQUIRE(c[2].term() == 3); /* it was leader */
        REQUIRE(c[2].leader() != 1);
        c.run(10000);
        REQUIRE((c.leader() == 4 || c.leader() == 5));
        REQUIRE(c[c.leader()].conf() == "1 4 5");
    }
}

TEST_CASE("A leader that inherits a joint configuration leaves it only when it is committed") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1[1 2o 3o 4i 5i]"}});
    c.win(1, {2, 5});
    REQUIRE(c[1].terms() == "1 1 1 2");
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3"));
    c[1].receive(2, AppendResult{.term = 2, .last = 4});
    REQUIRE(c[1].commit() == 1);
    c[1].receive(5, AppendResult{.term = 2, .last = 4});
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].terms() == "1 1 1 2 2");
    REQUIRE(c[1].conf() == "1 4 5");
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4"));
    c[1].receive(4, AppendResult{.term = 2, .last = 4});
    c[1].receive(4, AppendResult{.term = 2, .last = 5});
    REQUIRE(c[1].commit() == 5);
    c[1].reconfigure("1 4");
}

TEST_CASE("No other change is accepted during a joint change") {
    Five c;
    c.isolate(4);
    c.isolate(5);
    c[1].reconfigure("1 4 5");
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 2 3"));
}

TEST_CASE("Voters can become standbys and spares through a joint change") {
    Five c;
    c[1].slow = true;
    c[1].reconfigure("1 2s 3p 4 5");
    REQUIRE(c[1].conf() == "1 2t 3u 4i 5i");
    c[1].slow = false;
    c.run(1000);
    REQUIRE(c[1].conf() == "1 2s 3p 4 5");
    REQUIRE(raft_role(c[2].handle()) == RAFT_STANDBY);
    c[1].submit();
    c.run(300);
    REQUIRE(c[2].commit() == c[1].commit());
}

TEST_CASE("A leader that a joint change removes steps down at its end") {
    Five c;
    c[1].reconfigure("3 4 5");
    REQUIRE(c[1].conf() == "1o 2o 3 4i 5i");
    c.deliver();
    c.run(500);
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].deadline() == kNoDeadline);
    c.run(10000);
    REQUIRE(c.leader() >= 3);
    REQUIRE(c[c.leader()].conf() == "3 4 5");
}

TEST_CASE("A change of one voter is never joint") {
    Five c;
    c[1].reconfigure("1 2 3 4 5s");
    REQUIRE(c[1].conf() == "1 2 3 4 5s");
    c.run(300);
    c[1].reconfigure("1 2 3s 4");
    REQUIRE(c[1].conf() == "1 2 3s 4");
    c.run(300);
    c[1].reconfigure("1 2 4"); /* a standby leaves: no voter changes at all */
    REQUIRE(c[1].conf() == "1 2 4");
}

TEST_CASE("A joint change needs members that know joint configurations") {
    SECTION("none of the others does") {
        auto draws = Cluster::fresh("1 2 3 4s 5s", RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS);
        draws[0].features = all_features;
        Cluster c(draws);
        c.elect(1);
        c.run(300);
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4 5"));
        c[1].reconfigure("1 2 3 4 5s"); /* single changes are possible */
    }
    SECTION("one of the standbys does not") {
        auto draws = Cluster::fresh("1 2 3 4s 5s");
        draws[4].features = 0;
        Cluster c(draws);
        c.elect(1);
        c.run(300);
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4 5"));
    }
    SECTION("this one does not") {
        auto draws = Cluster::fresh("1 2 3 4s 5s");
        draws[0].features = RAFT_FEATURE_ROUNDS;
        Cluster c(draws);
        c.elect(1);
        c.run(300);
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4 5"));
    }
}

TEST_CASE("A caller cannot use the joint roles") {
    Five c;
    for (const char *conf : {"1 2 3o", "1 2 3 4i", "1 2 3t", "1 2 3u"}) {
        c[1].refuses(RAFT_BADROLE, event::reconfigure(conf));
    }
    c[1].refuses(RAFT_BADROLE, event::change("1 2 3o"));
}

TEST_CASE("A joint change that is truncated is rolled back") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5s] 1 1[1 2o 3o 4i 5i]"}});
    c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .log = "2"});
    REQUIRE(c[1].conf() == "1 2 3 4s 5s");
}

TEST_CASE("A joint configuration is left when it commits, not when an earlier entry does") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5s]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = 2});
    c[1].submit();
    c[1].reconfigure("1 4 5");
    REQUIRE(c[1].last() == 4);
    c[1].receive({2, 4}, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[1].last() == 4);
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
    c[1].receive({2, 4}, AppendResult{.term = 2, .last = 4});
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].conf() == "1 4 5");
}

TEST_CASE("A sole voter after a joint change waits for the lease, too (§4.3, §6.4.1)") {
    Cluster c("1 2 3", 1);
    c.run(500);
    c.expire(1);
    c.deliver();
    c[1].reconfigure("3");
    REQUIRE(c[1].conf() == "1o 2o 3");
    c.deliver(1, 2);
    c.deliver(1, 3);
    c.deliver(3, 1);
    c.deliver(2, 1);
    REQUIRE(c[1].conf() == "3"); /* the joint one is committed, and left */
    c.deliver(1, 3);
    REQUIRE(c[3].conf() == "3");
    c.hold(3, 1);
    c[3].restart();
    REQUIRE_FALSE(c[3].leads());
    c[1].read(7, true);
    REQUIRE(c[1].answer(7));
    REQUIRE(c[1].answer(7)->index >= c[3].commit());
    c.run(5000);
    REQUIRE(c[3].leads());
}
