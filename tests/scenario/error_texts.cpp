/* SPDX-License-Identifier: MIT */
/* raft_errmsg(): of steps, of setters, of no raft. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

std::string text_of(const struct raft &r) { return raft_errmsg(&r); }

} // namespace

TEST_CASE("raft_errmsg() of a raft that is NULL or not initialized says so") {
    struct raft zeroed {};
    const std::string expected = "the raft is NULL or not initialized";
    REQUIRE(raft_errmsg(nullptr) == expected);
    REQUIRE(text_of(zeroed) == expected);
    REQUIRE(raft_init(&zeroed, 0, "s1") == RAFT_BADID);
    REQUIRE(text_of(zeroed) == expected);
    struct raft r {};
    REQUIRE(raft_init(&r, 1, "s1") == 0);
    REQUIRE(text_of(r).empty());
    REQUIRE(raft_close(&r) == 0);
    REQUIRE(text_of(r) == expected);
}

TEST_CASE("A setter that fails says why; one that succeeds leaves no text") {
    Lone lone;
    raft_tracer empty{nullptr, 1, nullptr};
    REQUIRE(raft_set_features(&lone.r, 1U << 31) == RAFT_INVALID);
    REQUIRE(text_of(lone.r) == "features: a bit is not known to this version");
    REQUIRE(raft_set_tracer(&lone.r, &empty) == RAFT_INVALID);
    REQUIRE(text_of(lone.r) == "tracer: emit is NULL");
    REQUIRE(raft_seed(&lone.r, 5) == 0);
    REQUIRE(text_of(lone.r).empty());
    REQUIRE(lone.step(event::start({.id = 1, .term = 1, .log = "1[1 2 3]"})) == 0);
    const std::pair<std::function<int()>, const char *> failing[] = {
        {[&] { return raft_set_heartbeat_timeout(&lone.r, 0); },
         "settings: the heartbeat timeout is 0"},
        {[&] { return raft_set_heartbeat_timeout(&lone.r, 1000); },
         "settings: the heartbeat timeout is not less than the election timeout"},
        {[&] { return raft_set_election_timeout(&lone.r, 100); },
         "settings: the heartbeat timeout is not less than the election timeout"},
        {[&] { return raft_set_install_snapshot_timeout(&lone.r, 0); },
         "settings: the timeout for a snapshot is 0"},
        {[&] { return raft_set_max_catch_up_rounds(&lone.r, 0); },
         "settings: the number of catch-up rounds is 0"},
        {[&] { return raft_set_max_catch_up_round_duration(&lone.r, 0); },
         "settings: the duration of a catch-up round is 0"},
        {[&] { return raft_set_max_inflight_entries(&lone.r, 0); },
         "settings: the number of entries in flight is 0"},
    };
    for (const auto &[fail, text] : failing) {
        REQUIRE(lone.step(event::submit(1)) == RAFT_NOTLEADER);
        REQUIRE(text_of(lone.r) == "this server is not the leader");
        REQUIRE(fail() == RAFT_INVALID);
        REQUIRE(text_of(lone.r) == text);
        REQUIRE(raft_set_max_message_entries(&lone.r, 5) == 0);
        REQUIRE(text_of(lone.r).empty());
    }
}

TEST_CASE("RAFT_START says which settings contradict each other") {
    Lone lone;
    REQUIRE(raft_set_heartbeat_timeout(&lone.r, 2000) == 0);
    REQUIRE(lone.step(event::start({.id = 1})) == RAFT_INVALID);
    REQUIRE(text_of(lone.r) ==
            "settings: the heartbeat timeout is not less than the election timeout");
    REQUIRE(raft_set_heartbeat_timeout(&lone.r, 100) == 0);
    REQUIRE(raft_set_max_inflight_entries(&lone.r, 0) == 0);
    REQUIRE(lone.step(event::start({.id = 1})) == RAFT_INVALID);
    REQUIRE(text_of(lone.r) == "settings: the number of entries in flight is 0");
}

TEST_CASE("A step without an event or an update says so") {
    Lone lone;
    REQUIRE(raft_step(&lone.r, nullptr, &lone.update) == RAFT_INVALID);
    REQUIRE(text_of(lone.r) == "the event is NULL");
    REQUIRE(raft_step(&lone.r, event::timeout().at(1, 1), nullptr) == RAFT_INVALID);
    REQUIRE(text_of(lone.r) == "the update is NULL");
}

TEST_CASE("A configuration of more servers than any server decodes is refused, unread") {
    raft_server one = {1, "s1", RAFT_VOTER};
    const raft_configuration huge = {&one, UINT32_MAX};
    Lone lone;
    REQUIRE(lone.step(event::start({.id = 1})) == 0);
    for (raft_event_type type : {RAFT_BOOTSTRAP, RAFT_RECOVER}) {
        raft_event e = {};
        e.type = type;
        e.time = 1000;
        (type == RAFT_BOOTSTRAP ? e.bootstrap.conf : e.recover.conf) = huge;
        REQUIRE(raft_step(&lone.r, &e, &lone.update) == RAFT_TOOBIG);
        REQUIRE(text_of(lone.r) == "configuration: there are too many servers");
    }
}
