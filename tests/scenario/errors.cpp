/* SPDX-License-Identifier: MIT */
/* Every error of every event. Server::refuses() checks that each failed step changes nothing. Other
 * files have more errors of their subjects. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

Event bare(raft_event_type type) { return Event(type); }

/* A leader with a committed barrier, a follower, a candidate. */
void each_state(const std::function<void(Cluster &, Server &)> &check) {
    SECTION("leader") {
        Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p]"}});
        c.win(1, {2, 3});
        c[1].receive(2, AppendResult{.term = 2, .last = 2});
        check(c, c[1]);
    }
    SECTION("follower") {
        Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p] 1"}});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .commit = 2});
        check(c, c[1]);
    }
    SECTION("candidate") {
        Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p]"}});
        c.expire(1);
        c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        check(c, c[1]);
    }
    SECTION("installing a snapshot") {
        Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3 4s 5p] 1"}});
        c[1].slow = true;
        c[1].receive(
            2, InstallSnapshot{
                   .term = 2, .last = {9, 2}, .conf = "1 2 3 4s 5p", .data = "abc", .done = false});
        check(c, c[1]);
    }
    SECTION("with entries on their way to the disk") {
        Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p] 1"}});
        c[1].slow = true;
        c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .log = "2b 2 2"});
        check(c, c[1]);
    }
}

} // namespace

TEST_CASE("Unknown events and times out of range get RAFT_INVALID in every state") {
    each_state([](Cluster &, Server &s) {
        for (unsigned type : {0u, 20u, 1000u, 0x7fffffffu}) {
            s.refuses(RAFT_INVALID, bare(static_cast<raft_event_type>(type)));
        }
        s.refuses(RAFT_INVALID, event::falsified(event::timeout(),
                                                 [](raft_event &e) { e.time = (1ull << 62) + 1; }));
        s.refuses(RAFT_INVALID,
                  event::falsified(event::timeout(), [](raft_event &e) { e.time = ~0ull; }));
        s.refuses(RAFT_INVALID, bare(RAFT_START));
    });
}

TEST_CASE("RAFT_RECEIVE: RAFT_INVALID without a message, RAFT_MALFORMED without a sender") {
    each_state([](Cluster &, Server &s) {
        s.refuses(RAFT_INVALID, bare(RAFT_RECEIVE));
        for (int what : {0, 1, 2}) {
            auto good = event::receive(draft(2, 1, AppendEntries{.term = 9, .prev = {1, 1}}));
            s.refuses(RAFT_MALFORMED, event::falsified(good, [what](raft_event &e) {
                          if (what == 0) {
                              e.receive.message->server_id = 0;
                          } else if (what == 1) {
                              e.receive.message->server_address = nullptr;
                          } else {
                              e.receive.message->server_id = 1; /* itself */
                          }
                      }));
        }
    });
}

TEST_CASE("RAFT_SNAPSHOT: RAFT_INVALID beyond the commit index, or not newer than the last") {
    each_state([](Cluster &, Server &s) {
        s.refuses(RAFT_INVALID, event::snapshot(s.commit() + 1, 0));
        s.refuses(RAFT_INVALID, event::snapshot(~0ull, 0));
        s.refuses(RAFT_INVALID, event::snapshot(0, 0));
    });
    Cluster c({{.id = 1, .log = "1[1] 1 1"}});
    c[1].take_snapshot(3);
    for (raft_index i : {1, 2, 3, 5}) {
        c[1].refuses(RAFT_INVALID, event::snapshot(i, 0));
    }
}

TEST_CASE("RAFT_CONFIGURATION: RAFT_INVALID above the commit index") {
    each_state([](Cluster &, Server &s) {
        s.refuses(RAFT_INVALID, event::configuration(s.commit() + 1));
        s.ignores(event::configuration(s.commit()));
    });
}

TEST_CASE("Requests that only a leader serves get RAFT_NOTLEADER from others") {
    each_state([](Cluster &, Server &s) {
        if (s.leads()) {
            return;
        }
        s.refuses(RAFT_NOTLEADER, event::submit(1));
        s.refuses(RAFT_NOTLEADER, event::change("1 2"));
        s.refuses(RAFT_NOTLEADER, event::catch_up(4));
        s.refuses(RAFT_NOTLEADER, event::transfer(2));
        s.refuses(RAFT_NOTLEADER, event::transfer(0));
        s.refuses(RAFT_NOTLEADER, event::reconfigure("1 2 3 4"));
        s.refuses(RAFT_NOTLEADER, event::read(1));
        s.refuses(RAFT_NOTLEADER, event::read(1, true));
        s.ignores(event::unreachable(2));
        raft_index match = 5;
        struct raft_peer p {};
        int status = 5;
        REQUIRE(raft_match_index(s.handle(), 2, &match) == RAFT_NOTLEADER);
        REQUIRE(raft_progress(s.handle(), 2, &p) == RAFT_NOTLEADER);
        REQUIRE(raft_catch_up(s.handle(), 2, &status) == RAFT_NOTLEADER);
    });
}

