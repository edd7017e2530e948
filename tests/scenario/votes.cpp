/* SPDX-License-Identifier: MIT */
/* Who gets a vote (§3.4, §3.6.1, §4.1, §4.2.3, §9.6). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Ask server 1 for a vote in the name of any server; returns its result. */
Message ask(Cluster &c, raft_id candidate, const RequestVote &request) {
    c.drop(1, candidate);
    c[1].receive(candidate, request);
    return c.take(1, candidate, RAFT_REQUEST_VOTE_RESULT);
}

bool granted(const Message &m) { return m->request_vote_result.vote_granted; }

Draw voter(const char *log, raft_term term = 0) { return {.id = 1, .term = term, .log = log}; }

} // namespace

TEST_CASE("At most one vote a term; the same request gets the same answer") {
    Cluster c({voter("1[1 2 3]")});
    c.sleep(1500);
    REQUIRE(granted(ask(c, 2, {.term = 2, .last = {1, 1}})));
    REQUIRE(c[1].vote() == 2);
    REQUIRE(c[1].disk.vote == 2);
    REQUIRE_FALSE(granted(ask(c, 3, {.term = 2, .last = {9, 1}})));
    REQUIRE(c[1].vote() == 2);
    REQUIRE(granted(ask(c, 2, {.term = 2, .last = {1, 1}})));
    REQUIRE(granted(ask(c, 3, {.term = 3, .last = {1, 1}})));
    REQUIRE(c[1].vote() == 3);
}

TEST_CASE("A vote survives a restart") {
    Cluster c({{.id = 1, .term = 4, .vote = 2, .log = "1[1 2 3]"}});
    c.sleep(1500);
    REQUIRE_FALSE(granted(ask(c, 3, {.term = 4, .last = {9, 3}})));
    REQUIRE(granted(ask(c, 2, {.term = 4, .last = {9, 3}})));
}

TEST_CASE("Only an up-to-date log gets a vote, and granting one postpones the voter's campaign") {
    Cluster c({voter("1[1 2 3] 1 2 2")}); /* ends with 4/2 */
    c.sleep(1500);
    REQUIRE_FALSE(granted(ask(c, 2, {.term = 3, .last = {3, 2}})));
    REQUIRE(c[1].term() == 3); /* but the term is learned */
    REQUIRE(c[1].vote() == 0);
    REQUIRE_FALSE(granted(ask(c, 2, {.term = 4, .last = {9, 1}})));
    raft_time deadline = c[1].deadline();
    c.sleep(100);
    REQUIRE(granted(ask(c, 3, {.term = 4, .last = {4, 2}}))); /* equal is enough */
    REQUIRE(c[1].deadline() > deadline);
    REQUIRE(granted(ask(c, 2, {.term = 5, .last = {5, 2}})));
    REQUIRE(granted(ask(c, 2, {.term = 6, .last = {1, 3}}))); /* the later term wins */
}

TEST_CASE("An old candidate is refused and told the term") {
    Cluster c({voter("1[1 2 3]", 5)});
    c.sleep(1500);
    auto m = ask(c, 2, {.term = 4, .last = {9, 4}});
    REQUIRE_FALSE(granted(m));
    REQUIRE(m->request_vote_result.term == 5);
    REQUIRE(m->request_vote_result.version == 2);
    REQUIRE(m->request_vote_result.capacity == 100);
    REQUIRE(m->request_vote_result.features == (all_features | RAFT_FEATURE_CAPACITY));
}

TEST_CASE("No vote is granted within a minimum election timeout of hearing from a leader") {
    Cluster c({voter("1[1 2 3]")});
    c.sleep(3000);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    c.sleep(999);
    for (bool pre_vote : {true, false}) {
        REQUIRE_FALSE(granted(ask(c, 3, {.term = 7, .last = {9, 6}, .pre_vote = pre_vote})));
        REQUIRE(c[1].term() == 1); /* whatever the request's term */
        REQUIRE(c[1].vote() == 0);
        REQUIRE(c[1].leader() == 2);
    }
    SECTION("except with the leader's permission") {
        REQUIRE(granted(ask(c, 3, {.term = 7, .last = {9, 6}, .disrupt = true})));
        REQUIRE(c[1].term() == 7);
    }
    SECTION("until that time is over") {
        c.sleep(2);
        REQUIRE(granted(ask(c, 3, {.term = 7, .last = {9, 6}})));
    }
}

