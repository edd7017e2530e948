/* SPDX-License-Identifier: MIT */
/* Clusters of mixed versions and features, as during an upgrade. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {
constexpr unsigned short garbage = 0xdead;
}

TEST_CASE("A RequestVote of version 0 has no flags: it asks for a vote without permission") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.sleep(500);
    c[1].receive(
        2, RequestVote{.term = 2, .last = {1, 1}, .pre_vote = true, .disrupt = true, .version = 0});
    REQUIRE(c[1].vote() == 0); /* started less than an election timeout ago */
    REQUIRE(c[1].term() == 1);
    c.sleep(600);
    c.drop();
    c[1].receive(
        2, RequestVote{.term = 2, .last = {1, 1}, .pre_vote = true, .disrupt = true, .version = 0});
    REQUIRE(c[1].vote() == 2);
    REQUIRE(c[1].term() == 2);
    REQUIRE_FALSE(c.take(1, 2)->request_vote_result.pre_vote);
}

TEST_CASE("A vote result below version 2 has no features and no capacity") {
    Cluster c(
        {{.id = 1, .log = "1[1 2 3 4 5]", .set = [](raft *r) { raft_set_pre_vote(r, false); }}});
    c.expire(1);
    c.expire(1); /* unmarked grants do not count in the first term */
    c[1].receive(
        {2, 3},
        VoteResult{
            .term = 3, .granted = true, .features = garbage, .capacity = garbage, .version = 1});
    REQUIRE(c[1].leads());
    REQUIRE(c[1].progress(2).capacity != garbage);
    REQUIRE(c[1].progress(3).features != garbage);
}

TEST_CASE("Voters that do not mark pre-votes can elect a server that asks for them") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.expire(1);
    auto grant = [&](raft_id id, raft_term term) {
        c[1].receive(id, VoteResult{.term = term, .granted = true, .version = 1});
    };
    grant(2, 2);
    grant(3, 2);
    REQUIRE(c[1].vote() == 1); /* now the votes */
    const raft_term term = c[1].term();
    /* The late pre-votes of S4 and S5 look like votes, and must not count as votes: both servers
     * may still vote for another candidate in that term. */
    grant(4, 2);
    grant(5, 2);
    REQUIRE_FALSE(c[1].leads());
    grant(4, term);
    if (!c[1].leads()) {
        grant(5, term);
    }
    REQUIRE(c[1].leads());
}

TEST_CASE("An AppendEntries of version 0 has no round") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 4});
    c.drop();
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = garbage, .version = 0});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE((m->append_entries_result.version < 3 || m->append_entries_result.round == 4));
}

TEST_CASE("Newer fields of old results are not read") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    for (unsigned char version : {0, 1, 2}) {
        c[1].receive(2, AppendResult{.term = 2,
                                     .last = 2,
                                     .round = ~0ull,
                                     .features = 0x5000,
                                     .capacity = 77,
                                     .snapshot = ~0ull,
                                     .offset = ~0ull,
                                     .version = version});
        if (version == 0) {
            REQUIRE(c[1].progress(2).features != 0x5000);
            REQUIRE(c[1].progress(2).capacity != 77);
        } else {
            REQUIRE(c[1].progress(2).features == 0x5000);
            REQUIRE(c[1].progress(2).capacity == 77);
        }
    }
    c[1].read(1, true);
    REQUIRE_FALSE(c[1].answer(1)); /* rounds were not confirmed */
}

TEST_CASE("A server whose codec carries no newer fields sends only published versions") {
    auto draws = Cluster::fresh("1 2 3", 0);
    Cluster c(draws);
    c.expire(1);
    REQUIRE(c.take(1, 2)->request_vote.version == 2);
    c.deliver(1, 3);
    auto m = c.take(3, 1);
    REQUIRE(m->request_vote_result.version == 2);
    REQUIRE(m->request_vote_result.features == RAFT_FEATURE_CAPACITY);
    c.hand(m);
    c.deliver();
    REQUIRE(c[1].leads());
    c[1].submit();
    auto append = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(append->append_entries.version == 0);
    c.hand(append);
    auto result = c.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(result->append_entries_result.version == 2);
    REQUIRE(result->append_entries_result.features == RAFT_FEATURE_CAPACITY);
}

