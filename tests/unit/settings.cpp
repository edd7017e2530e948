/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "state/settings.hpp"

#include <string>

using libraft::Settings;

TEST_CASE("settings: the published defaults") {
    Settings s;
    REQUIRE(s.election_timeout == 1000);
    REQUIRE(s.heartbeat_timeout == 100);
    REQUIRE(s.snapshot_timeout == 30000);
    REQUIRE(s.max_catch_up_rounds == 10);
    REQUIRE(s.max_catch_up_round_duration == 5000);
    REQUIRE(s.max_inflight_entries == 1024);
    REQUIRE(s.max_message_entries == 0);
    REQUIRE(s.max_uncommitted_entries == 0);
    REQUIRE(s.capacity_threshold == 0);
    REQUIRE(s.features == RAFT_FEATURE_CAPACITY);
    REQUIRE(s.pre_vote);
    REQUIRE(s.election_delay == 0);
    REQUIRE_FALSE(s.never_leads());
    REQUIRE(s.contradiction() == nullptr);
}

TEST_CASE("settings: what contradicts is named") {
    const auto why = [](auto change) {
        Settings s;
        change(s);
        const char *found = s.contradiction();
        return std::string(found != nullptr ? found : "");
    };
    REQUIRE(why([](Settings &s) { s.election_timeout = 0; }) ==
            "settings: the heartbeat timeout is not less than the election timeout");
    REQUIRE(why([](Settings &s) { s.heartbeat_timeout = 0; }) ==
            "settings: the heartbeat timeout is 0");
    REQUIRE(why([](Settings &s) { s.heartbeat_timeout = 1000; }) ==
            "settings: the heartbeat timeout is not less than the election timeout");
    REQUIRE(why([](Settings &s) { s.heartbeat_timeout = 999; }).empty());
    REQUIRE(why([](Settings &s) { s.snapshot_timeout = 0; }) ==
            "settings: the timeout for a snapshot is 0");
    REQUIRE(why([](Settings &s) { s.max_catch_up_rounds = 0; }) ==
            "settings: the number of catch-up rounds is 0");
    REQUIRE(why([](Settings &s) { s.max_catch_up_round_duration = 0; }) ==
            "settings: the duration of a catch-up round is 0");
    REQUIRE(why([](Settings &s) { s.max_inflight_entries = 0; }) ==
            "settings: the number of entries in flight is 0");
    REQUIRE(why([](Settings &s) { s.max_message_entries = 1; }).empty());
}

TEST_CASE("settings: a server that never leads has no delay, and announces it") {
    Settings s;
    s.election_delay = 500;
    s.derive_features();
    REQUIRE(s.delay() == 500);
    REQUIRE(s.features == RAFT_FEATURE_CAPACITY);
    s.election_delay = UINT32_MAX;
    s.derive_features();
    REQUIRE(s.never_leads());
    REQUIRE(s.delay() == 0);
    REQUIRE(s.features == (RAFT_FEATURE_CAPACITY | RAFT_FEATURE_NEVER_LEADS));
    s.transmitted = RAFT_FEATURE_ROUNDS;
    s.derive_features();
    REQUIRE(s.features == (RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_NEVER_LEADS));
    s.election_delay = 0;
    s.derive_features();
    REQUIRE(s.features == (RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS));
}

TEST_CASE("settings: a server announces that it sleeps if it has what sleeping needs") {
    const auto announces = [](unsigned transmitted, unsigned idle_timeout, bool pre_vote) {
        Settings s;
        s.transmitted = static_cast<uint16_t>(transmitted);
        s.idle_timeout = idle_timeout;
        s.pre_vote = pre_vote;
        s.derive_features();
        return (s.features & RAFT_FEATURE_SLEEP) != 0;
    };
    constexpr unsigned kNeeded = RAFT_FEATURE_SLEEP | RAFT_FEATURE_ROUNDS;
    REQUIRE(announces(kNeeded, 1, true));
    REQUIRE_FALSE(announces(RAFT_FEATURE_SLEEP, 1, true));
    REQUIRE_FALSE(announces(RAFT_FEATURE_ROUNDS, 1, true));
    REQUIRE_FALSE(announces(kNeeded, 0, true));
    REQUIRE_FALSE(announces(kNeeded, 1, false));
}
