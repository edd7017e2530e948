/* SPDX-License-Identifier: MIT */
/* Rounds (§6.4): their numbers contain the time; a millisecond can have many. */
#include "replication.hpp"
#include "room.hpp"

using namespace libraft;

namespace {

/* It leads {1, 2}. */
struct Leading : Room {
    Leading()
        : Room({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}}, [](struct raft *r) {
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

TEST_CASE("reads: a round tells when it began, even if a millisecond has many") {
    Leading r;
    const raft_time elected = r.now;
    uint64_t before = r.tracker().round;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(replication::begin_round(r.server()));
        REQUIRE(r.tracker().round > before);
        before = r.tracker().round;
        REQUIRE(replication::round_began(r.server(), before) == elected);
    }
    r.now += 77;
    REQUIRE(r.read(1) == 0);
    REQUIRE(r.tracker().round > before);
    REQUIRE(replication::round_began(r.server(), r.tracker().round) == r.now);
}

TEST_CASE("reads: a millisecond that is full of rounds accepts no more reads, the next one does") {
    Leading r;
    REQUIRE(r.read(1) == 0);
    const uint64_t last =
        (r.tracker().round >> replication::kRoundBits << replication::kRoundBits) +
        (uint64_t{1} << replication::kRoundBits) - 1;
    r.tracker().round = last - 1;
    REQUIRE(r.read(2) == 0);
    REQUIRE(r.tracker().round == last);
    REQUIRE_FALSE(replication::begin_round(r.server()));
    REQUIRE(r.read(3) == RAFT_BUSY);
    REQUIRE(r.tracker().pending_reads() == 2);
    REQUIRE(r.tracker().round == last);
    REQUIRE(replication::round_began(r.server(), last) == r.now);
    r.now++;
    REQUIRE(r.read(3) == 0);
    REQUIRE(r.tracker().pending_reads() == 3);
}
