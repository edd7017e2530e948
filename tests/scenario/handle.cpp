/* SPDX-License-Identifier: MIT */
/* The handle, and the ownership of memory. */
#include "catch.hpp"
#include "cluster.hpp"

#include <cstring>

using namespace scenario;

namespace {

/* Any access to this address faults. */
void *const unreadable = reinterpret_cast<void *>(0x10);

/* Started with this log. */
struct Started : Lone {
    explicit Started(const char *log) {
        raft_seed(&r, 7);
        REQUIRE(step(event::start({.term = 1, .log = log})) == 0);
    }
};

} // namespace

TEST_CASE("The handle may be moved bytewise between calls") {
    auto run = [](bool moving) {
        std::string seen;
        alignas(struct raft) unsigned char places[2][sizeof(struct raft)];
        auto *r = reinterpret_cast<struct raft *>(places[0]);
        REQUIRE(raft_init(r, 1, "s1") == 0);
        raft_seed(r, 3);
        int at = 0;
        auto step = [&](Event e, raft_time now) {
            if (moving) {
                std::memcpy(places[1 - at], places[at], sizeof places[0]);
                std::memset(places[at], 0xff, sizeof places[0]);
                at = 1 - at;
                r = reinterpret_cast<struct raft *>(places[at]);
            }
            raft_update u;
            REQUIRE(raft_step(r, e.at(now, 9), &u) == 0);
            seen += text_of(u) + "\n" + answers_of(r);
        };
        step(event::start({.term = 1, .log = "1[1 2 3]"}), 1000);
        step(event::timeout(), 5000);
        step(event::receive(draft(2, 1, VoteResult{.term = 2, .granted = true, .pre_vote = true})),
             5001);
        step(event::receive(draft(2, 1, VoteResult{.term = 2, .granted = true})), 5002);
        step(event::submit(std::vector<Entry>{{0, RAFT_COMMAND, "x"}}), 5003);
        step(event::receive(draft(2, 1, AppendResult{.term = 2, .last = 2})), 5004);
        REQUIRE(raft_state(r) == RAFT_LEADER);
        REQUIRE(raft_close(r) == 0);
        return seen;
    };
    REQUIRE(run(true) == run(false));
}

TEST_CASE("Payloads are handed through, neither copied nor read") {
    Started raw("1[1]");
    REQUIRE(raft_state(&raw.r) == RAFT_LEADER);
    char cookies[3];
    raft_entry entries[3]{};
    for (int i = 0; i < 3; ++i) {
        entries[i].type = i == 2 ? RAFT_BARRIER : RAFT_COMMAND;
        entries[i].buf = {unreadable, size_t(1) << 40};
        entries[i].batch = &cookies[i];
    }
    raft_event e{};
    e.time = 1001;
    e.type = RAFT_SUBMIT;
    e.submit = {entries, 3};
    REQUIRE(raft_step(&raw.r, &e, &raw.update) == 0);
    REQUIRE(raw.update.entries.n == 3);
    REQUIRE(raw.update.entries.batch != entries); /* the array is borrowed for the call only */
    for (int i = 0; i < 3; ++i) {
        const raft_entry &out = raw.update.entries.batch[i];
        REQUIRE(out.buf.base == unreadable);
        REQUIRE(out.buf.len == size_t(1) << 40);
        REQUIRE(out.batch == &cookies[i]);
        REQUIRE(out.term == raft_current_term(&raw.r));
    }
    REQUIRE(entries[0].term == 0); /* the caller's array is not written */
}

TEST_CASE("Entries and snapshot chunks of messages are handed through as well") {
    Started raw("1[1 2 3]");
    char cookie;
    raft_entry entries[2]{};
    for (raft_entry &x : entries) {
        x = {1, RAFT_COMMAND, {unreadable, 77}, {&cookie}};
    }
    Event e = event::receive(draft(2, 1, AppendEntries{.term = 1, .prev = {1, 1}}));
    e.falsify = [&](raft_event &x) {
        x.receive.message->append_entries.entries = entries;
        x.receive.message->append_entries.n_entries = 2;
    };
    REQUIRE(raw.step(e, 1001) == 0);
    REQUIRE(raw.update.entries.n == 2);
    REQUIRE(raw.update.entries.batch[1].buf.base == unreadable);
    REQUIRE(raw.update.entries.batch[1].batch == &cookie);

    Event s = event::receive(draft(2, 1, InstallSnapshot{.term = 1, .last = {9, 1}, .data = "x"}));
    s.falsify = [&](raft_event &x) {
        x.receive.message->install_snapshot.data = {unreadable, 1000};
    };
    REQUIRE(raw.step(s, 1002) == 0);
    REQUIRE((raw.update.flags & RAFT_UPDATE_SNAPSHOT) != 0);
    REQUIRE(raw.update.snapshot.chunk.base == unreadable);
    REQUIRE(raw.update.snapshot.chunk.len == 1000);
}

