/* SPDX-License-Identifier: MIT */
/* Leader election (§3.4), the quorum check (§6.2) and timers. */
#include "catch.hpp"
#include "cluster.hpp"

#include <climits>
#include <set>

using namespace scenario;

TEST_CASE("A follower without a leader asks for pre-votes, then for votes, and then leads") {
    Cluster c("1 2 3");
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == 1); /* a pre-vote changes nothing (§9.6) */
    REQUIRE(c[1].vote() == 0);
    for (raft_id peer : {2, 3}) {
        auto m = c.take(1, peer, RAFT_REQUEST_VOTE);
        REQUIRE(m->request_vote.pre_vote);
        REQUIRE(m->request_vote.term == 2);
        REQUIRE(m->request_vote.candidate_id == 1);
        REQUIRE(m->request_vote.last_log_index == 1);
        REQUIRE(m->request_vote.last_log_term == 1);
        REQUIRE(m->request_vote.version == 2);
        REQUIRE_FALSE(m->request_vote.disrupt_leader);
        c.hand(m);
    }
    c.deliver(2, 1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].vote() == 1);
    REQUIRE(c[1].disk.vote == 1);
    c.deliver(1, 2);
    REQUIRE(c[2].term() == 2);
    REQUIRE(c[2].vote() == 1);
    c.drop(1, 3);
    c[1].slow = true;
    c.deliver(2, 1);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].leader() == 1);
    REQUIRE(c[1].flag(RAFT_UPDATE_STATE));
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    /* It starts its term with a barrier of 8 zero bytes, sent at once. */
    REQUIRE(c[1].terms() == "1 2");
    REQUIRE(c[1].log.entries.back().type() == RAFT_BARRIER);
    REQUIRE(c[1].log.entries.back().bytes() == std::string(8, '\0'));
    auto m = c.take(1, 3, RAFT_APPEND_ENTRIES);
    REQUIRE(m->append_entries.n_entries == 1);
    REQUIRE(m->append_entries.prev_log_index == 1);
    c.deliver(1, 2);
    REQUIRE(c[2].leader() == 1);
    REQUIRE(c[2].terms() == "1 2");
}

TEST_CASE("Without pre-votes a campaign begins a new term at once") {
    Draw d{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) { raft_set_pre_vote(r, false); }};
    Cluster c({d});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].vote() == 1);
    REQUIRE_FALSE(c.take(1, 2, RAFT_REQUEST_VOTE)->request_vote.pre_vote);
    c[1].receive(3, VoteResult{.term = 2, .granted = true});
    REQUIRE(c[1].leads());
}

TEST_CASE("Election timeouts are random, between the set time and twice that") {
    std::set<raft_time> seen;
    for (unsigned seed = 0; seed < 200; ++seed) {
        Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [seed](raft *r) { raft_seed(r, seed); }}});
        raft_time wait = c[1].deadline() - c.now;
        REQUIRE(wait >= 1000);
        REQUIRE(wait <= 2000);
        seen.insert(wait);
        /* Each attempt has a new random timeout. */
        c.expire(1);
        wait = c[1].deadline() - c.now;
        REQUIRE(wait >= 1000);
        REQUIRE(wait <= 2000);
        seen.insert(wait);
    }
    REQUIRE(seen.size() > 200);
    REQUIRE(*seen.begin() < 1050);
    REQUIRE(*seen.rbegin() > 1950);
}

TEST_CASE("A timeout before its time changes nothing") {
    Cluster c("1 2 3");
    c.sleep(500);
    c[1].ignores(event::timeout());
    c.elect(1);
    c.sleep(1);
    c[1].ignores(event::timeout());
}

TEST_CASE("Time that runs backwards stands still") {
    Cluster c("1 2 3");
    c.sleep(900);
    c[1].ignores(event::timeout());
    c.now -= 700;
    raft_time deadline = c[1].deadline();
    c[1].ignores(event::timeout());
    REQUIRE(c[1].deadline() == deadline);
}

TEST_CASE("A split vote elects no leader; new random timeouts resolve it") {
    auto draws = Cluster::fresh("1 2 3 4");
    for (Draw &d : draws) {
        d.set = [](raft *r) { raft_set_pre_vote(r, false); };
    }
    Cluster c(draws);
    c.sleep(2000);
    c.expire(1);
    c.expire(2);
    c.deliver(1, 3);
    c.deliver(2, 4);
    c.deliver();
    REQUIRE(c.leader() == 0);
    REQUIRE(c[1].term() == 2);
    c.run(20000);
    REQUIRE(c.leader() != 0);
    REQUIRE(c[c.leader()].term() >= 3);
}

TEST_CASE("A candidate becomes a follower when it hears from a leader of its term") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == 2);
    c[1].receive(3, AppendEntries{.term = 2, .prev = {1, 1}, .log = "2b"});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].leader() == 3);
    REQUIRE(c[1].vote() == 1); /* of this term: kept */
}

TEST_CASE("A candidate that asks for pre-votes becomes a follower when it hears from the leader") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].leader() == 2);
    /* Pre-votes that come late do not revive the campaign. */
    c[1].receive(3, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == 1);
}

TEST_CASE("A leader that receives a higher term becomes a follower") {
    Cluster c("1 2 3", 1);
    const raft_term term = c[1].term();
    SECTION("in an AppendEntries") {
        c[1].receive(2, AppendEntries{.term = term + 1, .prev = {2, term}});
        REQUIRE(c[1].leader() == 2);
    }
    SECTION("in an AppendEntries result") {
        c[1].receive(2, AppendResult{.term = term + 1, .rejected = 2, .last = 0});
        REQUIRE(c[1].leader() == 0);
    }
    SECTION("in a vote result") {
        c[1].receive(2, VoteResult{.term = term + 1});
        REQUIRE(c[1].leader() == 0);
    }
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == term + 1);
    REQUIRE(c[1].vote() == 0);
    REQUIRE(c[1].disk.term == term + 1);
}

