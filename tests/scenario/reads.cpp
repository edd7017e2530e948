/* SPDX-License-Identifier: MIT */
/* Linearizable reads by quorum round (§6.4). */
#include "read_leader.hpp"

using namespace scenario;

TEST_CASE("A read is answered after a round begun for it is echoed by a quorum") {
    Led c;
    const raft_index commit = c[1].commit();
    c[1].read(7);
    REQUIRE_FALSE(c[1].answer(7));
    const auto round = c.round(2);
    REQUIRE(round > 0);
    REQUIRE(c.round(3) == round);
    c[1].submit(2);
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round - 1});
    REQUIRE_FALSE(c[1].answer(7)); /* an earlier round proves nothing */
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = 0});
    REQUIRE_FALSE(c[1].answer(7)); /* round 0 never confirms anything */
    c[1].receive(9, AppendResult{.term = 2, .last = 2, .round = round});
    REQUIRE_FALSE(c[1].answer(7)); /* an echo of a server that is no member */
    c[1].receive(3, AppendResult{.term = 2, .last = 4, .round = round});
    auto answer = c[1].answer(7);
    REQUIRE(answer);
    REQUIRE(answer->status == 0);
    REQUIRE(answer->index == commit); /* the commit index when it was asked */
    REQUIRE(answer->reserved0 == 0);
}

TEST_CASE("A rejection echoes the round, too") {
    Led c;
    c[1].read(7);
    const auto round = c.round(2);
    c[1].submit();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 3, .last = 2, .round = round});
    REQUIRE(c[1].answer(7));
}

TEST_CASE("A follower echoes the latest round it has heard") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 5});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.version == 3);
    REQUIRE(m->append_entries_result.round == 5);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 3}); /* late */
    REQUIRE(c.take(1, 2)->append_entries_result.round == 5);
    c[1].receive(3, AppendEntries{.term = 2, .prev = {1, 1}, .round = 1});
    REQUIRE(c.take(1, 3)->append_entries_result.round ==
            1); /* the other leader's rounds do not count */
}

TEST_CASE("Of five voters two peers must echo, and non-voters do not count") {
    Led c("1[1 2 3 4 5 6s]");
    c[1].read(1);
    const auto round = c.round(2);
    c[1].receive(6, AppendResult{.term = 2, .last = 2, .round = round});
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    REQUIRE_FALSE(c[1].answer(1));
    c[1].receive(4, AppendResult{.term = 2, .last = 2, .round = round});
    REQUIRE(c[1].answer(1));
}

TEST_CASE("Reads wait until the leader's barrier is committed") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1"}});
    c.win(1, {2, 3});
    const raft_index barrier = c[1].last();
    c[1].read(1);
    unsigned long long round = 0;
    for (raft_time end = c.now + 300; c.now < end && round == 0;) {
        while (c.count(1, 2) > 0) {
            round = std::max(round, c.take(1, 2)->append_entries.round);
        }
        if (round == 0) {
            c.expire(1);
        }
    }
    c[1].receive(2, AppendResult{.term = 2, .last = 3, .round = round});
    c[1].receive(3, AppendResult{.term = 2, .last = 3, .round = round});
    REQUIRE_FALSE(c[1].answer(1)); /* confirmed, but its barrier is not committed */
    c[1].receive(2, AppendResult{.term = 2, .last = barrier, .round = round});
    REQUIRE(c[1].commit() == barrier);
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(1)->index == barrier);
}

TEST_CASE("Pending reads end when leadership is lost") {
    Led c;
    for (unsigned long long id : {1, 2, 3}) {
        c[1].read(id);
    }
    c[1].receive(3, AppendEntries{.term = 5, .prev = {2, 2}});
    for (unsigned long long id : {1, 2, 3}) {
        REQUIRE(c[1].answer(id));
        REQUIRE(c[1].answer(id)->status == RAFT_LEADERSHIPLOST);
    }
    c[1].refuses(RAFT_NOTLEADER, event::read(4));
}

TEST_CASE("An isolated leader never answers a read") {
    Cluster c("1 2 3", 1);
    c.run(200);
    c.isolate(1);
    c[1].read(1);
    c.run(900);
    REQUIRE_FALSE(c[1].answer(1));
    c.run(5000);
    REQUIRE(c[1].answer(1)); /* its quorum check made it step down */
    REQUIRE(c[1].answer(1)->status == RAFT_LEADERSHIPLOST);
    REQUIRE(c.leader() != 1);
    c[c.leader()].read(2);
    c.deliver();
    REQUIRE(c[c.leader()].answer(2)->status == 0);
}

