/* SPDX-License-Identifier: MIT */
/* What wakes a server that sleeps, and what does not: raft_set_idle_timeout(). */
#include "resting_group.hpp"

#include <climits>

using namespace scenario;

namespace {

/* The only message on a link. */
raft_append_entries heartbeat(Cluster &c, raft_id from, raft_id to) {
    REQUIRE(c.count(from, to) == 1);
    return c.take(from, to, RAFT_APPEND_ENTRIES)->append_entries;
}

bool sends_to_sleep(const raft_append_entries &ae) { return ae.version >= 2 && ae.sleep; }

} // namespace

TEST_CASE("RAFT_WAKE has no effect on a server that is awake") {
    Cluster c("1 2 3");
    c[1].ignores(Event(RAFT_WAKE)); /* a follower without a leader */
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c[1].ignores(Event(RAFT_WAKE));
    c.elect(1);
    c[1].ignores(Event(RAFT_WAKE));
    c[2].ignores(Event(RAFT_WAKE));
}

TEST_CASE("Whatever is asked of a leader wakes its group") {
    RestingGroup c;
    c.sleep(1000000);
    SECTION("RAFT_SUBMIT") { c[1].submit(); }
    SECTION("RAFT_READ") { c[1].read(1); }
    SECTION("RAFT_RECONFIGURE") { c[1].reconfigure("1 2 3 4p"); }
    SECTION("RAFT_RECONFIGURE that changes nothing") { c[1].reconfigure("1 2 3"); }
    SECTION("RAFT_TRANSFER") { c[1].transfer(0); }
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE(c[1].flag(RAFT_UPDATE_TIMEOUT));
    REQUIRE(c[1].deadline() == c.now + 100);
    for (raft_id id : {2, 3}) {
        REQUIRE(c.count(1, id) >= 1);
    }
    c.deliver();
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE_FALSE(c.asleep(2));
    REQUIRE_FALSE(c.asleep(3));
    c.run(kIdle + 300);
    REQUIRE(c.asleep(c.leader()));
    REQUIRE(c[2].commit() == c[1].last());
}

TEST_CASE("RAFT_CATCH_UP wakes a group") {
    Group c("1 2 3 4s");
    c.rest({1, 2, 3, 4});
    c[1].catch_up(4);
    REQUIRE_FALSE(c.asleep(1));
    c.rest({1, 2, 3, 4});
}

TEST_CASE("An entry that wakes a group costs no message more than any other entry") {
    RestingGroup c;
    c.sleep(5000);
    c[1].submit();
    for (raft_id id : {2, 3}) {
        const raft_append_entries ae = heartbeat(c, 1, id);
        REQUIRE(ae.n_entries == 1);
        REQUIRE(ae.version == 1);
    }
    c[1].submit();
    c.drop(); /* and what is lost is noticed as usual */
    c.run(3000);
    REQUIRE(c[2].commit() == c[1].last());
    REQUIRE(c.all_asleep());
}

TEST_CASE("The first entry after a long sleep is not taken for lost") {
    RestingGroup c;
    c.sleep(1000000);
    c[1].submit();
    c.hold(2, 1);
    c.deliver();
    c.expire(1);
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c[1].progress(2).next == c[1].last() + 1);
}

TEST_CASE("An event that fails wakes nobody") {
    RestingGroup c;
    c.sleep(5000);
    c[2].refuses(RAFT_NOTLEADER, event::submit(1));
    c[2].refuses(RAFT_NOTLEADER, event::read(1));
    c[2].refuses(RAFT_NOTLEADER, event::transfer(3));
    c[2].refuses(RAFT_BUSY, Event(RAFT_CAMPAIGN)); /* as if it had just heard from its leader */
    c[2].refuses(RAFT_MALFORMED, 1, AppendEntries{.term = 0});
    c[2].refuses(RAFT_MALFORMED, 3, RequestVote{.term = 0});
    c[1].refuses(RAFT_INVALID, event::submit(0));
    c[1].refuses(RAFT_BADID, event::transfer(9));
    c[1].refuses(RAFT_BADID, event::catch_up(9));
    c[1].refuses(RAFT_DUPLICATEID, event::reconfigure("1 2 2"));
    c[1].refuses(RAFT_INVALID, Event(RAFT_CAMPAIGN));
    c[1].refuses(RAFT_MALFORMED, 2, AppendResult{.term = 0});
    REQUIRE(c.all_asleep());
}

