/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "state/tracker.hpp"

#include <string>
#include <vector>

using namespace libraft;

namespace {

using Owned = Owner<Configuration>;

Owned members(std::vector<raft_server> servers) {
    return Owned(configuration::copy({servers.data(), static_cast<unsigned>(servers.size())}, 1));
}

bool adopt(Tracker &t, const Configuration &c, raft_index last = 10, raft_time now = 50) {
    REQUIRE(t.reserve_members(c.n));
    return t.adopt(c, 1, last, now);
}

std::string ids(const Tracker &t) {
    std::string out;
    for (const Peer &p : t.peers) {
        out += std::to_string(p.id) + (p.self ? "*" : "") + (p.departing ? "-" : "") + " ";
    }
    return out;
}

} // namespace

TEST_CASE("tracker: new peers are probed at the end of the log; peers are sorted by ID") {
    Tracker t;
    Owned c = members({{7, "g", RAFT_VOTER}, {1, "a", RAFT_VOTER}, {3, "c", RAFT_SPARE}});
    REQUIRE_FALSE(adopt(t, *c));
    REQUIRE(ids(t) == "1* 3 7 ");
    const Peer *p = t.find(7);
    REQUIRE(p->mode == RAFT_PROGRESS_PROBE);
    REQUIRE(p->next == 11);
    REQUIRE(p->match == 0);
    REQUIRE(p->contact == 50);
    REQUIRE(std::string(p->address) == "g");
    REQUIRE(p->votes());
    REQUIRE_FALSE(t.find(3)->votes());
    REQUIRE_FALSE(t.find(3)->is_replicated_to());
    REQUIRE_FALSE(t.find(1)->is_replicated_to());
    REQUIRE(t.find(2) == nullptr);
    REQUIRE(t.find(0) == nullptr);
    REQUIRE(t.find(~0ull) == nullptr);
}

TEST_CASE(
    "tracker: a change keeps the progress of members, and marks removed servers as departing") {
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
    /* A server that is added again before it is forgotten keeps its progress. */
    Owned third = members({{1, "a", RAFT_VOTER}, {4, "d", RAFT_VOTER}});
    adopt(t, *third);
    REQUIRE(ids(t) == "1* 2- 4 ");
    adopt(t, *after);
    REQUIRE(ids(t) == "1* 2 4 ");
    REQUIRE(t.find(2)->match == 8);
}

TEST_CASE("tracker: removing a server forgets its catch-up") {
    Tracker t;
    Owned both = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_SPARE}});
    Owned one = members({{1, "a", RAFT_VOTER}});
    adopt(t, *both);
    t.find(2)->catch_up = RAFT_CATCH_UP_RUNNING;
    REQUIRE(t.find(2)->is_replicated_to());
    REQUIRE(adopt(t, *one));
    REQUIRE_FALSE(adopt(t, *one)); /* only once */
}

TEST_CASE("tracker: a server that becomes a spare is replicated to until the change is committed") {
    Tracker t;
    Owned before = members(
        {{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}, {3, "c", RAFT_STANDBY}, {4, "d", RAFT_SPARE}});
    adopt(t, *before);
    for (Peer &p : t.peers) {
        p.mode = RAFT_PROGRESS_PIPELINE;
        p.match = 8;
        REQUIRE_FALSE(p.demotion_pending);
    }
    Owned after = members({{1, "a", RAFT_SPARE},
                           {2, "b", RAFT_SPARE},
                           {3, "c", RAFT_SPARE},
                           {4, "d", RAFT_SPARE},
                           {5, "e", RAFT_SPARE}});
    REQUIRE_FALSE(adopt(t, *after));
    for (raft_id id : {2, 3}) {
        REQUIRE(t.find(id)->demotion_pending);
        REQUIRE(t.find(id)->is_replicated_to());
        REQUIRE(t.find(id)->mode == RAFT_PROGRESS_PIPELINE);
        REQUIRE_FALSE(t.find(id)->votes());
    }
    for (raft_id id : {1, 4, 5}) { /* this server; a server that was a spare; a new server */
        REQUIRE_FALSE(t.find(id)->demotion_pending);
        REQUIRE_FALSE(t.find(id)->is_replicated_to());
    }
    REQUIRE_FALSE(t.has_departing());
    t.forget_departing();
    REQUIRE(ids(t) == "1* 2 3 4 5 ");
    for (raft_id id : {2, 3}) {
        REQUIRE_FALSE(t.find(id)->demotion_pending);
        REQUIRE_FALSE(t.find(id)->is_replicated_to());
        REQUIRE(t.find(id)->mode == RAFT_PROGRESS_PROBE);
        REQUIRE(t.find(id)->match == 8); /* its progress stays */
    }
}

