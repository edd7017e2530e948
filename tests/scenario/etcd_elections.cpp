/* SPDX-License-Identifier: MIT */
/* The rules on elections that etcd's raft_test checks, by the names of its tests, written anew for
 * this library. Each name is followed by the scenario that checks its rule: "here", or the file
 * that has it. Sections are those of the dissertation.
 *
 * LeaderElection, LeaderElectionPreVote, LeaderCycle, LeaderCyclePreVote                      here
 * LeaderElectionOverwriteNewerLogs, LeaderElectionOverwriteNewerLogsPreVote                   here
 * LearnerElectionTimeout, Promotable    election: "Standbys and spares never campaign..."
 * LearnerCampaign, TransferNonMember    transfer: "A TimeoutNow of an old term, or to a server..."
 * LearnerPromotion                      catchup: "A new server is caught up and promoted..."
 * LearnerCanVote                        votes: "Votes do not depend on membership of either side"
 * NonPromotableVoterWithCheckQuorum     start: "A server outside the configuration of its log..."
 * VoteFromAnyState, PreVoteFromAnyState, AllServerStepdown                                    here
 * DuelingCandidates, DuelingPreCandidates, CandidateConcede                                   here
 * SingleNodeCandidate, SingleNodePreCandidate    start: "A sole voter whose configuration is..."
 * PastElectionTimeout                   etcd_paper: "ElectionTimeoutRandomized"
 * RecvMsgVote, RecvMsgPreVote           etcd_paper: "Voter"
 * CandidateResetTermMsgHeartbeat, CandidateResetTermMsgApp                                    here
 * CandidateSelfVoteAfterLostElection, CandidateSelfVoteAfterLostElectionPreVote,
 * CandidateDeliversPreCandidateSelfVoteAfterBecomingCandidate
 *                                       persistence: "Term and vote come before the messages..."
 * LeaderStepdownWhenQuorumActive, LeaderStepdownWhenQuorumLost
 *                                       election: "A leader steps down exactly an election..."
 * LeaderSupersedingWithCheckQuorum      votes: "No vote is granted within a minimum election..."
 * LeaderElectionWithCheckQuorum         votes: "A restarted server withholds its vote..."
 * FreeStuckCandidateWithCheckQuorum, DisruptiveFollower                                       here
 * DisruptiveFollowerPreVote             votes: "A partitioned server rejoins without disrupting..."
 * NodeWithSmallerTermCanCompleteElection, PreVoteWithSplitVote, PreVoteWithCheckQuorum        here
 * PreVoteMigrationCanCompleteElection, PreVoteMigrationWithFreeStuckPreCandidate              here
 * CampaignWhileLeader, PreCampaignWhileLeader                                                 here
 * StateTransition                       not a rule of the interface: INVARIANT() in the source */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Servers with one log, with or without pre-votes. */
std::vector<Draw> fresh(const char *members, bool pre_vote) {
    auto draws = Cluster::fresh(members);
    for (Draw &d : draws) {
        d.set = [pre_vote](raft *r) { raft_set_pre_vote(r, pre_vote); };
    }
    return draws;
}

/* The timer of one server fires, and its messages are answered; no other timer fires. */
void campaign(Cluster &c, raft_id id) {
    c.expire(id);
    c.deliver();
}

/* Longer than any vote is withheld. */
constexpr raft_time a_while = 1001;

} // namespace

TEST_CASE("LeaderElection: a server is elected if and only if a majority can be reached (§3.4)") {
    struct Row {
        const char *members;
        std::vector<raft_id> down;
        bool elected;
    };
    const bool pre_vote = GENERATE(false, true);
    const Row row = GENERATE(values<Row>({
        {"1 2 3", {}, true},
        {"1 2 3", {3}, true},
        {"1 2 3", {2, 3}, false},
        {"1 2 3 4", {2, 3}, false},
        {"1 2 3 4 5", {2, 3}, true},
    }));
    Cluster c(fresh(row.members, pre_vote));
    for (raft_id id : row.down) {
        c.isolate(id);
    }
    c.sleep(a_while);
    campaign(c, 1);
    REQUIRE(c[1].state() == (row.elected ? RAFT_LEADER : RAFT_CANDIDATE));
    /* A failed pre-vote leaves the term as it is (§9.6). */
    REQUIRE(c[1].term() == (row.elected || !pre_vote ? 2 : 1));
}

TEST_CASE("LeaderElection: servers with longer logs deny their votes (§3.6.1)") {
    const bool pre_vote = GENERATE(false, true);
    auto draws = fresh("1 2 3 4 5", pre_vote);
    for (raft_id longer : {2, 3, 4}) {
        draws[static_cast<size_t>(longer - 1)].log = "1[1 2 3 4 5] 1";
    }
    Cluster c(draws);
    c.sleep(a_while);
    campaign(c, 1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE); /* until it hears from a leader */
    campaign(c, 3);
    REQUIRE(c.leader() == 3);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].terms() == c[3].terms());
}

