/* SPDX-License-Identifier: MIT */
/* Who campaigns, and when: RAFT_CAMPAIGN, the election delay, servers that never lead, and commit
 * indexes beyond the own log (§3.4, §3.6.1, §9.6). */
#include "catch.hpp"
#include "cluster.hpp"

#include <climits>

using namespace scenario;

namespace {

Event campaign() { return Event(RAFT_CAMPAIGN); }

void never_lead(raft *r) { REQUIRE(raft_set_election_delay(r, UINT_MAX) == 0); }
void may_lead(raft *r) { REQUIRE(raft_set_election_delay(r, 0) == 0); }

/* Voter 1 has 2 entries, and its leader has told that 9 are committed. */
Draw behind() { return {.id = 1, .term = 1, .log = "1[1 2 3] 1"}; }
AppendEntries ahead() { return {.term = 1, .prev = {8, 1}, .commit = 9}; }

} // namespace

TEST_CASE("RAFT_CAMPAIGN does what an election timeout would do") {
    const bool pre_vote = GENERATE(true, false);
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [=](raft *r) {
                    raft_set_pre_vote(r, pre_vote);
                    raft_set_election_delay(r, 60000);
                }}});
    c.sleep(1000);
    c[1].step(campaign());
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == (pre_vote ? 1 : 2));
    REQUIRE(c[1].flag(RAFT_UPDATE_TIMEOUT));
    REQUIRE(c[1].deadline() >= c.now + 61000);
    for (raft_id peer : {2, 3}) {
        const auto m = c.take(1, peer, RAFT_REQUEST_VOTE);
        REQUIRE(m->request_vote.pre_vote == pre_vote);
        REQUIRE_FALSE(m->request_vote.disrupt_leader);
    }
    c.sleep(1); /* a candidate campaigns again */
    c[1].step(campaign());
    REQUIRE(c[1].term() == (pre_vote ? 1 : 3));
    REQUIRE(c.count(1, 2) == 1);
}

TEST_CASE("RAFT_CAMPAIGN is refused while a lease may rest on this server (§6.4.1)") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.sleep(999 - 37); /* since its start; refuses() tries 37 ms later, too */
    c[1].refuses(RAFT_BUSY, campaign());
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    c.sleep(999 - 37);
    c[1].refuses(RAFT_BUSY, campaign());
    c.sleep(38);
    c[1].step(campaign());
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("RAFT_CAMPAIGN is refused while a chunk of a snapshot is being written (§5.1)") {
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3] 1"}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {2, 2}, .bytes = 4});
    c.sleep(5000);
    c[1].refuses(RAFT_BUSY, campaign());
    c[1].store();
    c[1].step(campaign());
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("RAFT_CAMPAIGN is invalid on a leader and on a server that may not campaign") {
    for (const Draw &d : {Draw{.id = 1, .log = "1[1]"},
                          {.id = 2},
                          {.id = 4, .log = "1[1 2 3 4s 5p]"},
                          {.id = 5, .log = "1[1 2 3 4s 5p]"},
                          {.id = 6, .log = "1[1 6]", .set = never_lead},
                          {.id = 7, .term = (1ULL << 62) - 1, .log = "1[1 7]"}}) {
        Cluster c({d});
        c.sleep(5000);
        c[d.id].refuses(RAFT_INVALID, campaign());
    }
    Lone lone;
    REQUIRE(lone.step(campaign()) == RAFT_INVALID); /* not started */
}

TEST_CASE("A founder campaigns only when its first entry is durable (§4.4)") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].bootstrap("1 2");
    c.sleep(5000);
    c[1].refuses(RAFT_INVALID, campaign());
    c[1].store_all();
    c[1].step(campaign());
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("An election delay is added to each election timeout") {
    Cluster c(
        {{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) { raft_set_election_delay(r, 5000); }}});
    for (int i = 0; i < 20; ++i) {
        REQUIRE(c[1].deadline() >= c.now + 6000);
        REQUIRE(c[1].deadline() < c.now + 7000);
        c.expire(1);
    }
    /* Set while the server runs, a delay takes effect at once. */
    const raft_time started = c.now;
    c[1].set([](raft *r) { raft_set_election_delay(r, 0); });
    REQUIRE(c[1].deadline() >= started + 1000);
    REQUIRE(c[1].deadline() < started + 2000);
    c[1].set([](raft *r) { raft_set_election_delay(r, 9000); });
    REQUIRE(c[1].deadline() >= started + 10000);
    REQUIRE(c[1].deadline() < started + 11000);
    c[1].set([](raft *r) { raft_set_election_delay(r, UINT_MAX - 1); });
    REQUIRE(c[1].deadline() == started + UINT_MAX); /* the longest */
}

TEST_CASE("A voter without a delay wins before those with one") {
    for (raft_id preferred : {1, 2, 3}) {
        auto draws = Cluster::fresh("1 2 3");
        for (Draw &d : draws) {
            d.set = [&d, preferred](raft *r) {
                raft_set_election_delay(r, d.id == preferred ? 0 : 1000);
            };
        }
        Cluster c(draws);
        c.run(3000);
        REQUIRE(c.leader() == preferred);
    }
}