TEST_CASE("RAFT_SUBMIT: RAFT_INVALID, RAFT_MALFORMED") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].refuses(RAFT_INVALID, event::submit(0));
    c[1].refuses(RAFT_INVALID, event::falsified(event::submit(2),
                                                [](raft_event &e) { e.submit.entries = nullptr; }));
    for (unsigned type : {0u, 4u, 0x7fffffffu}) {
        c[1].refuses(RAFT_MALFORMED,
                     event::submit(std::vector<Entry>{
                         {0, RAFT_COMMAND, "x"}, {0, static_cast<raft_entry_type>(type), "x"}}));
    }
    /* A change is submitted alone. */
    c[1].refuses(RAFT_MALFORMED, event::submit(std::vector<Entry>{{0, RAFT_CHANGE, encode("1 2")},
                                                                  {0, RAFT_COMMAND, "x"}}));
    c[1].refuses(RAFT_MALFORMED, event::submit(std::vector<Entry>{
                                     {0, RAFT_COMMAND, "x"}, {0, RAFT_CHANGE, encode("1 2")}}));
    /* Its payload must be decodable and legal. */
    c[1].refuses(RAFT_MALFORMED, event::submit(std::vector<Entry>{{0, RAFT_CHANGE, "junk"}}));
    c[1].refuses(RAFT_MALFORMED, event::submit(std::vector<Entry>{{0, RAFT_CHANGE, ""}}));
    c[1].refuses(RAFT_INVALID, event::change("1s 2s 3s"));
    c[1].refuses(RAFT_CANTCHANGE, event::change("1 4 5")); /* would be joint */
}

TEST_CASE("RAFT_CATCH_UP: RAFT_BADID, RAFT_BADROLE, RAFT_BUSY") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p]"}});
    c.win(1, {2, 3});
    c[1].refuses(RAFT_BADID, event::catch_up(9));
    c[1].refuses(RAFT_BADROLE, event::catch_up(1));
    c[1].refuses(RAFT_BADROLE, event::catch_up(2));
    c[1].catch_up(4);
    c[1].refuses(RAFT_BUSY, event::catch_up(5));
    c[1].refuses(RAFT_BUSY, event::catch_up(4));
}

TEST_CASE("RAFT_RECONFIGURE: all its errors") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s]"}});
    c.win(1, {2, 3});
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2")); /* nothing committed yet */
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].refuses(RAFT_BADID, event::reconfigure("1 2 0"));
    c[1].refuses(RAFT_DUPLICATEID, event::reconfigure("1 1"));
    c[1].refuses(RAFT_DUPLICATEID, event::reconfigure("1 2 2"));
    c[1].refuses(RAFT_DUPLICATEID, event::reconfigure("1 2 2s"));
    Configuration twins("1 2 3");
    twins.members[2].address = intern("s2");
    c[1].refuses(RAFT_DUPLICATEADDRESS, event::reconfigure(twins));
    c[1].refuses(RAFT_INVALID, event::reconfigure("1s 2p"));
    c[1].refuses(RAFT_INVALID, event::reconfigure(""));
    for (int role : {-1, 3, 4, 5, 6, 7, 1000}) {
        auto e = event::falsified(event::reconfigure("1 2 3"), [role](raft_event &raw) {
            raw.reconfigure.conf.servers[2].role = role;
        });
        c[1].refuses(RAFT_BADROLE, e);
    }
    c[1].refuses(RAFT_INVALID, event::falsified(event::reconfigure("1 2 3"), [](raft_event &raw) {
                     raw.reconfigure.conf.servers[1].address = nullptr;
                 }));
    c[1].refuses(RAFT_INVALID, event::falsified(event::reconfigure("1 2 3"), [](raft_event &raw) {
                     raw.reconfigure.conf.servers = nullptr;
                 }));
    c[1].refuses(RAFT_NOCONNECTION, event::reconfigure("1 2 3 4")); /* 3 and 4 do not answer */
    c[1].receive(3, AppendResult{.term = 2, .last = 2});
    c[1].reconfigure("1 2 3 4"); /* a legal one is accepted after all that */
    c[1].refuses(RAFT_CANTCHANGE, event::reconfigure("1 2 3"));
}

TEST_CASE("RAFT_STORED: RAFT_INVALID for a ticket that was never issued") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    c[1].slow = true;
    c[1].checks_storage = false;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1"});
    const auto ticket = c[1].update.entries.write;
    c[1].refuses(RAFT_INVALID, event::stored(3, ticket + 1));
    c[1].refuses(RAFT_INVALID, event::stored(3, ~0ull));
    c[1].ignores(event::stored(99, ticket)); /* an index that is not in the log */
    c[1].step(event::stored(3, ticket));
    REQUIRE(c[1].stored() == 3);
}

TEST_CASE("RAFT_TOOBIG: no index exceeds its range") {
    const raft_index limit = 1ull << 62;
    Cluster c({{.id = 1, .term = 3, .vote = 1, .snapshot = {limit - 3, 2}, .conf = "1"}});
    REQUIRE(c[1].leads()); /* with a barrier at limit - 2 */
    c[1].refuses(RAFT_TOOBIG, event::submit(3));
    c[1].submit(2);
    REQUIRE(c[1].last() == limit);
    c[1].refuses(RAFT_TOOBIG, event::submit(1));
    c[1].refuses(RAFT_TOOBIG, event::reconfigure("1 2"));
    Cluster edge({{.id = 1, .term = 3, .vote = 1, .snapshot = {limit - 3, 2}, .conf = "1"}});
    edge[1].reconfigure("1 2s"); /* a change may take two entries: there are just two left */
    REQUIRE(edge[1].last() == limit - 1);
}

TEST_CASE("raft_errmsg() describes the last failed step, even one without an event") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    raft_update update;
    update.flags = ~0U;
    REQUIRE(raft_step(c[1].handle(), event::submit(1).at(c.now, 100), &update) == RAFT_NOTLEADER);
    const std::string first = raft_errmsg(c[1].handle());
    REQUIRE(raft_step(c[1].handle(), nullptr, &update) == RAFT_INVALID);
    REQUIRE(update.flags == 0);
    const std::string second = raft_errmsg(c[1].handle());
    REQUIRE(second != "");
    REQUIRE(second != first);
    REQUIRE(raft_step(c[1].handle(), event::submit(1).at(c.now, 100), &update) == RAFT_NOTLEADER);
    REQUIRE(raft_errmsg(c[1].handle()) == first);
}
