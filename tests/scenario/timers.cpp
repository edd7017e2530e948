/* SPDX-License-Identifier: MIT */
/* raft_timeout(): what moves a deadline and what does not, and settings that change while a server
 * runs (§3.4, §6.2, §6.4.1). */
#include "../observe/state.hpp"
#include "catch.hpp"
#include "cluster.hpp"

#include <climits>

using namespace scenario;

namespace {

void short_timeouts(raft *r) {
    raft_set_heartbeat_timeout(r, 10);
    raft_set_election_timeout(r, 100);
}

/* The caller looks at its timer after each event only. */
void fire_if_due(Cluster &c, raft_id id) {
    if (c[id].deadline() <= c.now) {
        c[id].timeout();
    }
}

} // namespace

TEST_CASE("A leader that is cut off steps down although events come before its timer (§6.2)") {
    Cluster c("1 2 3", 1);
    c.isolate(1);
    const raft_time cut = c.now;
    while (c[1].leads() && c.now < cut + 60000) {
        c.sleep(1);
        if (c[1].leads()) {
            c[1].submit(1);
        }
        fire_if_due(c, 1);
    }
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c.now <= cut + 1100);
}

TEST_CASE("A follower campaigns although stale messages come before its timer (§3.4)") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3]"}});
    const raft_time due = c[1].deadline();
    while (c[1].state() == RAFT_FOLLOWER && c.now < 60000) {
        c.sleep(1);
        c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}});
        c[1].receive(3, VoteResult{.term = 3});
        fire_if_due(c, 1);
    }
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c.now == due);
}

TEST_CASE("A deadline that has passed stays due until its timer fires or a leader is heard") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    const raft_time due = c[1].deadline();
    c.now = due + 500;
    c[1].receive(2, VoteResult{.term = 1});
    REQUIRE(c[1].deadline() == due);
    SECTION("a term that another server has") {
        c[1].receive(2, VoteResult{.term = 5});
        REQUIRE(c[1].term() == 5);
        REQUIRE(c[1].deadline() == due);
    }
    SECTION("a vote that is refused") {
        c[1].receive(2, RequestVote{.term = 5, .last = {1, 1}});
        REQUIRE(c[1].vote() == 0);
        REQUIRE(c[1].deadline() == due);
    }
    SECTION("a snapshot and a recovery") {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2});
        const raft_time heard = c[1].deadline();
        c.now = heard + 500;
        c[1].take_snapshot(2);
        REQUIRE(c[1].deadline() == heard);
        c[1].step(event::recover("1 2"));
        REQUIRE(c[1].deadline() == heard);
    }
    SECTION("a leader that is heard") {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}});
        REQUIRE(c[1].deadline() > c.now);
    }
    SECTION("a vote that is given") {
        c[1].receive(2, RequestVote{.term = 5, .last = {2, 1}});
        REQUIRE(c[1].vote() == 2);
        REQUIRE(c[1].deadline() > c.now);
    }
    SECTION("its timer") {
        c[1].timeout();
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        REQUIRE(c[1].deadline() > c.now);
    }
}

TEST_CASE("A snapshot that cannot be written does not put a deadline off (§5.1)") {
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3] 1"}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {2, 2}, .bytes = 4});
    const raft_time due = c[1].deadline();
    c.now = due + 500;
    c[1].fail_chunk();
    REQUIRE(c[1].deadline() == due);
    c[1].timeout();
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("A higher term does not put the next campaign of a candidate off (§3.4)") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    const raft_time due = c[1].deadline();
    c.now = due - 1;
    c[1].receive(2, VoteResult{.term = 7});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == due);
}

TEST_CASE("Each RAFT_TIMEOUT sets RAFT_UPDATE_TIMEOUT and leaves a later deadline") {
    Cluster c("1 2 3");
    const auto fires = [&c](raft_id id) {
        c[id].timeout();
        REQUIRE(c[id].flag(RAFT_UPDATE_TIMEOUT));
        REQUIRE(c[id].deadline() > c.now);
    };
    fires(1); /* too early */
    c.elect(1);
    c.run(500);
    for (raft_id id : {1, 2}) {
        fires(id);
        c.now = c[id].deadline();
        fires(id);
        fires(id);
    }
    /* With equal timeouts each heartbeat could leave the deadline where it was. */
    c.now = c[1].deadline() + 70;
    fires(1);
    REQUIRE(c[1].deadline() == c.now + 100);
}

TEST_CASE("No deadline is 2^63 - 1, a signed number") {
    Cluster c({{.id = 9, .log = "1[1 2 3]"}});
    REQUIRE(c[9].deadline() == 0x7fffffffffffffffULL);
}

TEST_CASE("A raised election timeout puts off campaigns: a lease read is never stale (§6.4.1)") {
    auto draws = Cluster::fresh("1 2 3");
    for (Draw &d : draws) {
        d.set = short_timeouts;
    }
    Cluster c(draws);
    c.elect(1);
    c[1].submit(1);
    c.run(55);
    for (raft_id id : {2, 3, 1}) { /* the leader last */
        c[id].set([](raft *r) { raft_set_election_timeout(r, 1000); });
    }
    for (raft_id id : {2, 3}) {
        REQUIRE(c[id].deadline() >= c.now - 10 + 1000);
    }
    c.run(10);
    c.isolate(1);
    const raft_time cut = c.now;
    for (unsigned long long read = 1; c[1].leads(); read++) {
        c[1].read(read, true);
        const bool lease = c[1].answer(read).has_value();
        REQUIRE((c.leader() == 1 || !lease));
        REQUIRE((lease || c.now > cut + 800));
        c.run(20);
    }
    c.run(3000);
    REQUIRE(c.leader() != 1);
}