TEST_CASE("tracker: contact begins when the leader starts to replicate to a server") {
    Tracker t;
    Owned before = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_SPARE}, {3, "c", RAFT_STANDBY}});
    Owned after = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}, {3, "c", RAFT_VOTER}});
    adopt(t, *before, 10, 50);
    SECTION("a spare was not replicated to") {
        adopt(t, *after, 10, 90);
        REQUIRE(t.find(2)->contact == 90);
    }
    SECTION("a spare that was caught up was replicated to") {
        t.find(2)->catch_up = RAFT_CATCH_UP_FINISHED;
        adopt(t, *after, 10, 90);
        REQUIRE(t.find(2)->contact == 50);
        REQUIRE(t.find(2)->catch_up == RAFT_CATCH_UP_FINISHED);
    }
    REQUIRE(t.find(3)->contact == 50);
    adopt(t, *before, 10, 120);
    REQUIRE(t.find(3)->contact == 50);
}

TEST_CASE("tracker: demoting a server to spare forgets its catch-up") {
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
    REQUIRE(t.find(2)->demotion_pending);
    REQUIRE_FALSE(adopt(t, *after));                       /* only once */
    REQUIRE(t.find(3)->catch_up == RAFT_CATCH_UP_ABORTED); /* it was a spare before, too */
    t.forget_departing();
    REQUIRE_FALSE(t.find(2)->is_replicated_to());
}

TEST_CASE("tracker: a new one has the members of its configuration") {
    Owned c = members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}});
    libraft::Owner<Tracker> t(new_tracker(*c, 1, 10, 50));
    REQUIRE(t);
    REQUIRE(ids(*t) == "1* 2 ");
    REQUIRE(t->find(2)->next == 11);
}

TEST_CASE("peer: next is always above match") {
    Peer p{};
    p.match = 10;
    for (raft_index next = 0; next < 20; ++next) {
        p.probe_from(next);
        REQUIRE(p.mode == RAFT_PROGRESS_PROBE);
        REQUIRE(p.next == std::max<raft_index>(next, 11));
    }
}

TEST_CASE("peer: the longer it is stalled, the longer it may make no progress, up to 2^32 - 1 ms") {
    Peer p{};
    p.match = 10;
    p.next = 15;
    p.stall(1000, raft_time{1} << 40);
    REQUIRE(p.patience == 2000);
    REQUIRE(p.next == 11);
    p.stall(1000 + (raft_time{1} << 33), raft_time{1} << 40);
    REQUIRE(p.patience == UINT32_MAX);
    REQUIRE(p.asked_or_offset == 15);   /* as it was when it was stalled first */
    p.stall(raft_time{1} << 40, 10000); /* the caller's limit */
    REQUIRE(p.patience == 10000);
}

TEST_CASE("tracker: reads are answered in the order in which they were submitted") {
    Tracker t;
    unsigned long long asked = 0;
    unsigned long long taken = 0;
    for (int i = 0; i < 2000; ++i) {
        for (int k = 0; k < i % 7; ++k) {
            REQUIRE(t.reads.reserve(t.reads.size() + 1));
            t.reads.push_back({++asked, 0, 0, 0});
        }
        for (int k = 0; k < (i * 3) % 8 && t.pending_reads() > 0; ++k) {
            REQUIRE(t.take_read().id == ++taken);
        }
        REQUIRE(t.pending_reads() == asked - taken);
    }
    REQUIRE(taken > 1000);
}

TEST_CASE("peer: after a rejection, every acknowledgement doubles the window") {
    Peer p{};
    p.window = 1;
    for (uint32_t expected : {2U, 4U, 8U}) {
        p.widen_window();
        REQUIRE(p.window == expected);
    }
    p.window = UINT32_MAX / 2;
    p.widen_window();
    REQUIRE(p.window == UINT32_MAX); /* no limit */
    p.widen_window();
    REQUIRE(p.window == UINT32_MAX);
}

TEST_CASE("tracker: spare memory is given back; peers and pending reads stay") {
    Tracker t;
    adopt(t, *members({{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}, {3, "c", RAFT_VOTER}}));
    adopt(t, *members({{1, "a", RAFT_VOTER}, {3, "c", RAFT_VOTER}}));
    t.forget_departing();
    t.find(3)->match = 7;
    REQUIRE(t.reads.reserve(100));
    const bool pending = GENERATE(false, true);
    for (unsigned long long id : {1, 2}) {
        t.reads.push_back({id, 0, 0, 0});
    }
    REQUIRE(t.take_read().id == 1);
    if (!pending) {
        REQUIRE(t.take_read().id == 2);
    }
    t.release_spare_memory();
    REQUIRE(t.scratch.data() == nullptr);
    REQUIRE(ids(t) == "1* 3 ");
    REQUIRE(t.find(3)->match == 7);
    REQUIRE(t.pending_reads() == pending);
    REQUIRE((t.reads.data() == nullptr) != pending);
    if (pending) {
        REQUIRE(t.take_read().id == 2);
    }
    adopt(t, *members({{1, "a", RAFT_VOTER}, {3, "c", RAFT_VOTER}, {4, "d", RAFT_VOTER}}));
    REQUIRE(ids(t) == "1* 3 4 ");
    REQUIRE(t.find(3)->match == 7);
}