TEST_CASE("Reports about disks and connections wake nobody") {
    RestingGroup c;
    c.sleep(5000);
    for (raft_id id : {1, 2}) {
        c[id].take_snapshot(2);
        REQUIRE(raft_snapshot_index(c[id].handle()) == 2);
        c[id].step(event::persisted(2));
        c[id].step(event::sent(3, 1));
        c[id].step(event::configuration(1));
        c[id].timeout();
    }
    c[2].step(event::unreachable(1));
    REQUIRE(c.all_asleep());
    c[1].step(event::unreachable(3));
    REQUIRE(c[1].deadline() == c.now + 10000); /* it asks that member later */
    c[1].step(event::unreachable(3));
    c[1].step(event::unreachable(2));
    REQUIRE(c[1].deadline() == c.now + 10000);
    REQUIRE(c.count(1, 2) + c.count(1, 3) == 0);
}

TEST_CASE("A leader does not fall asleep if a member that has answered has woken up since") {
    /* A late refusal of a pre-vote, say, wakes a member just after it was sent to sleep. Its leader
     * is still waiting for another member. */
    RestingGroup c;
    c.sleep(5000);
    c.hold(3, 1);
    c.wake(1);
    c.deliver(1, 2);
    c.deliver(1, 3);
    c.deliver(2, 1);
    REQUIRE(c.asleep(2));
    c.wake(2);
    c.deliver(2, 1);
    c.release();
    c.deliver(3, 1);
    REQUIRE(c.asleep(3));
    REQUIRE_FALSE(c.asleep(2));
    REQUIRE_FALSE(c.asleep(1)); /* or server 2 would campaign */
    c.run(200);
    REQUIRE(c.all_asleep());
    REQUIRE(c[2].leader() == 1);
}

TEST_CASE("A follower that is woken wakes its leader, and the group sleeps again at once") {
    RestingGroup c;
    c.sleep(1000000);
    c.wake(2);
    REQUIRE_FALSE(c.asleep(2));
    REQUIRE(c[2].deadline() >= c.now + 1000);
    REQUIRE(c.count(2, 3) == 0);
    const Message answer = c.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(c.count(2, 1) == 0);
    REQUIRE(answer->append_entries_result.round == 0); /* else it would look like a confirmation */
    REQUIRE(answer->append_entries_result.rejected == 0);
    REQUIRE(answer->append_entries_result.last_log_index == c[2].last());
    c.hand(answer);
    REQUIRE_FALSE(c.asleep(1));
    for (raft_id id : {2, 3}) {
        const Message m = c.take(1, id, RAFT_APPEND_ENTRIES);
        REQUIRE(c.count(1, id) == 0);
        REQUIRE(sends_to_sleep(m->append_entries)); /* nothing was asked */
        c.hand(m);
    }
    REQUIRE(c.asleep(2));
    REQUIRE(c.asleep(3));
    c.deliver();
    REQUIRE(c.all_asleep());
}

TEST_CASE("A leader that is woken by RAFT_WAKE sends the group to sleep again at once") {
    RestingGroup c;
    c.sleep(1000000);
    c.wake(1);
    REQUIRE_FALSE(c.asleep(1));
    REQUIRE(c[1].deadline() == c.now + 100);
    c.drop(); /* that is lost: it goes on until all have confirmed it */
    c.expire(1);
    for (raft_id id : {2, 3}) {
        const Message m = c.take(1, id, RAFT_APPEND_ENTRIES);
        REQUIRE(sends_to_sleep(m->append_entries));
        c.hand(m);
        REQUIRE(c.asleep(id));
    }
    c.deliver();
    REQUIRE(c.all_asleep());
}