TEST_CASE("A restarted server withholds its vote as if it had just heard from a leader") {
    /* Server 1 leads and holds a lease that server 3 has helped to renew. Server 3 crashes
     * and comes back having forgotten that. Were it to vote for server 2 at once, server 2
     * could lead, and commit, while server 1 still answers reads under its lease. */
    Cluster c("1 2 3", 1);
    c.isolate(2); /* it has not heard from a leader and is ready to campaign */
    c.run(3000);
    REQUIRE(c[1].leads());
    c.heal();
    c.isolate(1);
    c[3].restart();
    c.sleep(800);
    c[2].timeout();
    REQUIRE(c[2].state() == RAFT_CANDIDATE);
    c.deliver();
    REQUIRE(c[2].state() == RAFT_CANDIDATE);
    REQUIRE_FALSE(c[2].leads());
    REQUIRE(c[3].vote() != 2);
    /* Once the lease must have ended, it does vote. */
    c.run(4000);
    REQUIRE(c.leader() != 1);
    REQUIRE(c.leader() != 0);
}

TEST_CASE("A leader hears from itself: vote requests do not depose it") {
    Cluster c("1 2 3", 1);
    const raft_term term = c[1].term();
    for (bool pre_vote : {true, false}) {
        auto m = ask(c, 3, {.term = term + 9, .last = {99, term + 8}, .pre_vote = pre_vote});
        REQUIRE_FALSE(granted(m));
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == term);
    }
    REQUIRE(granted(ask(c, 3, {.term = term + 9, .last = {99, term + 8}, .disrupt = true})));
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
}

TEST_CASE("Votes do not depend on membership of either side") {
    SECTION("an unknown candidate, answered at the address of its request") {
        Cluster c({voter("1[1 2 3]")});
        c.sleep(1500);
        auto request = draft(8, 1, RequestVote{.term = 2, .last = {1, 1}});
        request.address = intern("elsewhere");
        c[1].step(event::receive(request));
        REQUIRE(c[1].vote() == 8);
        REQUIRE(c[1].update.messages.n == 1);
        REQUIRE(std::string(c[1].update.messages.batch[0].server_address) == "elsewhere");
        REQUIRE(granted(c.take(1, 8)));
    }
    SECTION("a voter that is a standby in its own configuration") {
        Cluster c({voter("1[1s 2 3]")});
        c.sleep(1500);
        REQUIRE(granted(ask(c, 2, {.term = 2, .last = {1, 1}})));
    }
    SECTION("a voter without a configuration") {
        Cluster c({voter("")});
        c.sleep(1500);
        REQUIRE(raft_role(c[1].handle()) == -1);
        REQUIRE(granted(ask(c, 2, {.term = 2, .last = {1, 1}})));
        REQUIRE(c[1].vote() == 2);
    }
}

TEST_CASE("A pre-vote is granted with the request's term and changes nothing") {
    Cluster c({voter("1[1 2 3]", 3)});
    c.sleep(1100);
    REQUIRE(c[1].deadline() > c.now);
    raft_time deadline = c[1].deadline();
    for (raft_id candidate : {2, 3}) {
        auto m = ask(c, candidate, {.term = 4, .last = {1, 1}, .pre_vote = true});
        REQUIRE(granted(m));
        REQUIRE(m->request_vote_result.pre_vote);
        REQUIRE(m->request_vote_result.term == 4);
    }
    REQUIRE(c[1].term() == 3);
    REQUIRE(c[1].vote() == 0);
    REQUIRE(c[1].deadline() == deadline);
}

TEST_CASE("A refused pre-vote carries the higher of both terms") {
    Cluster c({voter("1[1 2 3] 4", 6)});
    c.sleep(1500);
    auto m = ask(c, 2, {.term = 3, .last = {9, 2}, .pre_vote = true}); /* an old term */
    REQUIRE_FALSE(granted(m));
    REQUIRE(m->request_vote_result.pre_vote);
    REQUIRE(m->request_vote_result.term == 6);
    m = ask(c, 2, {.term = 9, .last = {9, 2}, .pre_vote = true}); /* an old log */
    REQUIRE_FALSE(granted(m));
    REQUIRE(m->request_vote_result.term == 9);
    REQUIRE(c[1].term() == 6);
}