TEST_CASE("LeaderCycle: every server can be elected in turn (§3.4)") {
    const bool pre_vote = GENERATE(false, true);
    Cluster c(fresh("1 2 3", pre_vote));
    for (raft_id id : {1, 2, 3, 1}) {
        c.sleep(a_while); /* the last leader is silent */
        for (raft_id other : {1, 2, 3}) {
            if (other != id && c[other].leads()) {
                c[other].timeout(); /* it misses the others and steps down */
                c.drop();
                c.sleep(a_while);
            }
        }
        campaign(c, id);
        for (raft_id other : {1, 2, 3}) {
            INFO("server " << other << ", " << id << " campaigns");
            REQUIRE(c[other].state() == (other == id ? RAFT_LEADER : RAFT_FOLLOWER));
            REQUIRE(c[other].leader() == id);
        }
    }
}

/* Server 1 led term 2 and reached server 2 with an entry, server 3 led term 3 with the votes of 4
 * and 5, and reached nobody. Neither entry is committed. */
TEST_CASE(
    "LeaderElectionOverwriteNewerLogs: a leader replaces uncommitted entries of later terms") {
    const bool pre_vote = GENERATE(false, true);
    auto draws = fresh("1 2 3 4 5", pre_vote);
    draws[0].log = draws[1].log = "1[1 2 3 4 5] 2";
    draws[2].log = "1[1 2 3 4 5] 3";
    draws[3].term = draws[4].term = 3;
    draws[3].vote = draws[4].vote = 3;
    Cluster c(draws);
    c.sleep(a_while);
    campaign(c, 1); /* it learns of term 3 */
    while (!c[1].leads() && c.now < 20000) {
        campaign(c, 1);
    }
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 4);
    c.run(500);
    for (raft_id id : {1, 2, 3, 4, 5}) {
        REQUIRE(c[id].terms() == "1 2 4");
        REQUIRE(c[id].commit() == 3);
    }
}

TEST_CASE("VoteFromAnyState, AllServerStepdown: a vote is given once no leader is heard (§4.2.3)") {
    const bool pre_vote = GENERATE(false, true);
    const bool candidate = GENERATE(false, true);
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.sleep(a_while);
    if (candidate) {
        c.expire(1); /* it asks for pre-votes */
    }
    c.drop();
    const raft_term term = c[1].term();
    c[1].receive(2, RequestVote{.term = term + 1, .last = {42, term}, .pre_vote = pre_vote});
    const Message m = c.take(1, 2, RAFT_REQUEST_VOTE_RESULT);
    REQUIRE(m->request_vote_result.vote_granted);
    REQUIRE(m->request_vote_result.pre_vote == pre_vote);
    if (pre_vote) { /* nothing changes (§9.6) */
        REQUIRE(c[1].state() == (candidate ? RAFT_CANDIDATE : RAFT_FOLLOWER));
        REQUIRE(c[1].term() == term);
        REQUIRE(c[1].vote() == 0);
    } else {
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        REQUIRE(c[1].term() == term + 1);
        REQUIRE(c[1].vote() == 2);
        REQUIRE(c[1].leader() == 0);
    }
}

TEST_CASE("VoteFromAnyState: a leader gives no vote, whatever the term, as long as it leads") {
    const bool pre_vote = GENERATE(false, true);
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2});
    c[1].receive(3, RequestVote{.term = 9, .last = {42, 8}, .pre_vote = pre_vote});
    REQUIRE_FALSE(c.take(1, 3, RAFT_REQUEST_VOTE_RESULT)->request_vote_result.vote_granted);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
}

TEST_CASE("DuelingCandidates: one wins; the other does not depose it after the partition heals") {
    const bool pre_vote = GENERATE(false, true);
    Cluster c(fresh("1 2 3", pre_vote));
    c.cut(1, 3);
    c.elect(1);
    c.run(3000); /* server 2 hears from its leader and refuses server 3 */
    REQUIRE(c[1].leads());
    REQUIRE(c[2].leader() == 1);
    REQUIRE(c[3].state() == RAFT_CANDIDATE);
    REQUIRE((c[3].term() == 1) == pre_vote);
    c.heal();
    campaign(c, 3); /* both refuse, and do not adopt its term */
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[2].term() == 2);
    /* Without pre-votes its rejection of a heartbeat ends the leadership, and its log is too short
     * to win. */
    c.run(5000);
    REQUIRE(c.leader() != 0);
    REQUIRE((c[1].term() == 2) == pre_vote);
    for (raft_id id : {1, 2, 3}) {
        REQUIRE(c[id].terms() == c[c.leader()].terms());
        REQUIRE(c[id].terms().substr(0, 3) == "1 2");
    }
}