TEST_CASE("A confirmation that comes late does not wake the leader, any other answer does") {
    RestingGroup c;
    const unsigned long long round = [&] {
        c.wake(1);
        const Message m = c.take(1, 2, RAFT_APPEND_ENTRIES);
        c.hand(m);
        c.deliver();
        REQUIRE(c.all_asleep());
        return m->append_entries.round;
    }();
    AppendResult r{.term = c[1].term(), .last = c[1].last(), .round = round};
    r.features |= RAFT_FEATURE_SLEEP;
    c.sleep(5000);
    c[1].receive(2, r);
    REQUIRE(c.asleep(1));
    SECTION("of an earlier round") { r.round = round - 1; }
    SECTION("of no round") { r.round = 0; }
    SECTION("with less than the leader's log") { r.last--; }
    SECTION("a rejection") { r.rejected = c[1].last(); }
    SECTION("without the feature") { r.features &= ~RAFT_FEATURE_SLEEP; }
    SECTION("of an old version") { r.version = 2; }
    c[1].receive(2, r);
    REQUIRE_FALSE(c.asleep(1));
    c.run(kIdle + 300);
    REQUIRE(c.all_asleep());
}

TEST_CASE("Any message but the order to sleep wakes a follower") {
    Follower c;
    c[1].receive(2, Follower::order());
    c.drop();
    c.sleep(5000);
    bool tells = true; /* it tells its leader that it is awake */
    SECTION("a late heartbeat") {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2, .round = 19});
        const auto answer = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
        REQUIRE(answer->append_entries_result.round == 21);
    }
    SECTION("a heartbeat of a later round") {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2, .round = 22});
        REQUIRE(c.result(1, 2).round == 22);
        tells = false; /* it knows that its leader is awake */
    }
    SECTION("an order that names another position") {
        auto order = Follower::order(22);
        order.prev = {1, 1};
        c[1].receive(2, order);
        REQUIRE(c.result(1, 2).round == 22);
        tells = false;
    }
    SECTION("a message of an earlier term") { c[1].receive(3, RequestVote{.term = 1}); }
    SECTION("a message type of a later version") {
        Event e = event::receive(draft(3, 1, TimeoutNow{.term = 1, .last = {2, 1}}));
        e.falsify = [](raft_event &f) {
            f.receive.message->type = static_cast<raft_message_type>(99);
        };
        c[1].step(std::move(e));
    }
    REQUIRE_FALSE(c.asleep());
    REQUIRE(c[1].deadline() >= c.now + 1000);
    REQUIRE(c.count(1, 2) == (tells ? 1 : 0));
    if (tells) {
        REQUIRE(c.result(1, 2).round == 0);
    }
}

TEST_CASE("A setting that does not allow sleep any more wakes a server") {
    RestingGroup c;
    const raft_id id = GENERATE(1, 2);
    const auto setter = GENERATE(0, 1, 2, 3);
    if (id == 2 && setter == 3) {
        return; /* a follower that never leads may sleep */
    }
    const auto change = [&](bool off) {
        c[id].set([&](raft *r) {
            const unsigned features = off ? unsigned{all_features} : kSleepFeatures;
            const int rv = setter == 0   ? raft_set_idle_timeout(r, off ? 0 : kIdle)
                           : setter == 1 ? raft_set_pre_vote(r, off ? 0 : 1)
                           : setter == 2 ? raft_set_features(r, features)
                                         : raft_set_election_delay(r, off ? UINT_MAX : 0);
            REQUIRE(rv == 0);
        });
    };
    c.sleep(5000);
    change(true);
    REQUIRE(c[id].deadline() <= c.now); /* due */
    SECTION("for good") {
        c[id].timeout();
        REQUIRE(c[id].deadline() > c.now);
        /* (Without a leader, a server that never leads has nothing to wait for.) */
        REQUIRE((setter == 3 || c[id].deadline() != kNoDeadline));
        c.run(100);
        REQUIRE_FALSE(c.asleep(3)); /* the whole group is awake */
        c.run(5000);
        REQUIRE(c.leader() != 0);
        /* A leader that may not lead any more is followed by another, under which all may sleep. */
        REQUIRE(c.asleep(id) == (setter == 3));
        REQUIRE(c[1].leads() == (setter != 3));
    }
    SECTION("and is changed back before the next step") {
        change(false);
        REQUIRE(c[id].deadline() <= c.now);
        c[id].timeout();
        c.deliver();
        REQUIRE(c.all_asleep());
    }
}

