/* SPDX-License-Identifier: MIT */
/* The handle, and whose memory is whose. */
#include "catch.hpp"
#include "cluster.hpp"
#include "render.hpp"

#include <cstring>

using namespace story;

namespace {

/* Never to be read: any access faults. */
void *const unreadable = reinterpret_cast<void *>(0x10);

struct Raw {
    explicit Raw(const Draw &d) {
        Cluster maker({d});
        REQUIRE(raft_init(&r, d.id, "s1") == 0);
        raft_seed(&r, 7);
        Event e(RAFT_START, "START");
        e.e.start.term = maker[d.id].disk.term;
        e.e.start.start_index = 1;
        e.entries = draw_log(d.log);
        REQUIRE(raft_step(&r, e.at(1000, 1), &update) == 0);
    }
    ~Raw() { raft_close(&r); }
    Raw(const Raw &) = delete;
    Raw &operator=(const Raw &) = delete;
    struct raft r {};
    raft_update update{};
};

} // namespace

TEST_CASE("The handle may be moved bytewise between calls") {
    auto live = [](bool moving) {
        std::string seen;
        alignas(struct raft) unsigned char places[2][sizeof(struct raft)];
        auto *r = reinterpret_cast<struct raft *>(places[0]);
        REQUIRE(raft_init(r, 1, "s1") == 0);
        raft_seed(r, 3);
        int at = 0;
        auto step = [&](const EventPtr &e, raft_time now) {
            if (moving) {
                std::memcpy(places[1 - at], places[at], sizeof places[0]);
                std::memset(places[at], 0xff, sizeof places[0]);
                at = 1 - at;
                r = reinterpret_cast<struct raft *>(places[at]);
            }
            raft_update u;
            REQUIRE(raft_step(r, e->at(now, 9), &u) == 0);
            seen += render(u) + "\n" + digest(r);
        };
        auto start = std::make_shared<Event>(RAFT_START, "START");
        start->e.start.term = 1;
        start->e.start.start_index = 1;
        start->entries = draw_log("1[1 2 3]");
        step(start, 1000);
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
    REQUIRE(live(true) == live(false));
}

TEST_CASE("Payloads are handed through: never copied, never read") {
    Raw raw({.id = 1, .log = "1[1]"});
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
    Raw raw({.id = 1, .log = "1[1 2 3]"});
    char cookie;
    raft_entry entries[2]{};
    for (raft_entry &x : entries) {
        x = {1, RAFT_COMMAND, {unreadable, 77}, &cookie};
    }
    auto m = draft(2, 1, AppendEntries{.term = 1, .prev = {1, 1}});
    Event e(RAFT_RECEIVE, "");
    e.message = m;
    e.spoil = [&](raft_event &x) {
        x.receive.message->append_entries.entries = entries;
        x.receive.message->append_entries.n_entries = 2;
    };
    REQUIRE(raft_step(&raw.r, e.at(1001, 1), &raw.update) == 0);
    REQUIRE(raw.update.entries.n == 2);
    REQUIRE(raw.update.entries.batch[1].buf.base == unreadable);
    REQUIRE(raw.update.entries.batch[1].batch == &cookie);

    Event s(RAFT_RECEIVE, "");
    s.message =
        draft(2, 1, InstallSnapshot{.term = 1, .last = {9, 1}, .conf = "1 2 3", .data = "x"});
    s.spoil = [&](raft_event &x) { x.receive.message->install_snapshot.data = {unreadable, 1000}; };
    REQUIRE(raft_step(&raw.r, s.at(1002, 1), &raw.update) == 0);
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
    auto step_and_scribble = [&](const EventPtr &e, raft_time now) {
        REQUIRE(raft_step(&r, e->at(now, 1), &u) == 0);
        for (std::string &a : e->conf.addresses) {
            a.assign(a.size(), '#');
        }
        e->conf.list.assign(e->conf.list.size(), {99, 99});
        (void)e->conf.c_struct();
        for (Entry &x : e->entries) {
            x.payload.assign(x.payload.size(), '#');
        }
        if (e->message) {
            e->message->address.assign(e->message->address.size(), '#');
            for (Entry &x : e->message->entries) {
                x.payload.assign(x.payload.size(), '#');
            }
        }
    };
    step_and_scribble(std::make_shared<Event>(RAFT_START, ""), 1000);
    step_and_scribble(event::bootstrap("1 2 3"), 1001);
    raft_configuration conf{};
    REQUIRE(raft_configuration_at(&r, 1, &conf, nullptr) == 0);
    REQUIRE(render(conf) == "1 2 3");
    /* The library's own payload is valid until the next step. */
    REQUIRE(u.entries.batch[0].batch == nullptr);
    REQUIRE(std::string(static_cast<char *>(u.entries.batch[0].buf.base),
                        u.entries.batch[0].buf.len) == Members("1 2 3").encode());
    step_and_scribble(event::persisted(1), 1002);
    step_and_scribble(
        event::receive(draft(2, 1, AppendEntries{.term = 2, .prev = {1, 1}, .log = "2[1 2 3 4s]"})),
        1003);
    REQUIRE(raft_configuration_at(&r, 2, &conf, nullptr) == 0);
    REQUIRE(render(conf) == "1 2 3 4s");
    const char *address = nullptr;
    raft_leader(&r, nullptr, &address);
    REQUIRE(std::string(address) == "s2");
    raft_close(&r);
}

TEST_CASE("An update is valid until the next step, accessors in between do not matter") {
    Cluster c(Cluster::fresh("1 2 3"));
    c.elect(1);
    c[1].slow = true;
    c[1].reconfigure("1 2 3 4s");
    const std::string before = render(c[1].update);
    for (int i = 0; i < 10; ++i) {
        c[1].see();
    }
    REQUIRE(render(c[1].update) == before);
    /* The caller may modify the messages. */
    for (unsigned i = 0; i < c[1].update.messages.n; ++i) {
        std::memset(static_cast<void *>(&c[1].update.messages.batch[i]), 0xee,
                    sizeof(raft_message));
    }
    c.run(300);
    REQUIRE(c[1].leads());
}

TEST_CASE("The same settings, seed and events give the same updates") {
    auto life = [](unsigned seed) {
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
                seen += render(c[id].update) + c[id].see();
            }
        }
        return seen;
    };
    REQUIRE(life(1) == life(1));
    REQUIRE(life(1) != life(1000));
}

