/* SPDX-License-Identifier: MIT */
/* What may come between the order to sleep and its confirmations, and other rare cases. */
#include "resting_group.hpp"

#include <climits>

using namespace scenario;

namespace {

/* Server 1 has sent the group to sleep; server 2 has obeyed, the answers are on their way. */
struct FallingAsleep : Group {
    FallingAsleep() {
        run(kIdle - 10);
        drop();
        hold(2, 1);
        hold(3, 1);
        run(150);
        REQUIRE(asleep(2));
        REQUIRE_FALSE(asleep(1));
    }
    void finish() {
        release();
        run(300);
        REQUIRE(all_asleep());
        REQUIRE((*this)[1].term() == 2);
    }
};

} // namespace

TEST_CASE("Other messages and reports do not keep a group from falling asleep for long") {
    FallingAsleep c;
    SECTION("a request") {
        c[1].receive(3, RequestVote{.term = 3, .last = {2, 2}, .pre_vote = true});
    }
    SECTION("an answer of a server that is no member") {
        c[1].receive(9, AppendResult{.term = 2, .last = 2});
    }
    SECTION("an answer of an old version") {
        c[1].receive(3, AppendResult{.term = 2, .last = 2, .version = 2});
    }
    SECTION("a member is reported as unreachable") { c[1].step(event::unreachable(3)); }
    SECTION("RAFT_WAKE") { c.wake(1); }
    REQUIRE_FALSE(c.asleep(1));
    c.finish();
}

TEST_CASE(
    "A leader that is told never to lead while members sleep wakes them before it steps down") {
    FallingAsleep c;
    c[1].set([](raft *r) { REQUIRE(raft_set_election_delay(r, UINT_MAX) == 0); });
    c.expire(1);
    REQUIRE(c[1].leads());
    const Message m = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(m->append_entries.version == 1);
    c.hand(m);
    REQUIRE_FALSE(c.asleep(2));
    c.release();
    c.expire(1);
    REQUIRE_FALSE(c[1].leads());
    c.run(6000);
    REQUIRE(c.leader() != 0);
    REQUIRE(c.leader() != 1);
}

TEST_CASE("A leader does not let the group sleep while an operation is pending") {
    Group c("1 2 3 4s");
    c.run(300);
    const auto operation = GENERATE(0, 1, 2);
    if (operation == 0) {
        c.cut(1, 2);
        c[1].transfer(2);
        c.run(kIdle + 250);
        REQUIRE(raft_transferee(c[1].handle()) == 2);
    } else if (operation == 1) {
        c.hold(4, 1);
        c[1].submit();
        c.deliver();
        c[1].catch_up(4);
        c.run(kIdle + 250);
    } else {
        c.isolate(1);
        c[1].read(1);
        c.run(kIdle + 250);
        REQUIRE_FALSE(c[1].answer(1));
    }
    REQUIRE(c[1].leads());
    REQUIRE_FALSE(c.asleep(1));
}

TEST_CASE("The only voter sleeps although its standby is gone, and looks for it") {
    Group c("1 2s");
    c[2].crash();
    c.run(12000);
    REQUIRE(c.asleep(1));
    REQUIRE(c[1].deadline() != kNoDeadline);
    c[2].restart();
    c.run(11000);
    REQUIRE(c.all_asleep({1, 2}));
    REQUIRE(c[2].leader() == 1);
}

TEST_CASE("An answer of an earlier term, or of a server that is no member, wakes a leader") {
    Group c;
    c.run(300);
    c.hold(2, 1);
    c.expire(1);
    c.deliver();
    const Message late = c.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    c.release();
    for (raft_id id : {3, 1}) {
        c.run(300);
        c[c.leader()].transfer(id);
        c.deliver();
        REQUIRE(c[id].leads());
    }
    c.rest();
    c[1].receive(9, AppendResult{.term = 4, .last = 2}); /* nor is it a member's */
    REQUIRE_FALSE(c.asleep(1));
    c.deliver();
    REQUIRE(c.all_asleep());
    c.hand(late);
    REQUIRE_FALSE(c.asleep(1));
    c.deliver();
    REQUIRE(c.all_asleep());
}

TEST_CASE("A sleeping server refuses messages that contradict its log, and goes on sleeping") {
    Cluster c({Follower::sleeper({.id = 1, .term = 2, .log = "1[1 2 3] 2"})});
    const AppendEntries order{
        .term = 2, .prev = {2, 2}, .commit = 2, .round = 20, .version = 2, .sleep = true};
    c[1].receive(2, order);
    REQUIRE(c[1].deadline() == kNoDeadline);
    AppendEntries other = order;
    other.prev = {2, 1};
    c[1].refuses(RAFT_CORRUPT, 2, other);
    Event none(RAFT_RECEIVE);
    none.falsify = [](raft_event &e) { e.receive.message = nullptr; };
    c[1].refuses(RAFT_INVALID, none);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE("A follower does not sleep by an order that it rejects, or that has no round") {
    Cluster c({Follower::sleeper({.id = 1, .term = 3, .log = "1[1 2 3] 1"})});
    AppendEntries order{
        .term = 3, .prev = {2, 2}, .commit = 2, .round = 20, .version = 2, .sleep = true};
    c[1].receive(2, order);
    REQUIRE(c[1].leader() == 2);
    REQUIRE(c[1].deadline() != kNoDeadline);
    Cluster other({Follower::sleeper({.id = 1, .term = 2, .log = "1[1 2 3] 2"})});
    order = {.term = 2, .prev = {2, 2}, .commit = 2, .round = 0, .version = 2, .sleep = true};
    other[1].receive(2, order);
    REQUIRE(other[1].commit() == 2);
    REQUIRE(other[1].deadline() != kNoDeadline);
}

TEST_CASE("A server that may not sleep any more is due, whatever happens before its next step") {
    RestingGroup c;
    c.sleep(5000);
    c[2].set([](raft *r) { REQUIRE(raft_set_idle_timeout(r, 0) == 0); });
    const raft_time due = c[2].deadline();
    REQUIRE(due <= c.now);
    c[2].set([](raft *r) { REQUIRE(raft_set_election_timeout(r, 2000) == 0); });
    REQUIRE(c[2].deadline() == due);
    c.wake(1); /* an order to sleep, which it does not obey */
    c.deliver(1, 2);
    REQUIRE(c[2].deadline() >= c.now + 2000);
    REQUIRE(c[2].deadline() != kNoDeadline);
}

TEST_CASE("A server that has no vote, and never had one, does not campaign (§4.2.2)") {
    /* The configuration that the leader sends is not known to be committed. */
    Cluster first(std::vector<Draw>{{.id = 1}});
    first[1].receive(2, AppendEntries{.term = 1, .log = "1[2 3]", .commit = 0});
    REQUIRE(first[1].last() == 1);
    first.sleep(100000);
    first[1].refuses(RAFT_INVALID, Event(RAFT_CAMPAIGN));
    Cluster second(std::vector<Draw>{{.id = 1, .log = "1[2 3 1s]"}});
    second[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1[2 3]", .commit = 1});
    REQUIRE(second[1].last() == 2);
    second.sleep(100000);
    second[1].refuses(RAFT_INVALID, Event(RAFT_CAMPAIGN));
}