TEST_CASE("A peer without chunks gets the whole snapshot in a message of version 0") {
    auto draws = Cluster::fresh("1 2 3");
    draws[2].features = RAFT_FEATURE_ROUNDS;
    Cluster c(draws);
    c.chunk_size = 5;
    c.elect(1);
    c.isolate(3);
    c[1].submit(5);
    c.run(300);
    c[1].take_snapshot(7);
    c.heal();
    bool seen = false;
    c.hold(1, 3);
    for (int i = 0; i < 20; ++i) {
        c.expire(1);
        c.deliver();
        while (c.count(1, 3) > 0) {
            auto m = c.take(1, 3);
            if (m->type == RAFT_INSTALL_SNAPSHOT) {
                REQUIRE(m->install_snapshot.version == 0);
                REQUIRE(m.data == snapshot_contents({7, 2}));
                seen = true;
            }
            c.hand(m);
        }
    }
    c.release();
    REQUIRE(seen);
    c.run(500);
    REQUIRE(c[3].commit() == 7);
    REQUIRE(c[3].snapshot->data == c[1].snapshot->data);
}

TEST_CASE("An InstallSnapshot of version 0 is a whole snapshot; newer fields are not read") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1"}});
    c[1].receive(2, InstallSnapshot{.term = 3,
                                    .last = {8, 2},
                                    .offset = garbage,
                                    .data = snapshot_contents({8, 2}),
                                    .done = false,
                                    .version = 0});
    REQUIRE(c[1].commit() == 8);
    REQUIRE(raft_snapshot_index(c[1].handle()) == 8);
}

TEST_CASE("A cluster is upgraded one server at a time, under load") {
    auto draws = Cluster::fresh("1 2 3", 0);
    Cluster c(draws);
    c.chunk_size = 7;
    c.elect(1);
    for (raft_id id : {2, 3, 1}) {
        c[id].features = all_features;
        c[id].crash();
        for (int i = 0; i < 5; ++i) {
            if (c.leader() != 0) {
                c[c.leader()].submit(3);
            }
            c.run(1000);
        }
        REQUIRE(c.leader() != 0);
        REQUIRE(c.leader() != id);
        if (id == 3) { /* this one restarts so late that it needs a snapshot */
            c[c.leader()].take_snapshot(c[c.leader()].commit());
        }
        c[id].restart();
        c.run(2000);
        REQUIRE(c[id].commit() == c[c.leader()].commit());
    }
    const raft_id leader = c.leader();
    c[leader].read(1);
    c.run(200);
    REQUIRE(c[leader].answer(1));
    REQUIRE(c[leader].log.entries.back().type() != RAFT_BARRIER); /* by a round, not by a barrier */
    c[leader].read(2, true);
    REQUIRE(c[leader].answer(2)); /* under a lease */
}

TEST_CASE("Messages of an unknown type are ignored") {
    Cluster c("1 2 3");
    auto m = draft(2, 1, AppendEntries{.term = 9, .prev = {1, 1}});
    for (unsigned type : {0u, 7u, 255u, 0x7fffffffu}) {
        m->type = static_cast<raft_message_type>(type);
        c[1].ignores(event::receive(m));
    }
}

TEST_CASE("Of future versions the known fields are read") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2,
                 AppendEntries{.term = 1, .prev = {1, 1}, .log = "1", .round = 3, .version = 200});
    REQUIRE(c[1].last() == 2);
    REQUIRE(c.take(1, 2)->append_entries_result.round == 3);
    c.sleep(3000);
    c[1].receive(2, RequestVote{.term = 5, .last = {9, 4}, .pre_vote = true, .version = 200});
    REQUIRE(c[1].term() == 1);
}

