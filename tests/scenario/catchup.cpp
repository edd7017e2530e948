/* SPDX-License-Identifier: MIT */
/* Bringing a server up to date in rounds before it is promoted (§4.2.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Server 1 leads {1 2 3}; 4 is a spare with an empty log. */
struct WithSpare : Cluster {
    explicit WithSpare(std::function<void(raft *)> set = {})
        : Cluster({{.id = 1, .log = "1[1 2 3 4p]", .set = std::move(set)}}) {
        win(1, {2, 3});
        (*this)[1].receive(2, AppendResult{.term = 2, .last = 2});
        (*this)[1].submit(10);
        (*this)[1].receive(2, AppendResult{.term = 2, .last = 12});
        drop();
        (*this)[1].receive(3, AppendResult{.term = 2, .last = 12});
    }
    /* The peers answer; messages to 4 are taken and answered up to `last`. */
    void tick(raft_time ms, raft_index last = 0) {
        now += ms;
        for (raft_id id : {2, 3}) {
            (*this)[1].receive(id, AppendResult{.term = 2, .last = (*this)[1].last()});
        }
        (*this)[1].timeout();
        drop();
        if (last > 0) {
            (*this)[1].receive(4, AppendResult{.term = 2, .last = last});
        }
    }
};

} // namespace

TEST_CASE("A spare receives the log while it is being caught up") {
    WithSpare c;
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_NONE);
    REQUIRE(c.count(1, 4) == 0);
    c[1].catch_up(4);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_PROBE);
    c[1].receive(4, AppendResult{.term = 2, .rejected = 12, .last = 0});
    REQUIRE(c.count(1, 4) > 0);
    c.tick(50, 1);
    c.tick(50, 12);
    REQUIRE(c[1].match(4) == 12);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    /* Now it can be promoted, one server at a time. */
    c[1].reconfigure("1 2 3 4");
    REQUIRE(c[1].conf() == "1 2 3 4");
}

TEST_CASE("A new server is caught up and promoted, and then votes") {
    Cluster c("1 2 3", 1);
    c[1].submit(30);
    c.run(200);
    c.add({.id = 4});
    c[1].reconfigure("1 2 3 4p");
    c.run(300);
    REQUIRE(c[4].last() == 0);
    c[1].catch_up(4);
    c.run(300);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    REQUIRE(c[4].log == c[1].log);
    c[1].reconfigure("1 2 3 4");
    c.run(300);
    REQUIRE(raft_role(c[4].handle()) == RAFT_VOTER);
}

TEST_CASE("A round that ends late is followed by another one for newer entries") {
    WithSpare c;
    c[1].catch_up(4);
    c.tick(1500);   /* longer than an election timeout: this round was too slow */
    c[1].submit(5); /* 13..17 */
    c.tick(10, 12);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    c.tick(100, 17); /* the second round was fast */
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
}

TEST_CASE("A catch-up is aborted after the maximum number of rounds") {
    WithSpare c([](raft *r) { raft_set_max_catch_up_rounds(r, 3); });
    c[1].catch_up(4);
    c.tick(1, 2);
    for (int round = 0; round < 3; ++round) {
        REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
        const raft_index goal = c[1].last();
        c[1].submit(5);
        for (int i = 0; i < 4; ++i) {
            c.tick(500); /* 2 s a round: an election timeout is 1 s */
        }
        c.tick(1, goal);
    }
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_ABORTED);
    c[1].catch_up(4); /* it may be tried again */
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
}

TEST_CASE("A catch-up is aborted if the server is silent for the maximum duration of a round") {
    WithSpare c([](raft *r) { raft_set_max_catch_up_round_duration(r, 2000); });
    c[1].catch_up(4);
    for (int i = 0; i < 19; ++i) {
        c.tick(100);
    }
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    for (int i = 0; i < 4; ++i) {
        c.tick(100);
    }
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_ABORTED);
}

TEST_CASE("A standby whose catch-up is aborted still receives the log (§4.2.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 4s]", .set = [](raft *r) {
                        raft_set_max_catch_up_round_duration(r, 2000);
                    }}});
    REQUIRE(c[1].leads());
    c[1].receive(4, AppendResult{.term = 2, .last = 2});
    c[1].submit();
    c[1].catch_up(4);
    for (int i = 0; i < 30 && c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING; ++i) {
        c.expire(1);
    }
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_ABORTED);
    c[1].receive(4, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_PIPELINE);
    c.drop();
    c[1].submit();
    REQUIRE(c.take(1, 4)->append_entries.n_entries == 1);
}

TEST_CASE("No membership change and no second catch-up while one is running") {
    WithSpare c;
    c[1].catch_up(4);
    c[1].refuses(RAFT_BUSY, event::catch_up(4));
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 2 3"));
}

TEST_CASE("A catch-up ends when its leader loses leadership") {
    WithSpare c;
    c[1].catch_up(4);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {12, 2}});
    int status = 0;
    REQUIRE(raft_catch_up(c[1].handle(), 4, &status) == RAFT_NOTLEADER);
}

TEST_CASE("A server that needs the snapshot is caught up with it") {
    Cluster c("1 2 3", 1);
    c[1].submit(30);
    c.run(200);
    c[1].take_snapshot(32, 0);
    c.add({.id = 4});
    c[1].reconfigure("1 2 3 4p");
    c.run(300);
    c[1].catch_up(4);
    c.run(1000);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_FINISHED);
    REQUIRE(raft_snapshot_index(c[4].handle()) == 32);
    REQUIRE(c[4].last() == 33);
}

TEST_CASE("A catch-up of server 0 gives the running catch-up up") {
    WithSpare c;
    c[1].ignores(event::catch_up(0)); /* none is running */
    c[1].catch_up(4);
    c.drop();
    c[1].catch_up(0);
    REQUIRE(c[1].flag(RAFT_UPDATE_CATCH_UP));
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_ABORTED);
    REQUIRE(c[1].progress(4).mode == RAFT_PROGRESS_NONE);
    c[1].ignores(event::catch_up(0));
    c[1].receive(4, AppendResult{.term = 2, .rejected = 1, .last = 0}); /* a late answer */
    c.tick(100);
    REQUIRE(c.count(1, 4) == 0);  /* a spare is sent nothing any more */
    c[1].reconfigure("1 2 3 4s"); /* changes of the membership are possible again */
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = c[1].last()});
    c[1].catch_up(4);
    REQUIRE(c[1].catch_up_status(4) == RAFT_CATCH_UP_RUNNING);
    c[1].catch_up(0);
    c.drop();
    c[1].receive(4, AppendResult{.term = 2, .rejected = 1, .last = 0});
    REQUIRE(c.count(1, 4) == 1); /* a standby is sent the log */
}

TEST_CASE("Only a leader gives a catch-up up") {
    Cluster c("1 2 3");
    c[1].refuses(RAFT_NOTLEADER, event::catch_up(0));
}