TEST_CASE("Arrays, configurations, addresses and RAFT_CHANGE payloads are copied") {
    struct raft r {};
    std::string own = "own address";
    REQUIRE(raft_init(&r, 1, own.c_str()) == 0);
    own.assign(own.size(), '#');
    raft_update u{};
    auto step_and_spoil = [&](Event e, raft_time now) {
        std::deque<std::string> changes; /* payloads of changes, which the library copies, too */
        raft_event *x = e.at(now, 1);
        if (e.message && !e.message->entries.empty()) {
            raft_entry &entry = x->receive.message->append_entries.entries[0];
            changes.emplace_back(static_cast<char *>(entry.buf.base), entry.buf.len);
            entry.buf.base = changes.back().data();
        }
        REQUIRE(raft_step(&r, x, &u) == 0);
        e.spoil();
        for (std::string &change : changes) {
            change.assign(change.size(), '#');
        }
    };
    auto members_at = [&](raft_index index) {
        raft_configuration conf{};
        REQUIRE(raft_configuration_at(&r, index, &conf, nullptr) == 0);
        return Configuration(conf).str();
    };
    step_and_spoil(Event(RAFT_START), 1000);
    step_and_spoil(event::bootstrap("1 2 3"), 1001);
    REQUIRE(members_at(1) == "1 2 3");
    /* The library's own payload is valid until the next step. */
    const raft_entry &own_entry = u.entries.batch[0];
    REQUIRE(own_entry.batch == nullptr);
    REQUIRE(std::string(static_cast<char *>(own_entry.buf.base), own_entry.buf.len) ==
            encode("1 2 3"));
    step_and_spoil(event::persisted(1), 1002);
    step_and_spoil(
        event::receive(draft(2, 1, AppendEntries{.term = 2, .prev = {1, 1}, .log = "2[1 2 3 4s]"})),
        1003);
    REQUIRE(members_at(2) == "1 2 3 4s");
    const char *address = nullptr;
    raft_leader(&r, nullptr, &address);
    REQUIRE(std::string(address) == "s2");
    raft_close(&r);
}

TEST_CASE("An update is valid until the next step, even if accessors are called") {
    Cluster c("1 2 3", 1);
    c[1].slow = true;
    c[1].reconfigure("1 2 3 4s");
    const std::string before = text_of(c[1].update);
    for (int i = 0; i < 10; ++i) {
        c[1].see();
    }
    REQUIRE(text_of(c[1].update) == before);
    /* The caller may modify the messages. */
    for (unsigned i = 0; i < c[1].update.messages.n; ++i) {
        std::memset(static_cast<void *>(&c[1].update.messages.batch[i]), 0xee,
                    sizeof(raft_message));
    }
    c.run(300);
    REQUIRE(c[1].leads());
}

TEST_CASE("The same settings, seed and events give the same updates") {
    auto run = [](unsigned seed) {
        auto draws = Cluster::fresh("1 2 3");
        for (Draw &d : draws) {
            d.set = [seed](raft *r) { raft_seed(r, seed + static_cast<unsigned>(r->id)); };
        }
        Cluster c(draws);
        std::string seen;
        for (int i = 0; i < 20; ++i) {
            c.run(700);
            if (raft_id leader = c.leader()) {
                c[leader].step(event::submit(std::vector<Entry>{{0, RAFT_COMMAND, "x"}}));
                if (i % 5 == 4) {
                    c.isolate(leader);
                } else {
                    c.heal();
                }
            }
            for (raft_id id : {1, 2, 3}) {
                seen += text_of(c[id].update) + c[id].see();
            }
        }
        return seen;
    };
    REQUIRE(run(1) == run(1));
    REQUIRE(run(1) != run(1000));
}

TEST_CASE("The ID is mixed into the seed, which is 0 by default") {
    auto deadline = [](raft_id id, std::optional<unsigned> seed) {
        Lone lone(id);
        if (seed) {
            REQUIRE(raft_seed(&lone.r, *seed) == 0);
        }
        REQUIRE(lone.step(event::start({.term = 1, .log = "1[1 2 3]"})) == 0);
        return raft_timeout(&lone.r);
    };
    REQUIRE(deadline(1, {}) == deadline(1, 0));
    REQUIRE(deadline(1, {}) != deadline(2, {}));
    REQUIRE(deadline(1, 123) != deadline(1, 0));
    REQUIRE(deadline(1, 123) != deadline(2, 123));
    const raft_id high = 1ULL << 40; /* all bits of the ID count */
    REQUIRE(deadline(high + 1, 123) != deadline(1, 123));
}

TEST_CASE("A handle that raft_init() refused can be closed") {
    struct raft r;
    std::memset(&r, 0xff, sizeof r);
    REQUIRE(raft_init(&r, 1, nullptr) == RAFT_INVALID);
    REQUIRE(raft_close(&r) == 0);
    std::memset(&r, 0xff, sizeof r);
    REQUIRE(raft_init(&r, 0, "s1") == RAFT_BADID);
    REQUIRE(raft_close(&r) == 0);
}
