/* SPDX-License-Identifier: MIT */
/* What the judge must report of servers that sleep. Each case falsifies one thing; the same without
 * a falsification is accepted. */
#include "../driver/judge_step.hpp"
#include "broken.hpp"
#include "resting_group.hpp"

using namespace scenario;

namespace {

/* A heartbeat of server 1, which leads, that sends server 2 to sleep. */
template <class Change>
std::string judge_heartbeat(Change change) {
    RestingGroup c;
    Server &s = c[1];
    raft_message m{};
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = 2;
    m.server_address = "s2";
    m.append_entries = {
        2, s.term(), s.last(), raft_term_of(s.handle(), s.last()), s.last(), nullptr, 0, 9, true};
    change(m.append_entries, s);
    return broken([&] { check_message(s, m); });
}

/* A step of server 1, which sleeps before it: its views, the event, and the messages it sends. */
struct Judged {
    View before, after;
    raft_event e{};
    raft_message received{};
    std::vector<raft_message> sent;
    std::string judge() {
        raft_update u{};
        u.flags = sent.empty() ? 0 : unsigned{RAFT_UPDATE_MESSAGES};
        u.messages = {sent.data(), static_cast<unsigned>(sent.size())};
        e.receive.message = e.type == RAFT_RECEIVE ? &received : nullptr;
        return broken([&] { check_sleep(before, after, e, u); });
    }
    void send(raft_message_type type, raft_id to) {
        raft_message m{};
        m.type = type;
        m.server_id = to;
        sent.push_back(m);
    }
};

View resting(raft_id leader) {
    View v;
    v.term = 3;
    v.last = v.stored = v.commit = 5;
    v.leader = leader;
    v.state = leader == 1 ? RAFT_LEADER : RAFT_FOLLOWER;
    v.timeout = kNoDeadline;
    v.conf = Configuration("1 2 3");
    if (leader == 1) {
        Peer peer;
        peer.mode = RAFT_PROGRESS_PIPELINE;
        peer.match = 5;
        peer.features = kSleepFeatures;
        v.peers = {Peer(), peer, peer};
        v.peers[0].mode = RAFT_PROGRESS_NONE;
    }
    return v;
}

/* It sleeps before the step, and is awake or not after it. */
Judged step(raft_id leader, raft_event_type type, bool wakes) {
    Judged j;
    j.before = j.after = resting(leader);
    j.after.timeout = wakes ? 9000 : kNoDeadline;
    j.e.type = type;
    return j;
}

/* A message of that type arrives from server 2. */
Judged receive(raft_id leader, raft_message_type type, bool wakes) {
    Judged j = step(leader, RAFT_RECEIVE, wakes);
    j.received.type = type;
    j.received.server_id = 2;
    return j;
}

Judged order(raft_id leader, bool wakes) {
    Judged j = receive(leader, RAFT_APPEND_ENTRIES, wakes);
    j.received.append_entries = {2, 3, 5, 3, 5, nullptr, 0, 9, true};
    j.send(RAFT_APPEND_ENTRIES_RESULT, 2);
    return j;
}

/* Server 1 falls asleep in the step. */
Judged falls_asleep(Judged j) {
    j.before.timeout = 9000;
    return j;
}

} // namespace

TEST_CASE("A heartbeat sends only those to sleep that have everything and can sleep") {
    const auto heartbeat = [](auto change) { return judge_heartbeat(change); };
    using Ae = raft_append_entries;
    REQUIRE(heartbeat([](Ae &, Server &) {}) == "");
    REQUIRE(heartbeat([](Ae &a, Server &) { a.version = 1; }) == "messages");
    REQUIRE(heartbeat([](Ae &a, Server &) { a.sleep = false; }) == "messages");
    REQUIRE(heartbeat([](Ae &a, Server &) { a.round = 0; }) == "messages");
    REQUIRE(heartbeat([](Ae &a, Server &) { a.leader_commit--; }) == "messages");
    REQUIRE(heartbeat([](Ae &a, Server &) {
                a.prev_log_index--;
                a.prev_log_term = 1;
            }) == "messages");
    REQUIRE(heartbeat([](Ae &, Server &s) { s.view.transferee = 2; }) == "messages");
    REQUIRE(heartbeat([](Ae &, Server &s) { s.view.stored--; }) == "messages");
    REQUIRE(heartbeat([](Ae &, Server &s) { s.view.peers[1].match--; }) == "messages");
    REQUIRE(heartbeat([](Ae &, Server &s) { s.view.peers[1].mode = RAFT_PROGRESS_PROBE; }) ==
            "messages");
    REQUIRE(heartbeat([](Ae &, Server &s) { s.view.peers[1].features = all_features; }) ==
            "messages");
    REQUIRE(heartbeat([](Ae &, Server &s) { s.reads.push_back(1); }) == "messages");
}

