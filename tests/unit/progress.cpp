/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "progress.hpp"

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

using namespace libraft;

namespace {

struct Free {
    void operator()(Configuration *c) const { configuration::release(c); }
};
using Owned = std::unique_ptr<Configuration, Free>;

Owned members(std::vector<raft_server> servers) {
    return Owned(configuration::copy({servers.data(), static_cast<unsigned>(servers.size())}, 1));
}

bool adopt(Tracker &t, const Configuration &c, raft_index last = 10, raft_time now = 50) {
    REQUIRE(t.reserve_members(c));
    return t.adopt(c, 1, last, now);
}

std::string ids(const Tracker &t) {
    std::string out;
    for (const Progress &p : t.peers) {
        out += std::to_string(p.id) + (p.self ? "*" : "") + (p.departing ? "-" : "") + " ";
    }
    return out;
}

} // namespace

TEST_CASE("progress: new peers are probed at the end of the log, in the order of their IDs") {
    Tracker t;
    Owned c = members({{7, "g", RAFT_VOTER}, {1, "a", RAFT_VOTER}, {3, "c", RAFT_SPARE}});
    REQUIRE_FALSE(adopt(t, *c));
    REQUIRE(ids(t) == "1* 3 7 ");
    const Progress *p = t.find(7);
    REQUIRE(p->mode == RAFT_PROGRESS_PROBE);
    REQUIRE(p->next == 11);
    REQUIRE(p->match == 0);
    REQUIRE(p->contact == 50);
    REQUIRE(std::string(p->address) == "g");
    REQUIRE(p->votes());
    REQUIRE_FALSE(t.find(3)->votes());
    REQUIRE_FALSE(t.find(3)->follows());
    REQUIRE_FALSE(t.find(1)->follows());
    REQUIRE(t.find(2) == nullptr);
    REQUIRE(t.find(0) == nullptr);
    REQUIRE(t.find(~0ull) == nullptr);
}

TEST_CASE("progress: a change keeps what is known of a server; a removed one is departing") {
    Tracker t;
    Owned before = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}, {3, "c", RAFT_VOTER}});
    adopt(t, *before);
    t.find(2)->match = 8;
    t.find(2)->mode = RAFT_PROGRESS_PIPELINE;
    t.find(3)->match = 9;
    Owned after = members({{1, "a", RAFT_VOTER}, {2, "moved", RAFT_STANDBY}, {4, "d", RAFT_VOTER}});
    REQUIRE_FALSE(adopt(t, *after, 20, 99));
    REQUIRE(ids(t) == "1* 2 3- 4 ");
    REQUIRE(t.find(2)->match == 8);
    REQUIRE(t.find(2)->mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(std::string(t.find(2)->address) == "moved");
    REQUIRE_FALSE(t.find(2)->votes());
    REQUIRE_FALSE(t.find(3)->votes());
    REQUIRE(t.find(4)->next == 21);
    t.forget_departing();
    REQUIRE(ids(t) == "1* 2 4 ");
    /* A server that is added again before that is still known. */
    Owned third = members({{1, "a", RAFT_VOTER}, {4, "d", RAFT_VOTER}});
    adopt(t, *third);
    REQUIRE(ids(t) == "1* 2- 4 ");
    adopt(t, *after);
    REQUIRE(ids(t) == "1* 2 4 ");
    REQUIRE(t.find(2)->match == 8);
}

TEST_CASE("progress: removing a server ends its catch-up") {
    Tracker t;
    Owned both = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_SPARE}});
    Owned one = members({{1, "a", RAFT_VOTER}});
    adopt(t, *both);
    t.find(2)->catch_up = RAFT_CATCH_UP_RUNNING;
    REQUIRE(t.find(2)->follows());
    REQUIRE(adopt(t, *one));
    REQUIRE_FALSE(adopt(t, *one)); /* only once */
}

TEST_CASE("progress: a server that becomes a spare is replicated to until the change commits") {
    Tracker t;
    Owned before = members(
        {{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}, {3, "c", RAFT_STANDBY}, {4, "d", RAFT_SPARE}});
    adopt(t, *before);
    for (Progress &p : t.peers) {
        p.mode = RAFT_PROGRESS_PIPELINE;
        p.match = 8;
        REQUIRE_FALSE(p.resting);
    }
    Owned after = members({{1, "a", RAFT_SPARE},
                           {2, "b", RAFT_SPARE},
                           {3, "c", RAFT_SPARE},
                           {4, "d", RAFT_SPARE},
                           {5, "e", RAFT_SPARE}});
    REQUIRE_FALSE(adopt(t, *after));
    for (raft_id id : {2, 3}) {
        REQUIRE(t.find(id)->resting);
        REQUIRE(t.find(id)->follows());
        REQUIRE(t.find(id)->mode == RAFT_PROGRESS_PIPELINE);
        REQUIRE_FALSE(t.find(id)->votes());
    }
    for (raft_id id : {1, 4, 5}) { /* itself; a spare before; a new one */
        REQUIRE_FALSE(t.find(id)->resting);
        REQUIRE_FALSE(t.find(id)->follows());
    }
    REQUIRE_FALSE(t.has_departing());
    t.forget_departing();
    REQUIRE(ids(t) == "1* 2 3 4 5 ");
    for (raft_id id : {2, 3}) {
        REQUIRE_FALSE(t.find(id)->resting);
        REQUIRE_FALSE(t.find(id)->follows());
        REQUIRE(t.find(id)->mode == RAFT_PROGRESS_PROBE);
        REQUIRE(t.find(id)->match == 8); /* its match index stays */
    }
}

