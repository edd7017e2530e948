/* SPDX-License-Identifier: MIT */
/* Holes in the protocol of sleeping groups that the simulator found, each as a trace. */
#include "resting_group.hpp"

using namespace scenario;

TEST_CASE("A voter that comes back is sent a heartbeat, not only an answer") {
    /* Its request wakes the leader, which was about to leave it out again: the voter would ask, and
     * wake all, until the leader happened to stay awake for a heartbeat. */
    Group c;
    c.isolate(3);
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    c.heal();
    c.drop();
    c[1].receive(3, RequestVote{.term = 3, .last = {2, 2}, .pre_vote = true});
    REQUIRE(c.take(1, 3, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.pre_vote);
    REQUIRE(c.count(1, 3) == 1);
    REQUIRE_FALSE(c.take(1, 3, RAFT_APPEND_ENTRIES)->append_entries.sleep);
}

TEST_CASE("An echo of a message that does not send to sleep does not count") {
    /* A leader wakes up and sends server 1 to sleep again, because server 3 was silent for long.
     * Server 3 comes back and is brought up to date in a message of the same round. */
    Group c;
    c.isolate(3);
    c[1].transfer(2);
    c.run(13000);
    REQUIRE(c[2].leads());
    REQUIRE(c.all_asleep({1, 2}));
    c.heal();
    c.drop();
    c.hold(2, 1);
    c.wake(2);
    c.deliver(2, 3);
    c.deliver(3, 2);
    REQUIRE(c.count(2, 3) == 1);
    c.deliver(2, 3);
    REQUIRE(c[3].last() == c[2].last());
    c.deliver(3, 2);
    c.release();
    c.deliver();
    REQUIRE(c.asleep(1));
    REQUIRE_FALSE(c.asleep(3));
    REQUIRE_FALSE(c.asleep(2)); /* or server 3 would miss it */
    c.run(kIdle + 200);
    REQUIRE(c.all_asleep());
    REQUIRE(c[2].term() == 3);
}