TEST_CASE("A server falls asleep when its leader says so, or when it leads a group at rest") {
    Judged j = falls_asleep(order(2, false));
    REQUIRE(j.judge() == "");
    j.received.append_entries.version = 1;
    REQUIRE(j.judge() == "sleep");
    j = falls_asleep(order(2, false));
    j.after.commit--;
    REQUIRE(j.judge() == "sleep");
    j = falls_asleep(order(2, false));
    j.received.server_id = 3;
    REQUIRE(j.judge() == "sleep");
    const auto leader = [](auto change) {
        Judged k = falls_asleep(step(1, RAFT_TIMEOUT, false));
        change(k);
        return k.judge();
    };
    REQUIRE(leader([](Judged &) {}) == "");
    REQUIRE(leader([](Judged &k) { k.after.peers[1].match--; }) == ""); /* server 3 suffices */
    REQUIRE(leader([](Judged &k) { k.after.peers[1].match = k.after.peers[2].match = 4; }) ==
            "sleep");
    REQUIRE(leader([](Judged &k) { k.after.stored--; }) == "sleep");
    REQUIRE(leader([](Judged &k) { k.after.transferee = 2; }) == "sleep");
    REQUIRE(leader([](Judged &k) { k.after.peers[2].catch_up = RAFT_CATCH_UP_RUNNING; }) ==
            "sleep");
    REQUIRE(leader([](Judged &k) { k.e.type = RAFT_SUBMIT; }) == "sleep");
}

TEST_CASE("What wakes a server, and what does not") {
    for (raft_id leader : {1, 2}) {
        for (raft_event_type type : {RAFT_SNAPSHOT, RAFT_STORED, RAFT_SENT, RAFT_TIMEOUT}) {
            REQUIRE(step(leader, type, false).judge() == "");
            REQUIRE(step(leader, type, true).judge() == "sleep");
        }
        for (raft_event_type type : {RAFT_SUBMIT, RAFT_READ, RAFT_RECONFIGURE, RAFT_CATCH_UP,
                                     RAFT_TRANSFER, RAFT_RECOVER}) {
            REQUIRE(step(leader, type, true).judge() == "");
            REQUIRE(step(leader, type, false).judge() == "sleep");
        }
        REQUIRE(receive(leader, RAFT_REQUEST_VOTE, true).judge() == "");
        REQUIRE(receive(leader, RAFT_REQUEST_VOTE, false).judge() == "sleep");
    }
    REQUIRE(order(2, false).judge() == "");
    REQUIRE(order(1, false).judge() == "sleep");
    Judged j = order(2, false);
    j.received.append_entries.n_entries = 1;
    REQUIRE(j.judge() == "sleep");
    REQUIRE(step(1, RAFT_UNREACHABLE, true).judge() == ""); /* it asks that member later */
    REQUIRE(step(2, RAFT_UNREACHABLE, true).judge() == "sleep");
}