TEST_CASE("progress: contact begins when replication to a server begins") {
    Tracker t;
    Owned before = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_SPARE}, {3, "c", RAFT_STANDBY}});
    Owned after = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}, {3, "c", RAFT_VOTER}});
    adopt(t, *before, 10, 50);
    SECTION("to a spare it had not begun") {
        adopt(t, *after, 10, 90);
        REQUIRE(t.find(2)->contact == 90);
    }
    SECTION("to a spare that is caught up it had begun") {
        t.find(2)->catch_up = RAFT_CATCH_UP_FINISHED;
        adopt(t, *after, 10, 90);
        REQUIRE(t.find(2)->contact == 50);
        REQUIRE(t.find(2)->catch_up == RAFT_CATCH_UP_FINISHED);
    }
    REQUIRE(t.find(3)->contact == 50);
    adopt(t, *before, 10, 120);
    REQUIRE(t.find(3)->contact == 50);
}

TEST_CASE("progress: a catch-up ends when its server becomes a spare") {
    Tracker t;
    const int role = GENERATE(RAFT_STANDBY, RAFT_VOTER);
    Owned before = members({{1, "a", RAFT_VOTER}, {2, "b", role}, {3, "c", RAFT_SPARE}});
    Owned after = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_SPARE}, {3, "c", RAFT_SPARE}});
    adopt(t, *before);
    t.find(3)->catch_up = RAFT_CATCH_UP_ABORTED;
    t.find(2)->catch_up = static_cast<uint8_t>(
        GENERATE(RAFT_CATCH_UP_RUNNING, RAFT_CATCH_UP_ABORTED, RAFT_CATCH_UP_FINISHED));
    REQUIRE(adopt(t, *after));
    REQUIRE(t.find(2)->catch_up == RAFT_CATCH_UP_NONE);
    REQUIRE(t.find(2)->resting);
    REQUIRE_FALSE(adopt(t, *after));                       /* only once */
    REQUIRE(t.find(3)->catch_up == RAFT_CATCH_UP_ABORTED); /* it was a spare before */
    t.forget_departing();
    REQUIRE_FALSE(t.find(2)->follows());
}

TEST_CASE("progress: destroy(nullptr) does nothing") {
    Tracker::destroy(nullptr);
    void *memory = malloc(sizeof(Tracker));
    REQUIRE(memory != nullptr);
    auto *t = new (memory) Tracker;
    Owned c = members({{1, "a", RAFT_VOTER}});
    adopt(*t, *c);
    Tracker::destroy(t);
}

TEST_CASE("progress: next never falls to or below match") {
    Progress p{};
    p.match = 10;
    for (raft_index next = 0; next < 20; ++next) {
        p.become_probe(next);
        REQUIRE(p.mode == RAFT_PROGRESS_PROBE);
        REQUIRE(p.next == std::max<raft_index>(next, 11));
    }
}

TEST_CASE("progress: reads are answered in the order in which they were asked") {
    Tracker t;
    unsigned long long asked = 0;
    unsigned long long taken = 0;
    for (int i = 0; i < 2000; ++i) {
        for (int k = 0; k < i % 7; ++k) {
            REQUIRE(t.reserve_read());
            t.reads.push_back({++asked, 0, 0, 0});
        }
        for (int k = 0; k < (i * 3) % 8 && t.pending_reads() > 0; ++k) {
            REQUIRE(t.take_read().id == ++taken);
        }
        REQUIRE(t.pending_reads() == asked - taken);
    }
    REQUIRE(taken > 1000);
}

TEST_CASE("progress: after a rejection the window doubles with every acknowledgement") {
    Progress p{};
    p.window = 1;
    for (uint32_t expected : {2U, 4U, 8U}) {
        p.widen();
        REQUIRE(p.window == expected);
    }
    p.window = UINT32_MAX / 2;
    p.widen();
    REQUIRE(p.window == UINT32_MAX); /* no limit any more */
    p.widen();
    REQUIRE(p.window == UINT32_MAX);
}
