/* SPDX-License-Identifier: MIT */
/* When a group that rests falls asleep: raft_set_idle_timeout(). */
#include "resting_group.hpp"

#include <climits>

using namespace scenario;

TEST_CASE("A group that was asked for nothing for the idle timeout sleeps") {
    Group c;
    c[1].submit();
    c.run(kIdle - 50);
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE_FALSE(c.asleep(2));
    c.run(200);
    REQUIRE(c.all_asleep());
    for (raft_id id : {1, 2, 3}) {
        REQUIRE(c[id].leader() == 1);
        REQUIRE(c[id].commit() == c[1].last());
        c[id].step(event::timeout()); /* nothing is due, however late */
        c[id].ignores(event::persisted(c[id].last()));
    }
    for (raft_id id : {2, 3}) {
        REQUIRE(c.count(1, id) == 0);
        REQUIRE(c.count(id, 1) == 0);
    }
    REQUIRE(c.all_asleep());
}

TEST_CASE("The idle timeout counts from what was asked last") {
    const auto ask = GENERATE(0, 1, 2, 3, 4);
    Group c("1 2 3 4s");
    c.run(kIdle - 150);
    const raft_time asked = c.now;
    switch (ask) {
        case 0:
            c[1].submit();
            break;
        case 1:
            c[1].read(7);
            break;
        case 2:
            c[1].reconfigure("1 2 3 4s"); /* changes nothing */
            break;
        case 3:
            c[1].catch_up(4);
            break;
        default:
            c[1].transfer(2);
            c[1].transfer(1); /* cancelled */
            c.drop();
    }
    c.run(kIdle - 10);
    REQUIRE_FALSE(c.asleep(1));
    c.run(200);
    REQUIRE(c.now < asked + kIdle + 300);
    REQUIRE(c.all_asleep({1, 2, 3, 4}));
}

TEST_CASE("Heartbeats tell the members to sleep until all of them have answered") {
    Group c;
    c.run(kIdle - 10);
    c.drop();
    c.hold(1, 3);
    c.expire(1);
    while (c.count(1, 2) == 0 || !c[1].deadline()) {
        c.expire(1);
    }
    auto last_heartbeat = [&](raft_id to) {
        Message m = c.take(1, to, RAFT_APPEND_ENTRIES);
        while (c.count(1, to) > 0) {
            m = c.take(1, to, RAFT_APPEND_ENTRIES);
        }
        return m;
    };
    const Message first = last_heartbeat(2);
    REQUIRE(first->append_entries.version == 2);
    REQUIRE(first->append_entries.sleep);
    REQUIRE(first->append_entries.n_entries == 0);
    c.hand(first);
    c.deliver(2, 1);
    REQUIRE(c.asleep(2));
    REQUIRE_FALSE(c.asleep(1)); /* server 3 has not answered */
    REQUIRE(c[1].deadline() == c.now + 100);
    c.drop(1, 3); /* lost */
    c.expire(1);
    const Message again = last_heartbeat(2);
    REQUIRE(again->append_entries.sleep);
    REQUIRE(again->append_entries.round > first->append_entries.round);
    c.hand(again); /* obeyed again, and answered */
    c.deliver(2, 1);
    REQUIRE(c.asleep(2));
    const Message second = last_heartbeat(3);
    REQUIRE(second->append_entries.sleep);
    c.hand(second);
    REQUIRE(c.asleep(3));
    REQUIRE_FALSE(c.asleep(1));
    c.deliver(3, 1);
    REQUIRE(c.all_asleep());
}

TEST_CASE("A group stays awake while a member does not sleep") {
    auto draws = sleepers("1 2 3");
    SECTION("it has no idle timeout") { draws[2].set = nullptr; }
    SECTION("its messages lack the field") { draws[2].features = all_features; }
    SECTION("it echoes no rounds") { draws[2].features = RAFT_FEATURE_SLEEP | RAFT_FEATURE_JOINT; }
    SECTION("it has no pre-votes") {
        draws[2].set = [](raft *r) {
            let_sleep(r);
            REQUIRE(raft_set_pre_vote(r, 0) == 0);
        };
    }
    Group c(draws);
    c.run(5000);
    REQUIRE(c[1].leads());
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE_FALSE(c.asleep(2));
    REQUIRE_FALSE(c.asleep(3));
}

TEST_CASE("A leader does not let the group sleep while something is under way") {
    Group c("1 2 3 4s");
    c.run(300);
    SECTION("an entry is not committed") {
        c.cut(1, 2);
        c.cut(1, 3);
        c[1].submit();
        c.run(kIdle + 250); /* and the leader does not step down yet */
    }
    SECTION("an entry is not stored") {
        c[1].slow = true;
        c[1].submit();
        c.run(kIdle + 2000);
        REQUIRE(c[1].commit() == c[1].last());
    }
    SECTION("a member lacks an entry") {
        c.cut(1, 4);
        c[1].submit();
        c.run(kIdle + 2000);
        REQUIRE(c[1].commit() == c[1].last());
    }
    REQUIRE(c[1].leads());
    REQUIRE_FALSE(c.asleep(1));
}