TEST_CASE("A candidate counts votes of voters, once each, of its own term") {
    Cluster c({voter("1[1 2 3 4 5 6s]")});
    c.expire(1);
    for (raft_id peer : {2, 3}) {
        c[1].receive(peer, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    }
    REQUIRE(c[1].term() == 2);
    c[1].receive(2, VoteResult{.term = 2, .granted = true});
    c[1].receive(2, VoteResult{.term = 2, .granted = true});
    REQUIRE_FALSE(c[1].leads()); /* the same voter twice */
    c[1].receive(6, VoteResult{.term = 2, .granted = true});
    c[1].receive(8, VoteResult{.term = 2, .granted = true});
    REQUIRE_FALSE(c[1].leads()); /* a standby, and a server that is no member */
    c[1].receive(3, VoteResult{.term = 1, .granted = true});
    REQUIRE_FALSE(c[1].leads()); /* of an earlier term */
    c[1].receive(4, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE_FALSE(c[1].leads()); /* a late pre-vote */
    c[1].receive(4, VoteResult{.term = 2, .granted = true});
    REQUIRE(c[1].leads());
}

TEST_CASE("A voter compares a candidate's log with its durable one") {
    Cluster c({voter("1[1 2 3]")});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1 1"});
    c.sleep(1500);
    REQUIRE(c[1].last() == 3);
    REQUIRE(c[1].stored() == 1);
    REQUIRE(granted(ask(c, 3, {.term = 2, .last = {1, 1}})));
}

TEST_CASE("A partitioned server rejoins without disrupting the leader") {
    Cluster c("1 2 3", 1);
    const raft_term term = c[1].term();
    c.isolate(3);
    c.run(20000);
    REQUIRE(c[3].term() == term); /* it only asked for pre-votes */
    c.heal();
    c[1].submit();
    c.run(3000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == term);
    REQUIRE(c[3].leader() == 1);
    REQUIRE(c[3].commit() == 3);
}

TEST_CASE("A leader that is no member is answered at the latest address of its messages") {
    Cluster c({Draw{.id = 1}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    auto moved = draft(2, 1, RequestVote{.term = 2, .last = {1, 1}});
    moved.address = intern("elsewhere");
    c[1].step(event::receive(moved));
    REQUIRE(c[1].update.messages.n == 1);
    REQUIRE(std::string(c[1].update.messages.batch[0].server_address) == "elsewhere");
}

TEST_CASE("A granted vote postpones the voter's campaign by at least an election timeout") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.now = c[1].deadline() - 1;
    c[1].receive(2, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 2);
    REQUIRE(c[1].deadline() >= c.now + 1000);
}

TEST_CASE("A refused vote does not postpone the voter's campaign") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1"}});
    const raft_time deadline = c[1].deadline();
    c.now = deadline - 1;
    c[1].receive(2, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 0);
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].deadline() == deadline);
}

TEST_CASE("A vote is granted exactly when the election timeout is over") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    c.sleep(1000);
    c[1].receive(3, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 3);
}

TEST_CASE("While a server asks for pre-votes, it learns the next term from a refused vote") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    SECTION("it answers a vote: that term exists") {
        c[1].receive(2, VoteResult{.term = 2});
        REQUIRE(c[1].term() == 2);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
    }
    SECTION("it is of version 0: the voter has voted for another candidate") {
        c[1].receive(2, VoteResult{.term = 2, .version = 0});
        REQUIRE(c[1].term() == 2);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
    }
    SECTION("unmarked, it may answer a pre-vote: the term may not exist") {
        c[1].receive(2, VoteResult{.term = 2, .version = 1});
        REQUIRE(c[1].term() == 1);
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
    }
}

TEST_CASE("A leader that steps down grants no vote within an election timeout") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    while (c[1].leads()) {
        c.expire(1);
    }
    c.drop();
    c.sleep(999);
    c[1].receive(2, RequestVote{.term = 9, .last = {9, 8}});
    REQUIRE(c[1].vote() != 2);
    REQUIRE(c[1].term() < 9);
    c.sleep(1);
    c[1].receive(2, RequestVote{.term = 9, .last = {9, 8}});
    REQUIRE(c[1].vote() == 2);
}