TEST_CASE("An unmarked answer to a pre-vote does not count as a vote in its term") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.expire(1);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    c[1].receive(3, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE(c[1].vote() == 1);
    REQUIRE(c[1].term() == 2);
    c[1].receive(4, VoteResult{.term = 2, .granted = true, .version = 1});
    c[1].receive(5, VoteResult{.term = 2, .granted = true, .version = 1});
    REQUIRE_FALSE(c[1].leads());
    c[1].receive(2, VoteResult{.term = 2, .granted = true});
    c[1].receive(3, VoteResult{.term = 2, .granted = true});
    REQUIRE(c[1].leads());
}

TEST_CASE("Rounds are echoed to a leader from its upgrade on") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    for (int i = 0; i < 2; ++i) {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .version = 0});
        REQUIRE(c.result(1, 2).version == 2);
    }
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 77, .version = 1});
    const auto r = c.result(1, 2);
    REQUIRE(r.version == 3);
    REQUIRE(r.round == 77);
}

TEST_CASE("A new leader is answered in its own version") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 5, .version = 1});
    REQUIRE(c.result(1, 2).version == 3);
    c[1].receive(3, AppendEntries{.term = 2, .prev = {1, 1}, .version = 0});
    REQUIRE(c.result(1, 3).version == 2);
}

TEST_CASE("A late answer to a pre-vote does not count after pre-votes were turned off (§9.6)") {
    const auto off = [](raft *r) { raft_set_pre_vote(r, false); };
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    REQUIRE(c.take(1, 2)->request_vote.pre_vote);
    /* Server 2, of version 1, grants the pre-vote for term 2, and may vote for 3 in that term. */
    SECTION("on a running server") {
        c[1].receive(3, AppendEntries{.term = 1, .prev = {1, 1}});
        c[1].set(off);
    }
    SECTION("in a restart") {
        c[1].crash();
        c.add({.id = 1, .term = 1, .log = "1[1 2 3]", .set = off});
    }
    SECTION("in the same candidacy") { c[1].set(off); }
    c.expire(1);
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].vote() == 1);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .version = 1});
    REQUIRE_FALSE(c[1].leads());
    c[1].receive(3, VoteResult{.term = 2, .granted = true}); /* marked: not a pre-vote */
    REQUIRE(c[1].leads());
}

TEST_CASE(
    "An unmarked answer does not count while pre-votes are on but none was requested (§9.6)") {
    /* TimeoutNow asks for votes at once; a pre-vote of an earlier campaign may still arrive. */
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(3, AppendEntries{.term = 1, .prev = {1, 1}});
    c[1].receive(3, TimeoutNow{.term = 1, .last = {1, 1}});
    REQUIRE(c[1].term() == 2);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .version = 1});
    REQUIRE_FALSE(c[1].leads());
}

TEST_CASE("Turning pre-votes off again keeps the terms for which they were off (§9.6)") {
    const auto off = [](raft *r) { raft_set_pre_vote(r, false); };
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = off}});
    c[1].receive(3, AppendEntries{.term = 2, .prev = {1, 1}});
    c[1].set(off); /* off since term 1 */
    c.expire(1);
    REQUIRE(c[1].term() == 3);
    c[1].receive(2, VoteResult{.term = 3, .granted = true, .version = 1});
    REQUIRE(c[1].leads());
}

TEST_CASE("A follower learns a higher term from a vote result of version 1") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, VoteResult{.term = 5, .version = 1});
    REQUIRE(c[1].term() == 5);
}

TEST_CASE("A candidate learns a higher term from a vote result of version 1") {
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) { raft_set_pre_vote(r, false); }}});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c[1].receive(2, VoteResult{.term = 5, .version = 1});
    REQUIRE(c[1].term() == 5);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
}