TEST_CASE("A leader that does not hear from a quorum for an election timeout steps down") {
    Cluster c("1 2 3 4 5", 1);
    const raft_term term = c[1].term();
    SECTION("two of four peers are enough to stay") {
        c.isolate(4);
        c.isolate(5);
        c.run(10000);
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == term);
    }
    SECTION("one of four is not") {
        c.isolate(3);
        c.isolate(4);
        c.isolate(5);
        c.run(1200);
        REQUIRE_FALSE(c[1].leads());
        REQUIRE(c[1].term() == term); /* no higher term was needed */
    }
}

TEST_CASE("Answers of non-voters do not count for the quorum check") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5s]"},
               {.id = 2, .log = "1[1 2 3 4s 5s]"},
               {.id = 3, .log = "1[1 2 3 4s 5s]"},
               {.id = 4, .log = "1[1 2 3 4s 5s]"},
               {.id = 5, .log = "1[1 2 3 4s 5s]"}});
    c.elect(1);
    c.isolate(2);
    c.isolate(3);
    c.run(1500);
    REQUIRE_FALSE(c[1].leads());
}

TEST_CASE("Standbys and spares never campaign and have no election timer") {
    for (raft_id id : {4, 5}) {
        Cluster c({{.id = id, .log = "1[1 2 3 4s 5p]"}});
        REQUIRE(c[id].deadline() == kNoDeadline);
        c.sleep(100000);
        c[id].ignores(event::timeout());
        REQUIRE(c[id].state() == RAFT_FOLLOWER);
    }
}

TEST_CASE("A sole voter elects itself when it starts, in a new term, voting for itself") {
    Cluster c({{.id = 1, .term = 5, .log = "1[1 2s] 5"}});
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 6);
    REQUIRE(c[1].vote() == 1);
    REQUIRE(c[1].terms() == "1 5 6");
    REQUIRE(c[1].commit() == 3); /* the barrier is durable */
    REQUIRE(c[1].disk.term == 6);
}

TEST_CASE("A leader sends heartbeats to all its peers in one step") {
    Cluster c("1 2 3", 1);
    c.drop();
    for (int i = 0; i < 5; ++i) {
        raft_time before = c.now;
        c.expire(1);
        REQUIRE(c.now - before <= 100);
        for (raft_id peer : {2, 3}) {
            auto m = c.take(1, peer, RAFT_APPEND_ENTRIES);
            REQUIRE(m->append_entries.n_entries == 0);
            REQUIRE(m->append_entries.leader_commit == 2);
            REQUIRE(c.count(1, peer) == 0);
            c.hand(m);
        }
        c.deliver();
    }
}

TEST_CASE("A vote request carries only what is durable") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1 1 1"});
    Write &part = c[1].disk.queue.front();
    part.entries.resize(2); /* two of three reach the disk first */
    c[1].store();
    REQUIRE(c[1].last() == 4);
    REQUIRE(c[1].stored() == 3);
    c.drop();
    c.expire(1);
    REQUIRE(c.take(1, 3, RAFT_REQUEST_VOTE)->request_vote.last_log_index == 3);
}

TEST_CASE("A late timer still takes effect after other events at the same time") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    SECTION("a follower's") {
        c.now = c[1].deadline() + 5;
        c[1].receive(2, VoteResult{.term = 1});
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        c[1].timeout();
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
    }
    SECTION("a leader's, with steady traffic") {
        c.win(1, {2, 3});
        raft_time heard = c.now;
        for (int i = 0; i < 1000; ++i) {
            c.sleep(1);
            c[1].receive(2, AppendResult{.term = 2, .last = 2});
            c[1].timeout();
            while (c.count(1, 3) > 0) {
                c.take(1, 3);
                REQUIRE(c.now - heard <= 101);
                heard = c.now;
            }
        }
        REQUIRE(c.now - heard <= 101);
    }
}

TEST_CASE("A candidate knows no leader") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    REQUIRE(c[1].leader() == 2);
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].leader() == 0);
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
}

TEST_CASE("A leader steps down exactly an election timeout after the last answers of its voters") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    raft_time heard = c.now;
    SECTION("since they voted") {}
    SECTION("since they answered on the fast path") {
        c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
        c.expire(1);
        heard = c.now;
        c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    }
    while (c[1].leads() && c.now < heard + 5000) {
        c.expire(1);
    }
    REQUIRE(c.now == heard + 1000);
}

TEST_CASE("An event with an earlier time sets timers from the latest known time") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.now = 5000;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    const raft_time deadline = c[1].deadline();
    c.now = 2000;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    REQUIRE(c[1].deadline() == deadline);
    c.now = 6001; /* an election timeout after 5000, not after 2000 */
    c[1].receive(3, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 3);
    c.now = 4000;
    c[1].receive(2, RequestVote{.term = 3, .last = {1, 1}});
    REQUIRE(c[1].deadline() >= 6001 + 1000);
}

TEST_CASE("A candidate that may lead no more does not ask again for pre-votes (§9.6)") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c[1].set([](raft *r) { REQUIRE(raft_set_election_delay(r, UINT_MAX) == 0); });
    c.drop();
    c[1].receive(2, VoteResult{.term = 7, .pre_vote = true});
    REQUIRE(c.count(1, 2) + c.count(1, 3) == 0);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == 7);
}