TEST_CASE("CandidateConcede: a candidate follows the leader that was elected in its absence") {
    Cluster c("1 2 3");
    c.isolate(1);
    c.sleep(a_while);
    c.expire(1);
    c.elect(3);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c.heal();
    c[3].submit();
    c.run(300);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == c[3].term());
    REQUIRE(c[1].terms() == c[3].terms());
    REQUIRE(c[1].commit() == 3);
}

TEST_CASE(
    "CandidateResetTerm: an isolated candidate adopts the leader's term, and follows (§9.6)") {
    Cluster c("1 2 3", 1);
    c.isolate(3);
    for (raft_id id : {2, 1}) { /* two elections that server 3 misses */
        c[id == 1 ? 2 : 1].transfer(id);
        c.deliver();
        REQUIRE(c[id].leads());
    }
    c.run(3000);
    REQUIRE(c[3].state() == RAFT_CANDIDATE);
    REQUIRE(c[3].term() == 2);
    c.heal();
    c.run(100);
    REQUIRE(c[3].state() == RAFT_FOLLOWER);
    REQUIRE(c[3].term() == c[1].term());
    REQUIRE(c[1].leads());
}

TEST_CASE("DisruptiveFollower, FreeStuckCandidate: a higher term in an answer ends a leadership") {
    Cluster c(fresh("1 2 3", false));
    c.elect(1);
    c.isolate(3);
    c.run(3000); /* server 3 campaigns alone */
    REQUIRE(c[1].leads());
    const raft_term higher = c[3].term();
    REQUIRE(higher > c[1].term());
    c.heal();
    c.hold(3, 2);
    c.drop();
    c.now = std::max(c.now, c[1].deadline());
    c[1].timeout(); /* its heartbeat reaches the candidate, which rejects it with its term */
    c.deliver(1, 3);
    REQUIRE(c[3].term() == higher);
    c.deliver(3, 1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == higher);
    c.release();
    c.run(5000); /* the candidate is free: it takes part in the next election */
    REQUIRE(c.leader() != 0);
    REQUIRE(c[3].term() == c[c.leader()].term());
    REQUIRE(c[3].terms() == c[1].terms());
}

TEST_CASE("NodeWithSmallerTermCanCompleteElection: with pre-votes, too (§9.6)") {
    Cluster c("1 2 3");
    c.isolate(3);
    c.elect(1);
    c[1].transfer(2);
    c.deliver();
    REQUIRE(c[2].leads());
    c.sleep(2000);
    c.expire(3);
    REQUIRE(c[3].state() == RAFT_CANDIDATE);
    REQUIRE(c[3].term() == 1);
    REQUIRE(c[1].term() == 3);
    /* Server 3 comes back when the leader goes: servers 1 and 3 must elect one of them. */
    c.heal();
    c.isolate(2);
    c.run(5000);
    const raft_id leader = c[1].leads() ? 1 : 3;
    REQUIRE(c[leader].leads());
    REQUIRE(c[leader].term() > 3);
    REQUIRE(c[1].terms() == c[3].terms());
}

TEST_CASE("PreVoteWithSplitVote: after a split vote the next timeout elects a leader (§3.4)") {
    Cluster c("1 2 3", 1);
    c.isolate(1);
    c.sleep(2000);
    c[2].timeout();
    c[3].timeout();
    for (raft_message_type type : {RAFT_REQUEST_VOTE, RAFT_REQUEST_VOTE_RESULT}) {
        const Message first = c.take(2, 3, type); /* each grants the other's pre-vote */
        const Message second = c.take(3, 2, type);
        c.hand(first);
        c.hand(second);
    }
    REQUIRE(c[2].vote() == 2);
    REQUIRE(c[3].vote() == 3);
    c.deliver(); /* neither votes for the other */
    REQUIRE(c[2].state() == RAFT_CANDIDATE);
    REQUIRE(c[3].state() == RAFT_CANDIDATE);
    REQUIRE(c[2].term() == 3);
    REQUIRE(c[3].term() == 3);
    campaign(c, 2);
    REQUIRE(c[2].leads());
    REQUIRE(c[2].term() == 4);
    REQUIRE(c[3].leader() == 2);
}

TEST_CASE("PreVoteWithCheckQuorum: followers elect another leader once theirs is silent (§4.2.3)") {
    Cluster c("1 2 3", 1);
    c.isolate(1);
    c[2].receive(3, RequestVote{.term = 3, .last = {2, 2}, .pre_vote = true});
    REQUIRE_FALSE(c.take(2, 3)->request_vote_result.vote_granted); /* server 1 was heard */
    c.sleep(a_while);
    campaign(c, 3);
    REQUIRE(c[3].leads());
    REQUIRE(c[2].leader() == 3);
}