TEST_CASE("A lowered election timeout brings campaigns forward (§3.4)") {
    auto draws = Cluster::fresh("1 2 3");
    for (Draw &d : draws) {
        d.set = [](raft *r) { raft_set_election_timeout(r, 3600000); };
    }
    Cluster c(draws);
    REQUIRE(c[1].deadline() >= c.now + 3600000);
    const bool candidate = GENERATE(false, true);
    if (candidate) {
        c.expire(1);
        c.drop();
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
    }
    for (raft_id id : {1, 2, 3}) {
        c[id].set([](raft *r) { raft_set_election_timeout(r, 1000); });
    }
    REQUIRE(c[1].deadline() >= c.now + 1000);
    REQUIRE(c[1].deadline() < c.now + 2000);
    c.run(10000);
    REQUIRE(c.leader() != 0);
}

TEST_CASE("A changed heartbeat timeout moves the deadline of a leader, and of no other server") {
    Cluster c("1 2 3", 1);
    c.expire(1);
    const raft_time sent = c.now;
    const raft_time follower = c[2].deadline();
    REQUIRE(c[1].deadline() == sent + 100);
    const auto set = [&c](raft_id id, unsigned msecs) {
        c[id].set([=](raft *r) { raft_set_heartbeat_timeout(r, msecs); });
    };
    set(1, 20);
    REQUIRE(c[1].deadline() == sent + 20);
    set(1, 700);
    REQUIRE(c[1].deadline() == sent + 700);
    c[1].set([](raft *r) { raft_set_election_timeout(r, 5000); });
    REQUIRE(c[1].deadline() == sent + 700);
    set(2, 20);
    REQUIRE(c[2].deadline() == follower);
}

TEST_CASE("A timeout that is set to its present value changes nothing") {
    Cluster a({{.id = 1, .log = "1[1 2 3]"}});
    Cluster b({{.id = 1, .log = "1[1 2 3]"}});
    for (int i = 0; i < 3; ++i) {
        b[1].set([](raft *r) {
            REQUIRE(raft_set_election_timeout(r, 1000) == 0);
            REQUIRE(raft_set_election_delay(r, 0) == 0);
            REQUIRE(raft_set_heartbeat_timeout(r, 100) == 0);
        });
        REQUIRE(a[1].deadline() == b[1].deadline());
        a.expire(1);
        b.expire(1);
    }
}

TEST_CASE("A refused timeout moves no deadline") {
    Cluster c("1 2 3", 1);
    const raft_time leader = c[1].deadline();
    const raft_time follower = c[2].deadline();
    REQUIRE(raft_set_heartbeat_timeout(c[1].handle(), 1000) == RAFT_INVALID);
    REQUIRE(raft_set_election_timeout(c[2].handle(), 100) == RAFT_INVALID);
    REQUIRE(c[1].deadline() == leader);
    REQUIRE(c[2].deadline() == follower);
}

TEST_CASE("Servers with equal seeds that run in lockstep elect a leader (§3.4)") {
    const bool pre_vote = GENERATE(true, false);
    auto draws = Cluster::fresh("1 2 3");
    for (Draw &d : draws) {
        d.set = [=](raft *r) {
            raft_seed(r, 42);
            raft_set_pre_vote(r, pre_vote);
        };
    }
    Cluster c(draws);
    for (int ms = 0; ms < 60000 && c.leader() == 0; ++ms) {
        c.sleep(1);
        for (raft_id id : {1, 2, 3}) {
            fire_if_due(c, id); /* all timers, and only then the messages */
        }
        c.deliver();
    }
    REQUIRE(c.leader() != 0);
}

TEST_CASE("A server that may not campaign forgets a leader that is silent for a timeout") {
    Cluster c({{.id = 4, .log = "1[1 2 3 4s 5p]"}});
    REQUIRE(c[4].deadline() == kNoDeadline);
    for (int i = 0; i < 2; ++i) {
        c[4].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
        c.drop();
        REQUIRE(c[4].leader() == 2);
        REQUIRE(c[4].deadline() >= c.now + 1000);
        REQUIRE(c[4].deadline() <= c.now + 2000);
        c.expire(4);
        REQUIRE(c[4].leader() == 0);
        REQUIRE(flag_names(c[4].flags()) == flag_names(RAFT_UPDATE_TIMEOUT | RAFT_UPDATE_LEADER));
        REQUIRE(c[4].state() == RAFT_FOLLOWER);
        REQUIRE(c[4].deadline() == kNoDeadline);
    }
    c[4].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    c[4].receive(3, VoteResult{.term = 9}); /* its leader's term is over */
    REQUIRE(c[4].leader() == 0);
    REQUIRE(c[4].deadline() == kNoDeadline);
}

TEST_CASE("A standby takes the fast path while it hears its leader") {
    Cluster c({{.id = 4, .log = "1[1 2 3 4s]"}});
    c[4].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    const uint64_t before = observe::general_steps(*c[4].handle());
    for (raft_index i = 1; i < 10; i++) {
        c.sleep(50);
        c[4].receive(2, AppendEntries{.term = 1, .prev = {i, 1}, .log = "1", .commit = i});
        REQUIRE(c[4].commit() == i);
        REQUIRE(c[4].deadline() > c.now);
    }
    REQUIRE(observe::general_steps(*c[4].handle()) == before);
}
