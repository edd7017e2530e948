/* SPDX-License-Identifier: MIT */
/* Leases, votes and elections of groups that sleep (§4.2.3, §6.4.1, §9.6). */
#include "resting_group.hpp"

using namespace scenario;

TEST_CASE("No lease survives sleep") {
    RestingGroup c; /* the round that it fell asleep with was echoed a moment ago */
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1));
    c.deliver();
    REQUIRE(c[1].answer(1)->status == 0); /* by a round that began after waking */
    c[1].read(2, true);
    REQUIRE(c[1].answer(2)); /* with a new lease */
}

TEST_CASE("An echo from before waking gives no lease when it comes late") {
    Group c;
    c.run(kIdle - 10);
    c.drop();
    c.hold(2, 1);
    c.hold(3, 1);
    c.run(200);
    c.wake(1); /* it is falling asleep: nothing happens */
    REQUIRE_FALSE(c.asleep(1));
    c.release();
    c.deliver(2, 1);
    const auto late = c.take(3, 1, RAFT_APPEND_ENTRIES_RESULT);
    c.deliver();
    c.run(100);
    REQUIRE(c.all_asleep());
    c[1].submit();
    c.drop();
    c.hand(late);
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1));
}

TEST_CASE("A sleeping follower refuses the first request and grants the next") {
    RestingGroup c;
    c[1].crash();
    c.sleep(1000000);
    const bool pre_vote = GENERATE(true, false);
    const RequestVote request{.term = 3, .last = {2, 2}, .pre_vote = pre_vote};
    const auto granted = [&] {
        const auto m = c.take(2, 3, RAFT_REQUEST_VOTE_RESULT);
        return m->request_vote_result.vote_granted;
    };
    c[2].receive(3, request);
    REQUIRE_FALSE(granted());
    REQUIRE(c[2].term() == 2);
    REQUIRE_FALSE(c.asleep(2));
    c.sleep(999);
    c[2].receive(3, request);
    REQUIRE_FALSE(granted());
    c.sleep(1);
    c[2].receive(3, request);
    REQUIRE(granted());
    REQUIRE(c[2].term() == (pre_vote ? 2 : 3));
}

TEST_CASE("A request with its leader's permission is granted by a sleeping follower (§3.10)") {
    RestingGroup c;
    c.sleep(1000000);
    c[2].receive(3, RequestVote{.term = 3, .last = {2, 2}, .disrupt = true});
    REQUIRE(c[2].term() == 3);
    REQUIRE(c[2].vote() == 3);
    REQUIRE(c[2].leader() == 0);
    REQUIRE(c.count(2, 1) == 0); /* it has no leader to tell */
}

TEST_CASE("A member that was partitioned cannot unseat a leader that sleeps") {
    Group c;
    c.isolate(3);
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    REQUIRE(c[3].state() == RAFT_CANDIDATE);
    c.heal();
    c.run(5000);
    REQUIRE(c.all_asleep());
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
}

TEST_CASE("A member that restarts cannot unseat a leader that sleeps") {
    RestingGroup c;
    const raft_id id = GENERATE(2, 3);
    c[id].crash();
    c[id].restart();
    c.run(5000);
    REQUIRE(c.all_asleep());
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[id].commit() == c[1].last());
}

TEST_CASE("Not even a member without pre-votes unseats a leader that sleeps") {
    RestingGroup c;
    c.sleep(1000000);
    c[2].receive(3, RequestVote{.term = 3, .last = {2, 2}});
    c[1].receive(3, RequestVote{.term = 3, .last = {2, 2}});
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[2].term() == 2);
    REQUIRE(c[2].leader() == 1);
}

TEST_CASE("A leader that died asleep is missed as soon as one voter is woken") {
    RestingGroup c;
    c[1].crash();
    c.run(1000000);
    REQUIRE(c.asleep(2));
    REQUIRE(c.asleep(3));
    c.wake(2);
    c.run(4000); /* its first requests are refused */
    const raft_id leader = c.leader();
    REQUIRE((leader == 2 || leader == 3));
    REQUIRE(c[2].leader() == leader);
    REQUIRE(c[3].leader() == leader);
    c[leader].submit();
    c.deliver();
    REQUIRE(c[2].commit() == c[leader].last());
}

TEST_CASE("When all survivors are woken, they elect a leader within two election timeouts") {
    RestingGroup c;
    c[1].crash();
    c.sleep(1000000);
    c.wake(2);
    c.wake(3);
    c.run(2000);
    REQUIRE(c.leader() != 0);
    REQUIRE(c.leader() != 1);
    REQUIRE(c[c.leader()].leads());
}

TEST_CASE("A leader that restarts finds a sleeping group and elects a leader") {
    RestingGroup c;
    c[1].crash();
    c[1].restart();
    c.run(5000);
    REQUIRE(c.leader() != 0);
    c.run(kIdle + 300);
    REQUIRE(c.all_asleep());
}

TEST_CASE("The time asleep is not silence") {
    RestingGroup c;
    c.sleep(1000000);
    SECTION("a member that was in contact can become leader") {
        c[1].transfer(2);
        c.deliver();
        REQUIRE(c[2].leads());
    }
    SECTION("the quorum check begins anew") {
        c.isolate(1);
        c[1].submit();
        c.run(999);
        REQUIRE(c[1].leads());
        c.run(200);
        REQUIRE_FALSE(c[1].leads());
    }
    SECTION("features are still known") {
        REQUIRE((c[1].progress(2).features & RAFT_FEATURE_SLEEP) != 0);
        c[1].read(1);
        REQUIRE(c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.version == 1);
    }
    SECTION("a member that was silent is silent still") {
        c[1].submit();
        c.run(300);
        c[3].crash();
        c.run(12000);
        REQUIRE(c.all_asleep({1, 2}));
        c.sleep(1000000);
        c[1].refuses(RAFT_NOCONNECTION, event::transfer(3));
        c.wake(1);
        c[1].refuses(RAFT_NOCONNECTION, event::transfer(3));
        c.deliver();
        REQUIRE(c.all_asleep({1, 2}));
    }
}

TEST_CASE("A leader of a new term wakes a group that sleeps under the old one") {
    RestingGroup c;
    c.sleep(5000);
    c[2].receive(3, AppendEntries{.term = 3, .prev = {2, 2}, .commit = 2, .round = 1});
    REQUIRE(c[2].leader() == 3);
    REQUIRE_FALSE(c.asleep(2));
    REQUIRE(c.count(2, 1) == 0); /* the old leader is not told */
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 2}, .commit = 2, .round = 1});
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c[1].deadline() != kNoDeadline);
}

TEST_CASE("A server that was lost for good is replaced while the group sleeps") {
    RestingGroup c;
    c[1].crash();
    c.sleep(1000000);
    c[2].step(event::recover("2")); /* whatever else it does, it must not sleep */
    REQUIRE_FALSE(c.asleep(2));
    c.run(3000);
    REQUIRE(c[2].leads());
}