TEST_CASE("Many reads share a round, and lost rounds are repeated") {
    Cluster c("1 2 3", 1);
    c.run(200);
    for (unsigned long long id = 1; id <= 50; ++id) {
        c[1].read(id);
    }
    c.drop();
    c.run(300);
    for (unsigned long long id = 1; id <= 50; ++id) {
        REQUIRE(c[1].answer(id));
        REQUIRE(c[1].answer(id)->status == 0);
        REQUIRE(c[1].answer(id)->index == 2);
    }
}

TEST_CASE("A sole voter answers at once") {
    Cluster c({{.id = 1, .log = "1[1 2s]"}});
    c[1].submit();
    c[1].read(1);
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(1)->index == 3);
}

TEST_CASE("The number of pending reads is limited") {
    Led c;
    unsigned long long id = 1;
    for (; id < 10000000; ++id) {
        auto e = event::read(id);
        raft_update update;
        int rv = raft_step(c[1].handle(), e.at(c.now, 100), &update);
        if (rv != 0) {
            REQUIRE(rv == RAFT_BUSY);
            REQUIRE(update.flags == 0);
            break;
        }
    }
    REQUIRE(id > 100);
    REQUIRE(id < 10000000);
}

/* ----------------------------------------------- with peers that do not echo rounds */

TEST_CASE("If the quorum needs peers without rounds, a barrier is committed instead") {
    auto draws = Cluster::fresh("1 2 3", 0);
    draws[0].features = all_features;
    Cluster c(draws);
    c.elect(1);
    c.run(200);
    REQUIRE(c[1].last() == 2);
    c[1].read(1);
    REQUIRE(c[1].last() == 3);
    REQUIRE(c[1].log.entries.back().type() == RAFT_BARRIER);
    REQUIRE_FALSE(c[1].answer(1));
    c.deliver();
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(1)->status == 0);
    c[1].read(2, true); /* no rounds, no lease */
    REQUIRE_FALSE(c[1].answer(2));
    c.deliver();
    REQUIRE(c[1].answer(2));
}

TEST_CASE("One old peer of two does not matter as long as the other one echoes") {
    auto draws = Cluster::fresh("1 2 3");
    draws[2].features = 0;
    Cluster c(draws);
    c.elect(1);
    c.run(200);
    c[1].read(1);
    c.run(100);
    REQUIRE(c[1].answer(1));
    REQUIRE(c[1].answer(1)->status == 0);
    c.isolate(2);
    c[1].read(2);
    c.run(900); /* S3 counts for the quorum check but cannot confirm a round */
    REQUIRE_FALSE(c[1].answer(2));
    const raft_index last = c[1].last();
    c.run(300); /* S2 is silent for too long: a barrier */
    REQUIRE(c[1].leads());
    REQUIRE(c[1].last() == last + 1);
    REQUIRE(c[1].answer(2));
    REQUIRE(c[1].answer(2)->status == 0);
    c.run(1000);
    REQUIRE(c[1].last() == last + 1); /* one is enough */
    c[1].read(3);
    REQUIRE(c[1].last() == last + 2); /* without S2 a barrier is needed again */
}

TEST_CASE("A read whose round cannot be confirmed any more is confirmed by a barrier") {
    Led c;
    c[1].read(7);
    const auto older = [&](raft_index last) {
        return AppendResult{
            .term = 2, .last = last, .features = RAFT_FEATURE_CAPACITY, .version = 2};
    };
    SECTION("the members run an older version again") {
        c[1].receive({2, 3}, older(2));
        c.expire(1);
        REQUIRE(c[1].log.entries.back().type() == RAFT_BARRIER);
        REQUIRE(c[1].last() == 3);
        c[1].receive(2, older(2));
        REQUIRE_FALSE(c[1].answer(7));
        c[1].receive(2, older(3));
        REQUIRE(c[1].answer(7));
        REQUIRE(c[1].answer(7)->status == 0);
        REQUIRE(c[1].answer(7)->index == 2);
    }
    SECTION("but not during a transfer") {
        c[1].transfer(3);
        for (raft_id id : {2, 3}) {
            c[1].receive(id, older(1)); /* 3 is not ready yet */
        }
        c.expire(1);
        REQUIRE(c[1].last() == 2);
        REQUIRE_FALSE(c[1].answer(7));
    }
}