TEST_CASE("Without a seed the server's ID is the seed") {
    auto deadline = [](raft_id id, bool seed) {
        struct raft r {};
        REQUIRE(raft_init(&r, id, "x") == 0);
        if (seed) {
            REQUIRE(raft_seed(&r, 123) == 0);
        }
        Event e(RAFT_START, "");
        e.e.start.term = 1;
        e.e.start.start_index = 1;
        e.entries = draw_log("1[1 2 3]");
        raft_update u;
        REQUIRE(raft_step(&r, e.at(1000, 1), &u) == 0);
        raft_time t = raft_timeout(&r);
        raft_close(&r);
        return t;
    };
    REQUIRE(deadline(1, false) == deadline(1, false));
    REQUIRE(deadline(1, false) != deadline(2, false));
    REQUIRE(deadline(1, true) == deadline(2, true));
}

TEST_CASE("A handle that could not be initialized can be closed, whatever it held") {
    struct raft r;
    std::memset(&r, 0xff, sizeof r);
    REQUIRE(raft_init(&r, 1, nullptr) == RAFT_INVALID);
    REQUIRE(raft_close(&r) == 0);
    std::memset(&r, 0xff, sizeof r);
    REQUIRE(raft_init(&r, 0, "s1") == RAFT_BADID);
    REQUIRE(raft_close(&r) == 0);
}
