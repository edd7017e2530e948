/* SPDX-License-Identifier: MIT */
/* Memory that a large step needed is given back when steps have been small for a while. */
#include "given_back.hpp"

#include <memory>

using namespace given_back;

namespace {

template <class Some>
void check_outbox() {
    Some s;
    ordinary(s, 200);
    const long long before = held();
    s.large(kMillion);
    REQUIRE(held() > before + 30 * kMillion);
    SECTION("by 200 ordinary steps") { ordinary(s, 200); }
    SECTION("by 20 heartbeats") {
        for (int i = 0; i < 20; i++) {
            s.heartbeat();
        }
    }
    SECTION("although large steps have gone on for a while") {
        const long long large = held();
        for (int i = 0; i < 30; i++) {
            s.large(kMillion / 2);
            s.heartbeat();
            REQUIRE(held() == large);
        }
        SECTION("by ordinary steps") { ordinary(s, 200); }
        SECTION("by 24 heartbeats") {
            for (int i = 0; i < 24; i++) {
                s.heartbeat();
            }
        }
    }
    SECTION("also if no memory is left at the first try") {
        failing_memory::arm(1, true);
        const long long large = held();
        ordinary(s, 100);
        REQUIRE(failing_memory::disarm());
        REQUIRE(held() == large);
        ordinary(s, 200);
    }
    REQUIRE(held() <= before + kLittle);
}

} // namespace

TEST_CASE("A leader gives back what a submission of a million entries took") {
    check_outbox<Leader>();
}

TEST_CASE("A follower gives back what an AppendEntries of a million entries took") {
    check_outbox<Follower>();
}

TEST_CASE("Steady steps allocate nothing, however large they are") {
    Leader s;
    for (unsigned n : {1, 10, 100, 1000, 10000}) {
        for (int i = 0; i < 10; i++) {
            s.large(n);
            s.heartbeat();
        }
        std::vector<raft_entry> entries(n, raft_entry{0, RAFT_COMMAND, {}, {&s}});
        raft_event e = s.event(RAFT_SUBMIT);
        e.submit = {entries.data(), n};
        unsigned allocations = 0;
        for (int i = 0; i < 300; i++) {
            failing_memory::arm(0);
            s.step(e);
            allocations += failing_memory::count();
            failing_memory::disarm();
            s.store();
            s.acknowledge();
            if (i % 3 == 0) {
                s.heartbeat();
            }
            e.time = s.now;
        }
        REQUIRE(allocations == 0);
    }
}

TEST_CASE("A leader gives back what many pending reads took") {
    Leader s;
    ordinary(s, 200);
    const long long before = held();
    raft_event e = s.event(RAFT_READ);
    unsigned reads = 0;
    while (raft_step(&s.r, &e, &s.update) == 0 && reads < 100000) {
        reads++;
    }
    REQUIRE(held() > before + 30LL * reads);
    REQUIRE(reads > 1000);
    s.heartbeat();
    s.heartbeat();
    ordinary(s, 200);
    REQUIRE(held() <= before + kLittle);
}

TEST_CASE("A leader gives back what a configuration of many servers took") {
    Leader s;
    ordinary(s, 200);
    const long long before = held();
    long long large = 0;
    for (unsigned members : {5000, 3}) {
        const std::string payload = Server::encode(members);
        raft_entry change = {
            0, RAFT_CHANGE, {const_cast<char *>(payload.data()), payload.size()}, {&s}};
        raft_event e = s.event(RAFT_SUBMIT);
        e.submit = {&change, 1};
        s.step(e);
        large = std::max(large, held());
        s.store();
        s.acknowledge();
        REQUIRE(raft_commit_index(&s.r) == raft_last_index(&s.r));
    }
    REQUIRE(large > before + 500000);
    raft_event e = s.event(RAFT_SNAPSHOT);
    e.snapshot.metadata.index = raft_commit_index(&s.r);
    s.step(e);
    ordinary(s, 200);
    REQUIRE(held() <= before + kLittle);
}

TEST_CASE("A server gives back what a log of many terms took, when it is compacted") {
    std::vector<raft_entry> entries;
    const std::string payload = Server::encode(3);
    for (raft_term term = 1; term <= 100000; term++) {
        entries.push_back({term, RAFT_COMMAND, {}, {nullptr}});
    }
    entries[0] = {1, RAFT_CHANGE, {const_cast<char *>(payload.data()), payload.size()}, {nullptr}};
    struct raft r {};
    raft_update update;
    const long long before = held();
    REQUIRE(raft_init(&r, 1, "s1") == 0);
    raft_event e = {};
    e.type = RAFT_START;
    e.start = {100000, 0, nullptr, 1, entries.data(), 100000};
    REQUIRE(raft_step(&r, &e, &update) == 0);
    REQUIRE(held() > before + 1000000);
    raft_message m = {};
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = 2;
    m.server_address = "s2";
    m.append_entries.term = 100000;
    m.append_entries.prev_log_index = m.append_entries.prev_log_term = 100000;
    m.append_entries.leader_commit = 100000;
    e = {};
    e.type = RAFT_RECEIVE;
    e.receive.message = &m;
    REQUIRE(raft_step(&r, &e, &update) == 0);
    SECTION("by a snapshot of its own") {
        e = {};
        e.type = RAFT_SNAPSHOT;
        e.snapshot.metadata.index = 99999;
        REQUIRE(raft_step(&r, &e, &update) == 0);
        REQUIRE(raft_last_index(&r) == 100000);
    }
    SECTION("by its leader's snapshot") {
        const char data = 'x';
        raft_server members[] = {{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}};
        m.type = RAFT_INSTALL_SNAPSHOT;
        m.install_snapshot = {};
        m.install_snapshot.term = 100001;
        m.install_snapshot.last_index = 200000;
        m.install_snapshot.last_term = 100001;
        m.install_snapshot.conf = {members, 2};
        m.install_snapshot.conf_index = 1;
        m.install_snapshot.data = {const_cast<char *>(&data), 1};
        REQUIRE(raft_step(&r, &e, &update) == 0);
        e = {};
        e.type = RAFT_PERSISTED_SNAPSHOT;
        e.persisted_snapshot.metadata.index = 200000;
        e.persisted_snapshot.metadata.term = 100001;
        e.persisted_snapshot.last = true;
        REQUIRE(raft_step(&r, &e, &update) == 0);
        REQUIRE(raft_last_index(&r) == 200000);
    }
    REQUIRE(held() <= before + 2 * kLittle);
    raft_close(&r);
    REQUIRE(held() == before);
}
