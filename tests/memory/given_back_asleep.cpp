/* SPDX-License-Identifier: MIT */
/* A leader that falls asleep gives memory back, and needs some to wake up. */
#include "given_back.hpp"

using namespace given_back;

namespace {

/* Heartbeats until the leader sleeps. */
void fall_asleep(Leader &s) {
    for (int i = 0; i < 100 && raft_timeout(&s.r) != INT64_MAX; i++) {
        s.heartbeat();
    }
    REQUIRE(raft_timeout(&s.r) == INT64_MAX);
}

/* Replace the configuration, and commit that. */
void change_members(Leader &s, unsigned members) {
    const std::string payload = Server::encode(members);
    raft_entry change = {
        0, RAFT_CHANGE, {const_cast<char *>(payload.data()), payload.size()}, {&s}};
    raft_event e = s.event(RAFT_SUBMIT);
    e.submit = {&change, 1};
    s.step(e);
    s.store();
    s.acknowledge();
    REQUIRE(raft_commit_index(&s.r) == raft_last_index(&s.r));
}

} // namespace

TEST_CASE("A leader that falls asleep gives back what it needs only when it is awake") {
    const long long before = held();
    const auto bytes_of_plain_leader = [=] {
        Leader plain;
        REQUIRE(raft_set_idle_timeout(&plain.r, 1000) == 0);
        fall_asleep(plain);
        return held() - before;
    };
    const long long plain = bytes_of_plain_leader();
    Leader s(1);
    REQUIRE(raft_set_idle_timeout(&s.r, 1000) == 0);
    fall_asleep(s);
    const auto disturbance = GENERATE(0, 1, 2, 3, 4);
    raft_event e = s.event(RAFT_WAKE);
    switch (disturbance) {
        case 0:
            s.step(e);
            break;
        case 1: /* entries, and a block of some kilobytes for them */
            s.large(20);
            break;
        case 2:
            e.type = RAFT_READ;
            for (int i = 0; i < 20; i++) {
                s.step(e);
            }
            break;
        case 3: { /* many terms, which are compacted below */
            for (raft_term term = 3; term < 40; term += 2) {
                s.append(1, term);
                s.lead();
            }
            break;
        }
        default: /* room for many members, which leave at once; the configuration is compacted */
            change_members(s, 20);
            change_members(s, 3);
    }
    REQUIRE(held() > before + plain + 100);
    s.acknowledge();
    e = s.event(RAFT_SNAPSHOT);
    e.snapshot.metadata.index = raft_commit_index(&s.r);
    s.step(e);
    fall_asleep(s);
    REQUIRE(held() == before + plain);
}

TEST_CASE("A leader falls asleep although the memory to give memory back is lacking") {
    Leader s;
    REQUIRE(raft_set_idle_timeout(&s.r, 1000) == 0);
    change_members(s, 4); /* its list of members has been enlarged */
    for (int i = 0; i < 100 && raft_timeout(&s.r) != INT64_MAX; i++) {
        s.now = raft_timeout(&s.r);
        s.step(s.event(RAFT_TIMEOUT));
        s.note_round();
        failing_memory::arm(1, true);
        s.acknowledge();
        if (raft_timeout(&s.r) == INT64_MAX) {
            REQUIRE(failing_memory::disarm());
        }
        failing_memory::disarm();
    }
    REQUIRE(raft_timeout(&s.r) == INT64_MAX);
    raft_peer peer;
    REQUIRE(raft_progress(&s.r, 3, &peer) == 0);
    REQUIRE(peer.match == raft_last_index(&s.r));
}

TEST_CASE("A leader that sleeps and cannot wake up for lack of memory goes on sleeping") {
    Leader s;
    REQUIRE(raft_set_idle_timeout(&s.r, 1000) == 0);
    fall_asleep(s);
    raft_entry entry = {0, RAFT_COMMAND, {}, {&s}};
    raft_event e = s.event(RAFT_SUBMIT);
    e.submit = {&entry, 1};
    const raft_index last = raft_last_index(&s.r);
    for (int i = 0; i < 3; i++) {
        failing_memory::arm(1, true);
        REQUIRE(raft_step(&s.r, &e, &s.update) == RAFT_NOMEM);
        REQUIRE(failing_memory::disarm());
        REQUIRE(raft_timeout(&s.r) == INT64_MAX);
        REQUIRE(raft_last_index(&s.r) == last);
    }
    s.step(e);
    REQUIRE(raft_timeout(&s.r) != INT64_MAX);
    REQUIRE(raft_last_index(&s.r) == last + 1);
    REQUIRE(s.update.messages.n == 2);
}