TEST_CASE("TimeoutNow does not wait for the delay (§3.10)") {
    auto draws = Cluster::fresh("1 2 3");
    draws[1].set = [](raft *r) { raft_set_election_delay(r, 60000); };
    Cluster c(draws);
    c.elect(1);
    c[1].transfer(2);
    c.deliver();
    REQUIRE(c.leader() == 2);
}

TEST_CASE("A voter that never leads votes, but does not campaign") {
    auto draws = Cluster::fresh("1 2 3");
    draws[2].set = never_lead;
    Cluster c(draws);
    REQUIRE(c[3].deadline() == kNoDeadline);
    c.elect(1);
    c.run(500);
    REQUIRE((c[1].progress(3).features & RAFT_FEATURE_NEVER_LEADS) != 0);
    REQUIRE((c[1].progress(2).features & RAFT_FEATURE_NEVER_LEADS) == 0);
    SECTION("it votes for another leader") {
        c.isolate(1);
        c.run(10000);
        REQUIRE(c.leader() == 2);
    }
    SECTION("the only other voter, it forgets the silent leader") {
        c.isolate(1);
        c.isolate(2);
        c.run(10000);
        REQUIRE(c[3].state() == RAFT_FOLLOWER);
        REQUIRE(c[3].leader() == 0);
        REQUIRE(c[3].deadline() == kNoDeadline);
        /* From now on it may lead. */
        c[3].set(may_lead);
        REQUIRE(c[3].deadline() != kNoDeadline);
        c.expire(3);
        REQUIRE(c[3].state() == RAFT_CANDIDATE);
    }
    SECTION("it ignores TimeoutNow (§3.10)") {
        c[3].receive(1, TimeoutNow{.term = c[3].term(), .last = {2, c[3].term()}});
        REQUIRE(c[3].state() == RAFT_FOLLOWER);
        REQUIRE(c.count(3, 2) == 0);
    }
}

TEST_CASE("A sole voter that never leads does not elect itself") {
    const bool founded = GENERATE(false, true);
    Cluster c({Draw{.id = 1, .log = founded ? "" : "1[1]", .set = never_lead}});
    if (founded) {
        c[1].bootstrap("1");
    }
    c.run(10000);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
    c[1].set(may_lead);
    c.expire(1);
    REQUIRE(c[1].leads());
}

TEST_CASE("A leader that must lead no longer steps down at its next heartbeat") {
    Cluster c("1 2 3", 1);
    c.run(500); /* on the fast path */
    c[1].set(never_lead);
    c[1].submit(1);
    c.deliver();
    REQUIRE(c[1].leads());
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
    c.run(5000);
    REQUIRE(c.leader() > 1);
}

TEST_CASE("A candidate that must lead no longer gives up at its next timeout") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    c.drop();
    c[1].set(never_lead);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
    REQUIRE(c.count(1, 2) == 0);
}

TEST_CASE("Only the election delay sets RAFT_FEATURE_NEVER_LEADS") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    const auto announced = [&c] {
        c[1].receive(2, RequestVote{.term = 1, .pre_vote = true});
        return c.take(1, 2)->request_vote_result.features;
    };
    const auto all = static_cast<unsigned short>(RAFT_FEATURE_CAPACITY | all_features);
    REQUIRE(raft_set_features(c[1].handle(), RAFT_FEATURE_NEVER_LEADS) == RAFT_INVALID);
    REQUIRE(announced() == all);
    c[1].set(never_lead);
    REQUIRE(announced() == (all | RAFT_FEATURE_NEVER_LEADS));
    c[1].set([](raft *r) { raft_set_features(r, 0); });
    REQUIRE(announced() == (RAFT_FEATURE_CAPACITY | RAFT_FEATURE_NEVER_LEADS));
    c[1].set([](raft *r) { raft_set_election_delay(r, 7); });
    REQUIRE(announced() == RAFT_FEATURE_CAPACITY);
}