TEST_CASE("A member that is silent for ten election timeouts does not keep the group awake") {
    Group c("1 2 3 4s");
    const raft_id gone = GENERATE(3, 4);
    c[gone].crash();
    c.run(9000);
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE_FALSE(c.asleep(2));
    c.run(2500);
    REQUIRE(c.asleep(2));
    const raft_time slept = c[1].deadline() - 10000; /* a hundred heartbeat timeouts */
    REQUIRE(slept <= c.now);
    REQUIRE(slept + 2000 > c.now);
    c.drop();
    c.expire(1); /* it asks the silent member alone, without waking up */
    REQUIRE(c.count(1, gone) == 1);
    REQUIRE(c.count(1, 2) == 0);
    const Message m = c.take(1, gone, RAFT_APPEND_ENTRIES);
    REQUIRE_FALSE((m->append_entries.version >= 2 && m->append_entries.sleep));
    REQUIRE(c[1].deadline() == c.now + 10000);
    c[gone].restart();
    c.expire(1);
    c.run(1500); /* it answers, and that wakes the group until it sleeps with all members */
    REQUIRE(c.all_asleep({1, 2, 3, 4}));
    REQUIRE(c[gone].commit() == c[1].last());
}

TEST_CASE("Members that sleep must be a quorum with their leader") {
    Group c;
    c.isolate(1);
    c.run(kIdle + 20000);
    REQUIRE_FALSE(c[1].leads());
    c.heal();
    c[2].crash();
    c[3].crash();
    c.run(20000);
    REQUIRE_FALSE(c.asleep(1));
}

TEST_CASE("The only voter of a group sleeps without asking anyone") {
    Group c("1");
    c.run(kIdle + 200);
    REQUIRE(c.asleep(1));
    c.wake(1); /* a false alarm: it sleeps again in the same step */
    REQUIRE(c.asleep(1));
    c[1].submit();
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE(c[1].commit() == c[1].last());
    c.run(kIdle + 200);
    REQUIRE(c.asleep(1));
}

TEST_CASE("A follower that has everything sleeps when its leader says so") {
    Follower c;
    c[1].receive(2, Follower::order());
    REQUIRE(c.asleep());
    REQUIRE(c[1].flag(RAFT_UPDATE_TIMEOUT));
    const auto answer = c.result(1, 2);
    REQUIRE(answer.rejected == 0);
    REQUIRE(answer.last_log_index == 2);
    REQUIRE(answer.round == 21);
    REQUIRE((answer.features & RAFT_FEATURE_SLEEP) != 0);
    c.sleep(1000000);
    c[1].receive(2, Follower::order(22)); /* obeyed again */
    REQUIRE(c.asleep());
    REQUIRE(c.result(1, 2).round == 22);
}

TEST_CASE("A follower that lacks something stays awake when it is told to sleep") {
    Follower c;
    AppendEntries order = Follower::order();
    SECTION("entries") { order.prev = {3, 1}; }
    SECTION("the commit index") {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1", .round = 20});
        order.prev = {3, 1};
    }
    SECTION("it has more entries") { order.prev = {1, 1}; }
    SECTION("an entry is not durable") {
        c[1].slow = true;
        c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1", .round = 20});
        order.prev = {3, 1};
        order.commit = 3;
    }
    SECTION("the message brings entries") { order.log = "1"; }
    SECTION("the message is older than another one") { order.round = 19; }
    SECTION("the message has no round") { order.round = 0; }
    SECTION("the version has no such field") { order.version = 1; }
    SECTION("sleep is not true") { order.sleep = false; }
    SECTION("it has no idle timeout") {
        c[1].set([](raft *r) { REQUIRE(raft_set_idle_timeout(r, 0) == 0); });
    }
    SECTION("it has no pre-votes") {
        c[1].set([](raft *r) { REQUIRE(raft_set_pre_vote(r, 0) == 0); });
    }
    c[1].receive(2, order);
    REQUIRE(c[1].leader() == 2);
    REQUIRE_FALSE(c.asleep());
}

TEST_CASE("A message of an earlier round neither wakes a server nor sends it to sleep") {
    Follower c;
    c[1].receive(2, Follower::order(21));
    REQUIRE(c.asleep());
    c.drop();
    c.sleep(5000);
    c[1].receive(2, Follower::order(20)); /* delayed */
    REQUIRE(c.asleep());
    REQUIRE(c.result(1, 2).round == 21);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2, .round = 25});
    REQUIRE_FALSE(c.asleep());
    c[1].receive(2, Follower::order(24));
    REQUIRE_FALSE(c.asleep());
    c[1].receive(2, Follower::order(25)); /* of the same heartbeats: the latest */
    REQUIRE(c.asleep());
}

TEST_CASE("A follower that is told to sleep drops half a snapshot that nobody is writing") {
    const bool writing = GENERATE(false, true);
    Follower c;
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {9, 1}, .bytes = 3});
    if (!writing) {
        c[1].store_all();
    }
    c.drop();
    c[1].receive(2, Follower::order());
    REQUIRE(c.asleep() ==
            !writing); /* else it would never obey, and wake the group again and again */
    REQUIRE(c.count(1, 2) == 1);
}
