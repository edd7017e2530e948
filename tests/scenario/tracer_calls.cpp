/* SPDX-License-Identifier: MIT */
/* Calls that a tracer makes: nothing may change a raft from inside its own step. */
#include "catch.hpp"
#include "cluster.hpp"

#include <cstring>

using namespace scenario;

namespace {

/* A tracer that calls back. */
struct Caller {
    raft_tracer tracer{this, 1, [](raft_tracer *t, int, const void *) {
                           auto *caller = static_cast<Caller *>(t->impl);
                           caller->records++;
                           if (caller->act) {
                               caller->act();
                           }
                       }};
    std::function<void()> act;
    unsigned records = 0;
};

/* Everything that could change a raft. */
std::vector<std::function<int()>> changes(struct raft *r, raft_event *event, raft_update *update) {
    return {
        [=] { return raft_step(r, event, update); },
        [=] { return raft_step(r, nullptr, update); },
        [=] { return raft_step(r, event, nullptr); },
        [=] { return raft_close(r); },
        [=] { return raft_seed(r, 7); },
        [=] { return raft_set_election_timeout(r, 5000); },
        [=] { return raft_set_heartbeat_timeout(r, 77); },
        [=] { return raft_set_install_snapshot_timeout(r, 77); },
        [=] { return raft_set_pre_vote(r, 0); },
        [=] { return raft_set_max_catch_up_rounds(r, 77); },
        [=] { return raft_set_max_catch_up_round_duration(r, 77); },
        [=] { return raft_set_max_inflight_entries(r, 77); },
        [=] { return raft_set_max_message_entries(r, 77); },
        [=] { return raft_set_max_uncommitted_entries(r, 77); },
        [=] { return raft_set_election_delay(r, 77); },
        [=] { return raft_set_eager_commit(r, 1); },
        [=] { return raft_set_capacity_threshold(r, 77); },
        [=] { return raft_set_features(r, 0); },
        [=] { return raft_set_features(r, 1U << 31); },
        [=] { return raft_set_tracer(r, nullptr); },
    };
}

} // namespace

TEST_CASE("A step, a setter or raft_close() from the raft's own tracer returns RAFT_BUSY") {
    Caller caller;
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].set([&](raft *r) { REQUIRE(raft_set_tracer(r, &caller.tracer) == 0); });
    struct raft *r = c[1].handle();
    std::vector<int> codes;
    raft_update inner = {};
    inner.flags = 0x5a5a;
    Event timeout = event::timeout();
    raft_event *early = timeout.at(c.now, 1);
    caller.act = [&] {
        for (const auto &change : changes(r, early, &inner)) {
            codes.push_back(change());
        }
    };
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(caller.records > 2);
    REQUIRE(codes.size() == caller.records * changes(r, early, &inner).size());
    REQUIRE(std::count(codes.begin(), codes.end(), RAFT_BUSY) == std::ssize(codes));
    REQUIRE(inner.flags == 0x5a5a); /* not even that is written */
    /* Afterwards they work. */
    caller.act = nullptr;
    REQUIRE(raft_set_tracer(r, nullptr) == 0);
    REQUIRE(raft_step(r, early, &inner) == 0);
}

TEST_CASE("Refused calls from a tracer change neither the outer step nor what follows it") {
    const auto run = [](bool interferes) {
        Caller caller;
        Cluster c({{.id = 1, .log = "1[1 2 3]"}});
        c[1].set([&](raft *r) { REQUIRE(raft_set_tracer(r, &caller.tracer) == 0); });
        struct raft *r = c[1].handle();
        raft_update update = {};
        raft_update before = {};
        Event event = event::timeout();
        if (interferes) {
            caller.act = [&] {
                /* With the outer step's own update. */
                memcpy(&before, &update, sizeof update);
                for (const auto &change : changes(r, event.at(c.now, 1), &update)) {
                    REQUIRE(change() == RAFT_BUSY);
                }
                REQUIRE(memcmp(&before, &update, sizeof update) == 0);
                REQUIRE(raft_current_term(r) >= 1); /* getters may be called */
                REQUIRE(*raft_errmsg(r) != '\0');
            };
        }
        std::string seen;
        REQUIRE(raft_set_features(r, ~0U) == RAFT_INVALID); /* leaves a text */
        const std::string text = raft_errmsg(r);
        for (int i = 0; i < 20; i++) {
            c.now = raft_timeout(r);
            REQUIRE(raft_step(r, Event(event::timeout()).at(c.now, 1), &update) == 0);
            seen += text_of(update) + answers_of(r);
            REQUIRE(raft_errmsg(r) == text);
        }
        caller.act = nullptr;
        REQUIRE(caller.records > 20);
        return seen;
    };
    REQUIRE(run(true) == run(false));
}

TEST_CASE("A tracer may step another raft") {
    Caller caller;
    Lone other(2);
    REQUIRE(other.step(event::start({.id = 2})) == 0);
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].set([&](raft *r) { REQUIRE(raft_set_tracer(r, &caller.tracer) == 0); });
    std::vector<int> codes;
    caller.act = [&] { codes.push_back(other.step(event::timeout(), 2000)); };
    c.expire(1);
    REQUIRE(codes == std::vector<int>(caller.records, 0));
    REQUIRE_FALSE(codes.empty());
}
