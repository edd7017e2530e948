/* SPDX-License-Identifier: MIT */
/* Memory that a large step needed is given back when steps have been small for a while. */
#include "../catch.hpp"
#include "../observe/failing_memory.hpp"

#include <raft.h>

#include <memory>
#include <string>
#include <vector>

namespace {

constexpr unsigned kMillion = 1000000;
constexpr long long kLittle = 1024; /* bytes by which what is held may differ */

/* Server 1 of a configuration; the test plays the others. */
class Server {
public:
    explicit Server(unsigned members = 3) {
        REQUIRE(raft_init(&r, 1, "s1") == 0);
        REQUIRE(raft_set_features(&r, RAFT_FEATURE_ROUNDS | RAFT_FEATURE_JOINT) == 0);
        REQUIRE(raft_set_max_inflight_entries(&r, 4 * kMillion) == 0);
        payload_ = encode(members);
        raft_entry entry = {1, RAFT_CHANGE, {payload_.data(), payload_.size()}, {nullptr}};
        raft_event e = event(RAFT_START);
        e.start = {1, 0, nullptr, 1, &entry, 1};
        step(e);
    }
    ~Server() { raft_close(&r); }
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    /* Voters 1 to 3; all others are spares. */
    static std::string encode(unsigned members) {
        std::string out(1, '\1');
        const auto number = [&out](unsigned long long n) {
            for (int i = 0; i < 8; i++) {
                out.push_back(static_cast<char>(n >> (8 * i)));
            }
        };
        number(members);
        for (unsigned id = 1; id <= members; id++) {
            number(id);
            out += "s" + std::to_string(id);
            out.push_back('\0');
            out.push_back(static_cast<char>(id <= 3 ? RAFT_VOTER : RAFT_SPARE));
        }
        out.resize((out.size() + 7) / 8 * 8, '\0');
        return out;
    }
    raft_event event(raft_event_type type) {
        raft_event e = {};
        e.type = type;
        e.time = now;
        return e;
    }
    void step(raft_event e) {
        REQUIRE(raft_step(&r, &e, &update) == 0);
        if ((update.flags & RAFT_UPDATE_ENTRIES) != 0) {
            write_ = update.entries.write;
        }
        steps++;
    }
    void receive(raft_id from, raft_message m) {
        const std::string address = "s" + std::to_string(from);
        m.server_id = from;
        m.server_address = address.c_str();
        raft_event e = event(RAFT_RECEIVE);
        e.receive.message = &m;
        step(e);
    }
    void store() {
        raft_event e = event(RAFT_STORED);
        e.stored = {raft_last_index(&r), write_};
        step(e);
    }
    void submit(unsigned n) {
        std::vector<raft_entry> entries(n, raft_entry{0, RAFT_COMMAND, {}, {this}});
        raft_event e = event(RAFT_SUBMIT);
        e.submit = {entries.data(), n};
        step(e);
    }
    /* Both followers have everything, and answer the last round. */
    void acknowledge() {
        for (raft_id id : {2, 3}) {
            raft_message m = {};
            m.type = RAFT_APPEND_ENTRIES_RESULT;
            m.append_entries_result.version = 3;
            m.append_entries_result.term = raft_current_term(&r);
            m.append_entries_result.last_log_index = raft_last_index(&r);
            m.append_entries_result.features = RAFT_FEATURE_ROUNDS | RAFT_FEATURE_JOINT;
            m.append_entries_result.round = round_;
            receive(id, m);
        }
    }
    void heartbeat() {
        now = raft_timeout(&r);
        step(event(RAFT_TIMEOUT));
        REQUIRE(update.messages.n >= 2);
        round_ = update.messages.batch[0].append_entries.round;
        acknowledge();
    }
    void lead() {
        now = raft_timeout(&r);
        step(event(RAFT_TIMEOUT));
        for (bool pre_vote : {true, false}) {
            raft_message m = {};
            m.type = RAFT_REQUEST_VOTE_RESULT;
            m.request_vote_result.version = 2;
            m.request_vote_result.term = 2;
            m.request_vote_result.vote_granted = true;
            m.request_vote_result.pre_vote = pre_vote;
            receive(2, m);
        }
        REQUIRE(raft_state(&r) == RAFT_LEADER);
        store();
        acknowledge();
        heartbeat();
    }
    /* The leader's message: entries of term 2 after the last. */
    void append(unsigned n) {
        std::vector<raft_entry> entries(n, raft_entry{2, RAFT_COMMAND, {}, {this}});
        raft_message m = {};
        m.type = RAFT_APPEND_ENTRIES;
        m.append_entries.term = 2;
        m.append_entries.prev_log_index = raft_last_index(&r);
        m.append_entries.prev_log_term = raft_term_of(&r, raft_last_index(&r));
        m.append_entries.leader_commit = raft_last_index(&r);
        m.append_entries.entries = entries.data();
        m.append_entries.n_entries = n;
        receive(2, m);
    }

    struct raft r {};
    raft_time now = 1;
    raft_update update = {};
    unsigned steps = 0;

private:
    std::string payload_;
    unsigned long long write_ = 0;
    unsigned long long round_ = 0;
};

/* What a leader's or a follower's ordinary steps are. */
struct Leader : Server {
    Leader() { lead(); }
    void large(unsigned n) {
        submit(n);
        store();
        acknowledge();
    }
    void entry() { large(1); }
    void heartbeat() { Server::heartbeat(); }
};
struct Follower : Server {
    Follower() { entry(); }
    void large(unsigned n) {
        append(n);
        store();
    }
    void entry() { large(1); }
    void heartbeat() { append(0); }
};

template <class Some>
void ordinary(Some &s, unsigned steps) {
    for (const unsigned end = s.steps + steps; s.steps < end;) {
        s.entry();
        if (s.steps % 10 < 2) {
            s.heartbeat();
        }
    }
}

long long held() { return failing_memory::bytes(); }

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
