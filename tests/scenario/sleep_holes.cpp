/* SPDX-License-Identifier: MIT */
/* Holes in the protocol of sleeping groups that the bounded model check and the simulator found,
 * each as a trace. */
#include "resting_group.hpp"

#include <climits>

using namespace scenario;

namespace {

/* The round in the latest message of server 1 to a played server; 0: none. */
unsigned long long latest_round(Cluster &c, raft_id to) {
    unsigned long long round = 0;
    while (c.count(1, to) > 0) {
        const Message m = c.take(1, to, RAFT_APPEND_ENTRIES);
        round = m->append_entries.version >= 1 ? m->append_entries.round : 0;
    }
    return round;
}

} // namespace

TEST_CASE("A member that acknowledges less than everything does not confirm that it sleeps") {
    /* Servers 2 and 3 are played. While all sleep, server 2 loses its last entry. It is sent the
     * entry again, and is told to sleep before it has stored it. */
    Cluster c({Follower::sleeper(Draw{.id = 1, .log = "1[1 2 3]"})});
    c.win(1, {2, 3});
    const auto answer = [&](raft_id from, raft_index last) {
        const auto round = latest_round(c, from);
        c[1].receive(
            from,
            AppendResult{.term = 2, .last = last, .round = round, .features = kSleepFeatures});
    };
    for (int i = 0; i < 20 && c[1].deadline() != kNoDeadline; i++) {
        c.expire(1);
        answer(2, 2);
        answer(3, 2);
    }
    REQUIRE(c[1].deadline() == kNoDeadline);
    c[1].step(Event(RAFT_WAKE));
    answer(2, 1);
    answer(3, 2);
    REQUIRE(c[1].deadline() != kNoDeadline);
    c.expire(1);
    answer(2, 2);
    answer(3, 2);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE("A voter that comes back is sent a heartbeat, not only an answer") {
    /* Its request wakes the leader, which was about to leave it out again: the voter would ask, and
     * wake all, until the leader happened to stay awake for a heartbeat. */
    Group c;
    c[1].transfer(3);
    c.run(50);
    c.expire(3);
    const Message late = c.take(3, 1, RAFT_APPEND_ENTRIES);
    c.drop();
    c[3].transfer(1);
    c.run(50);
    REQUIRE(c[1].leads());
    c.isolate(3);
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    c.heal();
    c.drop();
    SECTION("it asks for a pre-vote") {
        c[1].receive(3, RequestVote{.term = 5, .last = {4, 4}, .pre_vote = true});
        REQUIRE_FALSE(c.take(1, 3, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.vote_granted);
    }
    SECTION("a late message arrives that it sent when it led") {
        c.hand(late);
        REQUIRE(c.take(1, 3, RAFT_APPEND_ENTRIES_RESULT)->append_entries_result.term == 4);
    }
    REQUIRE(c.count(1, 3) == 1);
    REQUIRE_FALSE(c.take(1, 3, RAFT_APPEND_ENTRIES)->append_entries.sleep);
}

TEST_CASE("A member that says that it woke up is not taken to sleep by an older echo") {
    /* Server 3, which never leads, falls asleep and is woken by a late message. Its answers
     * overtake each other. */
    auto draws = sleepers("1 2 3");
    draws[2].set = [](raft *r) {
        let_sleep(r);
        REQUIRE(raft_set_election_delay(r, UINT_MAX) == 0);
    };
    Group c(draws);
    c.rest();
    c.hold(3, 1);
    c.wake(1);
    c.deliver();
    REQUIRE(c.asleep(3));
    REQUIRE_FALSE(c.asleep(1));
    c[3].receive(2, VoteResult{.term = 2});
    REQUIRE_FALSE(c.asleep(3));
    const Message echo = c.take(3, 1, RAFT_APPEND_ENTRIES_RESULT);
    const Message woken = c.take(3, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(woken->append_entries_result.round == 0);
    c.release();
    c.hand(woken);
    c.hand(echo);
    REQUIRE_FALSE(c.asleep(1)); /* or server 3 would wait, and forget its leader */
    c.run(300);
    REQUIRE(c.all_asleep());
    REQUIRE(c[3].leader() == 1);
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

TEST_CASE("A member that comes back up to date is told to sleep before its leader sleeps") {
    Group c;
    c.isolate(3);
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    c.heal();
    c.drop();
    c.hold(2, 1);
    c.wake(1);
    c.deliver(1, 3); /* an ordinary heartbeat, in the round that sends server 2 to sleep */
    c.deliver(3, 1);
    c.drop(1, 3);
    c.release();
    c.deliver(1, 2);
    c.deliver(2, 1);
    REQUIRE_FALSE(c.asleep(1));
    c.run(200);
    REQUIRE(c.all_asleep());
    REQUIRE(c[1].term() == 2);
}

TEST_CASE("A member that lost data does not confirm that it sleeps") {
    /* Servers 2 and 3 are played. While all sleep, the disk of server 2 is emptied. */
    Cluster c({Follower::sleeper(Draw{.id = 1, .log = "1[1 2 3]"})});
    c.win(1, {2, 3});
    const auto answer = [&](raft_id from, bool lost) {
        const auto round = latest_round(c, from);
        AppendResult r{.term = 2, .last = 2, .round = round, .features = kSleepFeatures};
        if (lost) {
            r.rejected = 2;
            r.last = 0;
        }
        c[1].receive(from, r);
    };
    for (int i = 0; i < 20 && c[1].deadline() != kNoDeadline; i++) {
        c.expire(1);
        answer(2, false);
        answer(3, false);
    }
    REQUIRE(c[1].deadline() == kNoDeadline);
    c.sleep(10000);
    c[1].step(Event(RAFT_WAKE));
    answer(2, true);
    answer(3, false);
    REQUIRE(c[1].deadline() != kNoDeadline);
    c.expire(1);
    answer(2, true);
    REQUIRE(c[1].progress(2).data_losses == 1);
}