TEST_CASE("A server does not campaign while entries beyond its log are committed (§3.6.1)") {
    Cluster c({behind()});
    const bool snapshot = GENERATE(false, true);
    if (snapshot) {
        c[1].receive(2, InstallSnapshot{.term = 1, .last = {9, 1}, .bytes = 4});
    } else {
        c[1].receive(2, ahead());
    }
    c.drop();
    SECTION("by its timeout: it only forgets the leader") {
        c.expire(1);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        REQUIRE(c[1].leader() == 0);
        REQUIRE(c[1].deadline() == kNoDeadline);
    }
    SECTION("on RAFT_CAMPAIGN") {
        c.sleep(5000);
        c[1].refuses(RAFT_INVALID, campaign());
    }
    SECTION("upon TimeoutNow") {
        if (!snapshot) {
            c[1].receive(2, TimeoutNow{.term = 1, .last = {2, 1}});
            REQUIRE(c[1].state() == RAFT_FOLLOWER);
        }
    }
    REQUIRE(c.count(1, 3) == 0);
    /* It does once it has the entries, whoever brings them. */
    c[1].receive(3, AppendEntries{.term = 2, .prev = {2, 1}, .log = "1 1 1 1 1 1"});
    c.drop();
    c.expire(1); /* 8 of 9 */
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    c[1].receive(3, AppendEntries{.term = 2, .prev = {8, 1}, .log = "1"});
    c.drop();
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("A commit index that the fast path hears of counts, too (§3.6.1)") {
    Cluster c({behind()});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .log = "1", .commit = 9});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    /* Neither a restart nor a recovery remembers it. */
    SECTION("restart") { c[1].restart(); }
    SECTION("recovery") { c[1].step(event::recover("1 2")); }
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("A message of an earlier term tells of no commit index (§3.3)") {
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3] 1"}});
    c[1].receive(2, ahead());
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("A candidate that asked for pre-votes in a term too low asks again at once (§9.6)") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.expire(1);
    c.drop();
    const raft_time due = c[1].deadline();
    const auto refusal = [](raft_term term) {
        return VoteResult{.term = term, .granted = false, .pre_vote = true};
    };
    c[1].receive(2, refusal(2)); /* merely repeats the term that was asked for */
    REQUIRE(c[1].term() == 1);
    REQUIRE(c.count(1, 2) == 0);
    c[1].receive(2, refusal(7));
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == 7);
    REQUIRE(c[1].vote() == 0);
    REQUIRE(c[1].disk.term == 7);
    REQUIRE(c[1].deadline() == due);
    for (raft_id peer : {2, 3}) {
        const auto m = c.take(1, peer, RAFT_REQUEST_VOTE);
        REQUIRE(m->request_vote.pre_vote);
        REQUIRE(m->request_vote.term == 8);
    }
    SECTION("a grant of the first request does not count") {
        c[1].receive({2, 3}, VoteResult{.term = 2, .granted = true, .pre_vote = true});
        REQUIRE(c[1].term() == 7);
    }
    SECTION("it wins") {
        c[1].receive(2, VoteResult{.term = 8, .granted = true, .pre_vote = true});
        REQUIRE(c[1].term() == 8);
        c[1].receive(2, VoteResult{.term = 8, .granted = true});
        REQUIRE(c[1].leads());
    }
    SECTION("after its next timeout, too") {
        c.expire(1);
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        c.drop();
        c[1].receive(2, refusal(12));
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        REQUIRE(c.take(1, 3)->request_vote.term == 13);
    }
    SECTION("once for each timeout") {
        c[1].receive(3, refusal(9));
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        REQUIRE(c[1].term() == 9);
        REQUIRE(c[1].deadline() == due);
        REQUIRE(c.count(1, 2) == 0);
        c.expire(1);
        c.drop();
        c[1].receive(3, refusal(12));
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        REQUIRE(c.take(1, 3)->request_vote.term == 13);
    }
}

TEST_CASE("Only the refusal of a pre-vote by a voter that was asked is asked again (§9.6)") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s]"}});
    c.expire(1);
    c.drop();
    SECTION("it is not marked") {
        c[1].receive(2, VoteResult{.term = 7, .pre_vote = true, .version = 1});
    }
    SECTION("it is that of a vote") { c[1].receive(2, VoteResult{.term = 7}); }
    SECTION("it is that of a standby") { c[1].receive(4, VoteResult{.term = 7, .pre_vote = true}); }
    SECTION("it is that of a stranger") {
        c[1].receive(9, VoteResult{.term = 7, .pre_vote = true});
    }
    SECTION("it comes when votes are asked for") {
        c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
        REQUIRE(c[1].vote() == 1);
        c.drop();
        c[1].receive(3, VoteResult{.term = 7, .pre_vote = true});
    }
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == 7);
    REQUIRE(c.count(1, 2) == 0);
}

TEST_CASE("No pre-vote is asked for again if no term is left") {
    constexpr raft_term last = (1ULL << 62) - 1;
    Cluster c({Draw{.id = 1, .term = last - 3, .log = "1[1 2 3]"}});
    c.expire(1);
    c.drop();
    c[1].receive(2, VoteResult{.term = last, .pre_vote = true});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == last);
    REQUIRE(c.count(1, 2) == 0);
}

TEST_CASE(
    "A removed server without pre-votes does not keep the only electable voter a term behind") {
    /* Server 2 was removed by the third entry of 1 and 5, and does not know it. It asks 1 for votes
     * and raises its term again and again; only 5 has all entries. */
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1[1 3] 2[1 3 5] 2[1 5] 3"},
               {.id = 5,
                .term = 3,
                .log = "1[1 2 3] 1[1 3] 2[1 3 5] 2[1 5] 3 3 3",
                .set = [](raft *r) { raft_set_election_timeout(r, 2000); }},
               {.id = 2, .term = 3, .log = "1[1 2 3] 1[1 3]", .set = [](raft *r) {
                    raft_set_pre_vote(r, false);
                    raft_set_election_timeout(r, 700);
                }}});
    c.run(30000);
    REQUIRE(c.leader() == 5);
    REQUIRE(c[1].commit() == c[5].last());
}
