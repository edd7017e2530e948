/* SPDX-License-Identifier: MIT */
/* A change of the membership needs servers that can commit it: those that are in contact and up to
 * date must be a majority of the present voters, and of the next ones (§4.1, §4.3). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

constexpr unsigned short no_joint = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS;

/* Server 1 leads played servers in term 2. Its barrier is committed; all of `others` have it. */
struct Led : Cluster {
    Led(const char *log, std::vector<raft_id> others, std::function<void(raft *)> set = {})
        : Cluster({{.id = 1, .log = log, .set = std::move(set)}}) {
        win(1, others);
        store(others);
        drop();
    }
    void store(const std::vector<raft_id> &ids) {
        for (raft_id id : ids) {
            (*this)[1].receive(id, AppendResult{.term = 2, .last = (*this)[1].last()});
        }
    }
    void refuses(const char *conf) {
        (*this)[1].refuses(RAFT_NOCONNECTION, event::reconfigure(conf));
        (*this)[1].refuses(RAFT_NOCONNECTION, event::change(conf));
    }
};

} // namespace

TEST_CASE("A change is refused while no majority of the present voters is in contact") {
    Led c("1[1 2 3 4 5 6s]", {2, 3, 4, 5, 6});
    c.sleep(999);
    c.store({2, 6});
    c.sleep(1); /* 3, 4 and 5 have been silent for an election timeout */
    const char *changes[] = {"1 2 3 4 5 6", "1 2 3 4", "1 2 3 4 5", "1 2 3 4 5 6p",
                             "1 2 3 4 5 6s 7s"};
    for (const char *conf : changes) {
        c.refuses(conf);
    }
    Configuration moved("1 2 3 4 5 6s"); /* not even an address changes */
    moved.members[1].address = intern("elsewhere");
    c[1].refuses(RAFT_NOCONNECTION, event::reconfigure(moved));
    c.store({3});
    c[1].reconfigure(moved);
}

TEST_CASE("A majority of the next voters does not make up for the present ones") {
    SECTION("one voter is removed") {
        Led c("1[1 2 3 4]", {2, 3, 4});
        c.sleep(1000);
        c.store({2});
        c.refuses("1 2 3"); /* two of three, but two of four */
        c.store({3});
        c[1].reconfigure("1 2 3");
    }
    SECTION("a joint change") {
        Led c("1[1 2 3 4 5]", {2, 3, 4, 5});
        c.sleep(1000);
        c.store({2});
        c[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 2"));
        c.store({3});
        c[1].reconfigure("1 2");
    }
}

TEST_CASE("A voter that did not answer in this term is not in contact") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 2 4 5")); /* 1 and 2 of four */
    c[1].receive(5, AppendResult{.term = 2, .last = 2});
    c[1].reconfigure("1 2 4 5");
}