TEST_CASE("Only an answer that confirms everything leaves a leader asleep") {
    const auto answered = [](auto change) {
        Judged j = receive(1, RAFT_APPEND_ENTRIES_RESULT, false);
        j.received.append_entries_result = {3, 3, 0, 5, kSleepFeatures, 0, 9, 0, 0};
        change(j.received.append_entries_result);
        return j.judge();
    };
    using Result = raft_append_entries_result;
    REQUIRE(answered([](Result &) {}) == "");
    REQUIRE(answered([](Result &r) { r.round = 0; }) == "sleep");
    REQUIRE(answered([](Result &r) { r.version = 2; }) == "sleep");
    REQUIRE(answered([](Result &r) { r.rejected = 5; }) == "sleep");
    REQUIRE(answered([](Result &r) { r.last_log_index = 4; }) == "sleep");
    REQUIRE(answered([](Result &r) { r.features = all_features; }) == "sleep");
    REQUIRE(answered([](Result &r) { r.term = 2; }) == "sleep");
}

TEST_CASE("A server that sleeps sends nothing but the answer to its leader") {
    Judged j = step(1, RAFT_SNAPSHOT, false);
    j.send(RAFT_APPEND_ENTRIES, 2);
    REQUIRE(j.judge() == "sleep");
    j = order(2, false);
    j.send(RAFT_APPEND_ENTRIES_RESULT, 3);
    REQUIRE(j.judge() == "sleep");
    j = order(2, false);
    j.sent[0].type = RAFT_REQUEST_VOTE;
    REQUIRE(j.judge() == "sleep");
}

TEST_CASE("A server that wakes up tells its leader, or all members") {
    Judged j = step(2, RAFT_WAKE, true);
    REQUIRE(j.judge() == "sleep");
    j.send(RAFT_APPEND_ENTRIES_RESULT, 2);
    REQUIRE(j.judge() == "");
    j.sent[0].append_entries_result.round = 9;
    REQUIRE(j.judge() == "sleep");
    j = step(1, RAFT_WAKE, true);
    j.send(RAFT_APPEND_ENTRIES, 2);
    REQUIRE(j.judge() == "sleep");
    j.send(RAFT_APPEND_ENTRIES, 3);
    REQUIRE(j.judge() == "");
}

TEST_CASE("The request that wakes a server gets no vote without permission (§4.2.3)") {
    Judged j = receive(2, RAFT_REQUEST_VOTE, true);
    j.received.request_vote.version = 2;
    j.send(RAFT_REQUEST_VOTE_RESULT, 2);
    REQUIRE(j.judge() == "");
    j.sent[0].request_vote_result.vote_granted = true;
    REQUIRE(j.judge() == "sleep");
    j.received.request_vote.disrupt_leader = true;
    REQUIRE(j.judge() == "");
    j.received.request_vote.version = 0;
    REQUIRE(j.judge() == "sleep");
    j.sent.clear();
    j.after.vote = 2;
    REQUIRE(j.judge() == "sleep");
}

TEST_CASE("A lease needs a quorum that has echoed a round since the leader last slept (§6.4.1)") {
    RestingGroup c;
    c[1].read(1);
    c.deliver();
    c[1].read(2, true);
    REQUIRE(c[1].answer(2));
    c[1].view.due_to_wake = true; /* as if it had slept until now */
    REQUIRE(broken([&] { c[1].read(3, true); }) == "lease");
}

TEST_CASE("A deadline of a leader that has passed moves if it wakes its group or falls asleep") {
    Judged j = receive(1, RAFT_APPEND_ENTRIES_RESULT, true);
    j.received.append_entries_result = {3, 3, 0, 5, kSleepFeatures, 0, 9, 0, 0};
    j.before.timeout = 1000;
    j.after.timeout = 11000;
    const auto judge = [&] {
        raft_update u{};
        u.flags = RAFT_UPDATE_MESSAGES;
        u.messages = {j.sent.data(), static_cast<unsigned>(j.sent.size())};
        j.e.receive.message = &j.received;
        return broken([&] { check_timeout(j.before, j.after, j.e, u, 1000); });
    };
    REQUIRE(judge() == "");
    j.after.peers[1].match = j.after.peers[2].match = 4;
    REQUIRE(judge() == "timeout"); /* it may not fall asleep */
    j.send(RAFT_APPEND_ENTRIES, 2);
    REQUIRE(judge() == "timeout");
    j.send(RAFT_APPEND_ENTRIES, 3);
    REQUIRE(judge() == "");
    j.sent.clear();
    j.before.due_to_wake = true;
    REQUIRE(judge() == "");
}
