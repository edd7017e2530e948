/* SPDX-License-Identifier: MIT */
/* The setters: legal values, before and after the start. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {
using Setter = int (*)(struct raft *, unsigned);
const std::pair<Setter, bool> numbers[] = {
    /* the setter, and whether 0 is allowed */
    {raft_set_election_timeout, false},
    {raft_set_heartbeat_timeout, false},
    {raft_set_install_snapshot_timeout, false},
    {raft_set_max_catch_up_rounds, false},
    {raft_set_max_catch_up_round_duration, false},
    {raft_set_max_inflight_entries, false},
    {raft_set_max_message_entries, true},
    {raft_set_max_uncommitted_entries, true},
    {raft_set_features, true},
};
} // namespace

TEST_CASE("A running server refuses contradictory settings and keeps its own") {
    Cluster c(Cluster::fresh("1 2 3"));
    for (auto [set, zero] : numbers) {
        const std::string before = c[1].see();
        REQUIRE(set(c[1].handle(), 0) == (zero ? 0 : RAFT_INVALID));
        REQUIRE(c[1].see() == before);
    }
    REQUIRE(raft_set_heartbeat_timeout(c[1].handle(), 1000) == RAFT_INVALID);
    REQUIRE(raft_set_election_timeout(c[1].handle(), 100) == RAFT_INVALID);
    REQUIRE(raft_set_heartbeat_timeout(c[1].handle(), 999) == 0);
    REQUIRE(raft_set_election_timeout(c[1].handle(), 999) == RAFT_INVALID);
    REQUIRE(raft_set_heartbeat_timeout(c[1].handle(), 100) == 0);
    REQUIRE(raft_set_election_timeout(c[1].handle(), 101) == 0);
    REQUIRE(raft_set_features(c[1].handle(), 64) == RAFT_INVALID);
    REQUIRE(raft_set_features(c[1].handle(), ~0u) == RAFT_INVALID);
    REQUIRE(raft_set_features(c[1].handle(), 15) == 0);
    REQUIRE(raft_set_capacity_threshold(c[1].handle(), 0) == 0);
    REQUIRE(raft_set_capacity_threshold(c[1].handle(), 65535) == 0);
    REQUIRE(raft_set_pre_vote(c[1].handle(), false) == 0);
    REQUIRE(raft_set_tracer(c[1].handle(), nullptr) == 0);
    REQUIRE(raft_seed(c[1].handle(), 0) == 0);
}

TEST_CASE("Setters without a raft return RAFT_INVALID") {
    struct raft zeroed {};
    for (struct raft *r : {static_cast<struct raft *>(nullptr), &zeroed}) {
        for (auto [set, zero] : numbers) {
            REQUIRE(set(r, 5) == RAFT_INVALID);
        }
        REQUIRE(raft_seed(r, 1) == RAFT_INVALID);
        REQUIRE(raft_set_pre_vote(r, true) == RAFT_INVALID);
        REQUIRE(raft_set_capacity_threshold(r, 1) == RAFT_INVALID);
        REQUIRE(raft_set_tracer(r, nullptr) == RAFT_INVALID);
    }
}

TEST_CASE(
    "Before the start setters may be called in any order; RAFT_START checks the combination") {
    for (auto [set, zero] : numbers) {
        struct raft r {};
        REQUIRE(raft_init(&r, 1, "s1") == 0);
        int rv = set(&r, 0); /* the setter or RAFT_START refuses it */
        Event e(RAFT_START);
        raft_update u;
        if (rv == 0) {
            rv = raft_step(&r, e.at(1000, 1), &u);
        }
        REQUIRE(rv == (zero ? 0 : RAFT_INVALID));
        raft_close(&r);
    }
    struct raft r {};
    REQUIRE(raft_init(&r, 1, "s1") == 0);
    REQUIRE(raft_set_heartbeat_timeout(&r, 3000) == 0); /* above the default election timeout */
    REQUIRE(raft_set_election_timeout(&r, 20000) == 0);
    Event e(RAFT_START);
    e.e.start.term = 1;
    e.e.start.start_index = 1;
    e.entries = draw_log("1[1 2 3]");
    raft_update u;
    REQUIRE(raft_step(&r, e.at(1000, 1), &u) == 0);
    REQUIRE(raft_timeout(&r) >= 21000);
    raft_close(&r);
}

TEST_CASE("The set timeouts take effect") {
    auto draws = Cluster::fresh("1 2 3");
    for (Draw &d : draws) {
        d.set = [](raft *r) {
            raft_set_election_timeout(r, 300);
            raft_set_heartbeat_timeout(r, 30);
        };
    }
    Cluster c(draws);
    REQUIRE(c[1].deadline() >= 1300);
    REQUIRE(c[1].deadline() <= 1600);
    c.elect(1);
    c.expire(1);
    REQUIRE(c[1].deadline() == c.now + 30);
    c.isolate(1);
    c.run(400);
    REQUIRE_FALSE(c[1].leads());
}

TEST_CASE(
    "A longer election timeout set while running holds at the latest from the next campaign") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].set([](raft *r) { REQUIRE(raft_set_election_timeout(r, 5000) == 0); });
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    REQUIRE(c[1].deadline() >= c.now + 5000);
    REQUIRE(c[1].deadline() <= c.now + 10000);
}

TEST_CASE("The smallest settings are legal") {
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) {
                    REQUIRE(raft_set_heartbeat_timeout(r, 1) == 0);
                    REQUIRE(raft_set_election_timeout(r, 2) == 0);
                    REQUIRE(raft_set_install_snapshot_timeout(r, 1) == 0);
                    REQUIRE(raft_set_max_catch_up_rounds(r, 1) == 0);
                    REQUIRE(raft_set_max_catch_up_round_duration(r, 1) == 0);
                    REQUIRE(raft_set_max_inflight_entries(r, 1) == 0);
                }}});
    REQUIRE(c[1].last() == 1);
}