TEST_CASE("A sleeping server keeps to changed timeouts when it wakes up") {
    RestingGroup c;
    for (raft_id id : {1, 2, 3}) {
        c[id].set([](raft *r) {
            REQUIRE(raft_set_election_timeout(r, 300) == 0);
            REQUIRE(raft_set_heartbeat_timeout(r, 20) == 0);
        });
        REQUIRE(c.asleep(id));
    }
    c.sleep(5000);
    c[1].submit();
    REQUIRE(c[1].deadline() == c.now + 20);
    c.deliver();
    REQUIRE(c[2].deadline() >= c.now + 300);
    REQUIRE(c[2].deadline() < c.now + 600);
}

TEST_CASE("A member that was silent for long wakes the group when it is back") {
    Group c;
    c[3].crash();
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    c[3].restart();
    c.run(3000); /* a voter asks for pre-votes, which wakes the others */
    REQUIRE(c.all_asleep());
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[3].commit() == c[1].last());
}

TEST_CASE("A candidate that wakes the leader is sent a heartbeat in the same step") {
    Group c;
    c[3].crash();
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    c[3].restart();
    c.expire(3);
    c.deliver(3, 1);
    REQUIRE_FALSE(c.take(1, 3, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.vote_granted);
    const Message heartbeat = c.take(1, 3, RAFT_APPEND_ENTRIES);
    REQUIRE_FALSE(heartbeat->append_entries.sleep);
    c.drop(3, 2); /* nothing else wakes the group */
    c.hand(heartbeat);
    c.run(1500);
    REQUIRE(c.all_asleep());
    REQUIRE(c[3].commit() == c[1].last());
}

TEST_CASE("A member that returns is sent at once what was lost while it was away") {
    Group c;
    c[3].crash();
    c[1].submit();
    c.run(12000);
    REQUIRE(c.all_asleep({1, 2}));
    c[3].restart();
    c.expire(3);
    c.run(350); /* an answer, the entry with the next heartbeat, and the one that sends to sleep */
    REQUIRE(c[3].commit() == c[1].last());
    REQUIRE(c.all_asleep());
}

TEST_CASE("A standby that restarts while its group sleeps is asked if it was reported") {
    Group c("1 2 3 4s");
    c.rest({1, 2, 3, 4});
    c[4].crash();
    c[1].step(event::unreachable(4));
    c[4].restart();
    REQUIRE(c[4].leader() == 0);
    REQUIRE(c.asleep(2));
    c.run(10000 + 300);
    REQUIRE(c[4].leader() == 1);
    REQUIRE(c[4].commit() == c[1].last());
    REQUIRE(c.all_asleep({1, 2, 3, 4}));
}

TEST_CASE("A tracer is told when a server falls asleep and when it wakes up") {
    std::vector<int> types;
    raft_tracer tracer{&types, 1, [](raft_tracer *t, int type, const void *info) {
                           const auto *record = static_cast<const raft_tracer_info *>(info);
                           if (type == RAFT_TRACE_ASLEEP || type == RAFT_TRACE_AWAKE) {
                               REQUIRE(record->text ==
                                       std::string(type == RAFT_TRACE_ASLEEP ? "asleep" : "awake"));
                               static_cast<std::vector<int> *>(t->impl)->push_back(type);
                           }
                       }};
    const raft_id id = GENERATE(1, 2);
    RestingGroup c;
    c[id].set([&](raft *r) { REQUIRE(raft_set_tracer(r, &tracer) == 0); });
    c.wake(id);
    REQUIRE(types == std::vector<int>{RAFT_TRACE_AWAKE});
    c.deliver();
    REQUIRE(c.all_asleep());
    REQUIRE(types == std::vector<int>{RAFT_TRACE_AWAKE, RAFT_TRACE_ASLEEP});
    c[id].set([](raft *r) { REQUIRE(raft_set_tracer(r, nullptr) == 0); });
}
