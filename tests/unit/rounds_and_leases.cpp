/* SPDX-License-Identifier: MIT */
/* Rounds (§6.4): a round's number is the time of its beginning, with a counter for the rounds of
 * one millisecond. */
#include "rules/rounds_and_leases.hpp"
#include "server_fixture.hpp"

using namespace libraft;

namespace {

/* Server 1 leads {1, 2}. Server 2 exists only as the vote that it grants. */
struct Leader : TestServer {
    Leader()
        : TestServer({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}}, [](struct raft *r) {
              raft_set_pre_vote(r, false);
              raft_set_features(r, RAFT_FEATURE_ROUNDS);
          }) {
        now = raft_timeout(handle());
        raft_event timeout = event(RAFT_TIMEOUT);
        REQUIRE(step(timeout) == 0);
        raft_message vote{};
        vote.type = RAFT_REQUEST_VOTE_RESULT;
        vote.server_id = 2;
        vote.server_address = "s2";
        vote.request_vote_result.version = 2;
        vote.request_vote_result.term = 2;
        vote.request_vote_result.vote_granted = true;
        vote.request_vote_result.features = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS;
        raft_event e = event(RAFT_RECEIVE);
        e.receive.message = &vote;
        REQUIRE(step(e) == 0);
        REQUIRE(raft_state(handle()) == RAFT_LEADER);
    }
    int read(unsigned long long id) {
        raft_event e = event(RAFT_READ);
        e.read.id = id;
        return step(e);
    }
};

} // namespace

TEST_CASE("rounds: a round tells when it began, also if there are many in one millisecond") {
    Leader r;
    const raft_time elected = r.now;
    uint64_t before = r.tracker().round;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(rounds::begin(r.server()));
        REQUIRE(r.tracker().round > before);
        before = r.tracker().round;
        REQUIRE(rounds::began_at(r.server(), before) == elected);
    }
    r.now += 77;
    REQUIRE(r.read(1) == 0);
    REQUIRE(r.tracker().round > before);
    REQUIRE(rounds::began_at(r.server(), r.tracker().round) == r.now);
}

TEST_CASE("rounds: a read for which its millisecond has no round left waits for a heartbeat") {
    Leader r;
    const uint64_t last = (r.tracker().round >> rounds::kRoundBits << rounds::kRoundBits) +
                          (uint64_t{1} << rounds::kRoundBits) - 1;
    r.tracker().round = last;
    REQUIRE_FALSE(rounds::begin(r.server()));
    REQUIRE(r.read(1) == 0);
    REQUIRE(r.update.flags == 0);
    REQUIRE(r.tracker().pending_reads() == 1);
    REQUIRE(r.tracker().reads.back().round == kNextRound);
    raft_event timeout = r.event(RAFT_TIMEOUT);
    SECTION("the next heartbeat begins one") {
        timeout.time = r.server().deadline;
        REQUIRE(r.step(timeout) == 0);
        REQUIRE(r.tracker().round > last);
        REQUIRE(r.tracker().reads.back().round == r.tracker().round);
    }
    SECTION("a heartbeat of the same millisecond cannot: the last round began before the read") {
        r.server().deadline = r.now;
        REQUIRE(r.step(timeout) == 0);
        REQUIRE(r.tracker().round == last);
        REQUIRE(r.tracker().reads.back().round == kNextRound);
    }
    SECTION("another read of a later millisecond begins one for both") {
        r.now++;
        REQUIRE(r.read(2) == 0);
        REQUIRE(rounds::began_at(r.server(), r.tracker().round) == r.now);
        REQUIRE(r.tracker().reads[0].round == r.tracker().round);
        REQUIRE(r.tracker().reads[1].round == r.tracker().round);
    }
}

TEST_CASE("rounds: numbers end at the limit, however long a leader is in office") {
    Leader r;
    r.now += rounds::kLastMoment - 2;
    r.server().now = r.now;
    REQUIRE(rounds::begin(r.server()));
    REQUIRE(rounds::began_at(r.server(), r.tracker().round) == r.now);
    const raft_time last = r.now + 1;
    for (raft_time later : {raft_time{1}, raft_time{2}, raft_time{1} << 60}) {
        r.server().now = r.now + later;
        REQUIRE(rounds::begin(r.server()));
        REQUIRE(r.tracker().round <= kLimit);
        REQUIRE(rounds::began_at(r.server(), r.tracker().round) == last);
    }
}