TEST_CASE("A change is refused if no majority of the next voters is in contact") {
    Led c("1[1 2 3 4s 5s]", {2, 3, 4, 5});
    SECTION("the only healthy follower would be removed") {
        c.sleep(1000);
        c.store({2});
        c.refuses("1 3");
        c[1].reconfigure("1 2"); /* the silent one may be */
    }
    SECTION("a dead fourth voter") {
        c.sleep(1000);
        c.store({2});
        c.refuses("1 2 3 4"); /* two of four */
        c.store({4});
        c[1].reconfigure("1 2 3 4");
    }
    SECTION("a joint change to servers that are dead for a minute") {
        for (int i = 0; i < 100; ++i) {
            c.sleep(600);
            c.store({2, 3});
            c[1].timeout();
            c.drop();
        }
        c[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 4 5"));
        c.store({5});
        c[1].reconfigure("1 4 5"); /* two of three */
    }
}

TEST_CASE("A server that is not in the pipeline, or lacks too much, is not up to date") {
    Led c("1[1 2 3]", {2, 3}, [](raft *r) { raft_set_max_inflight_entries(r, 10); });
    SECTION("in the pipeline, with as many entries in flight as the limit allows") {
        c.sleep(1000);
        c[1].submit(10);
        c[1].receive(2, AppendResult{.term = 2, .last = 2});
        SECTION("at the limit") { c[1].reconfigure("1 2 3 4s"); }
        SECTION("one entry above it") {
            c[1].submit(1);
            c.refuses("1 2 3 4s");
            c[1].receive(2, AppendResult{.term = 2, .last = 3});
            c[1].reconfigure("1 2 3 4s");
        }
    }
    SECTION("unreachable, and probed") {
        c.sleep(1000);
        c.store({2});
        c[1].step(event::unreachable(2));
        c.refuses("1 2 3 4s");
        c.store({2});
        c[1].reconfigure("1 2 3 4s");
    }
    SECTION("being sent a snapshot") {
        c[1].take_snapshot(2);
        c.sleep(1000);
        c[1].receive(2, AppendResult{.term = 2, .last = 2});
        Led d("1[1 2 3]", {2});
        d[1].take_snapshot(2);
        d[1].receive(3, AppendResult{.term = 2, .rejected = 1, .last = 0});
        REQUIRE(d[1].progress(3).mode == RAFT_PROGRESS_SNAPSHOT);
        d[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 3"));
        d[1].receive(3, AppendResult{.term = 2, .last = 2});
        d[1].reconfigure("1 3");
    }
}

TEST_CASE("A new voter is added as a standby first") {
    Cluster c({{.id = 1, .log = "1[1]"}});
    c.add({.id = 2});
    REQUIRE(c[1].leads());
    c[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 2"));
    c[1].refuses(RAFT_NOCONNECTION, event::change("1 2"));
    c[1].reconfigure("1 2s");
    c.deliver();
    c[1].reconfigure("1 2");
    c.run(300);
    REQUIRE(c[2].commit() == c[1].last());
}

TEST_CASE("Force waives contact") {
    Led c("1[1 2 3]", {2, 3});
    c.sleep(1000);
    SECTION("of the present voters") {
        c.refuses("1 2 3 4s");
        c[1].force("1 2 3 4s");
        REQUIRE(c[1].conf() == "1 2 3 4s");
    }
    SECTION("of the next voters") {
        c.store({2});
        c.refuses("1 2 3 4");
        c[1].force("1 2 3 4");
        REQUIRE(c[1].conf() == "1 2 3 4");
    }
    SECTION("any non-zero byte is true") {
        c[1].step(event::falsified(event::reconfigure("1 2 3 4s"), [](raft_event &raw) {
            reinterpret_cast<unsigned char &>(raw.reconfigure.force) = 0x80;
        }));
    }
    SECTION("but nothing else") {
        c[1].refuses(RAFT_BADID, event::force("1 2 0"));
        c[1].refuses(RAFT_INVALID, event::force("1s"));
        c[1].force("1 2 3 4s");
        c[1].refuses(RAFT_CANTCHANGE, event::force("1 2 3"));
    }
}

TEST_CASE("What is illegal or impossible now is told before missing contact") {
    Led c("1[1 2 3 4s]", {2, 3, 4});
    c[1].receive(4, AppendResult{.term = 2, .rejected = 2, .last = 1});
    c[1].submit(1);
    c[1].catch_up(4);
    c.sleep(1000);
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 2"));
    c[1].refuses(RAFT_DUPLICATEID, event::reconfigure("1 1"));
    c[1].catch_up(0);
    c[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 2"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 5 6"));
}

/* -------------------------------------------------------- an equal configuration */

TEST_CASE("A change to the configuration in force does nothing") {
    Led c("1[1 2 3s 4p]", {2});
    const raft_index last = c[1].last();
    c[1].ignores(event::reconfigure("1 2 3s 4p"));
    c[1].ignores(event::reconfigure("4p 3s 2 1")); /* in any order */
    c.sleep(1000);
    c[1].reconfigure("1 2 3s 4p"); /* whoever is in contact */
    c[1].force("1 2 3s 4p");
    REQUIRE(c[1].last() == last);
    c.store({2});
    SECTION("another role is a change") { c[1].reconfigure("1 2 3p 4p"); }
    SECTION("another server is a change") { c[1].reconfigure("1 2 3s 5p"); }
    SECTION("another address is a change") {
        Configuration moved("1 2 3s 4p");
        moved.members[2].address = intern("elsewhere");
        c[1].reconfigure(moved);
    }
    SECTION("also while it is not committed: the request may be repeated") {
        c[1].reconfigure("1 2 3s");
        c[1].ignores(event::reconfigure("1 2 3s"));
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3s 4p"));
    }
    SECTION("an entry with an equal configuration is the caller's, and is appended") {
        c[1].change("1 2 3s 4p");
        REQUIRE(c[1].last() == last + 1);
    }
    REQUIRE(c[1].commit() == last);
}

TEST_CASE("Only a leader, and only a legal configuration, can be equal") {
    Cluster c("1 2 3", 1);
    c[2].refuses(RAFT_NOTLEADER, event::reconfigure("1 2 3"));
    c[1].refuses(RAFT_DUPLICATEID, event::reconfigure("1 2 2"));
    c[1].transfer(2);
    c[1].refuses(RAFT_NOTLEADER, event::reconfigure("1 2 3"));
}

/* ------------------------------------- the feature that a joint change needs */

TEST_CASE("A joint change does not ask servers that it removes and that do not answer") {
    Led c("1[1 2 3 4 5s 6s]", {2, 3, 5, 6}); /* 4 has never answered */
    SECTION("it is removed") {
        c[1].reconfigure("1 5 6");
        REQUIRE(c[1].conf() == "1 2o 3o 4o 5i 6i");
    }
    SECTION("it stays, in whatever role") {
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4 5"));
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4s 5 6"));
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 4p 5 6"));
    }
    SECTION("it stays, by force") {
        c[1].force("1 4 5");
        REQUIRE(c[1].conf() == "1 2o 3o 4 5i");
    }
    SECTION("it is removed, but answers") {
        c[1].receive(4, AppendResult{.term = 2, .last = 2, .features = no_joint});
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 5 6"));
        c.sleep(950); /* RAFT_CANTCHANGE 37 milliseconds later, too: see Server::refuses() */
        c.store({2, 3, 5, 6});
        c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 5 6"));
        c.sleep(50);
        c[1].reconfigure("1 5 6");
    }
}

TEST_CASE("A joint change goes by the features that a server reported last") {
    Led c("1[1 2 3 4s 5s]", {2, 3, 4, 5});
    c.sleep(1000);
    c.store({2, 3, 4});
    c[1].reconfigure("1 4 5"); /* 5 is silent, but is known to know joint changes */
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
}

TEST_CASE("Force does not waive this server's own codec") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5s]", .features = RAFT_FEATURE_ROUNDS}});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = 2});
    c[1].refuses(RAFT_CANTCHANGE, event::force("1 4 5"));
}
