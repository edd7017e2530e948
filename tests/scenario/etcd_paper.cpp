/* SPDX-License-Identifier: MIT */
/* The rules that etcd's raft_paper_test checks, by the names of its tests, written anew for this
 * library. Each name is followed by the scenario that checks its rule: "here", or the file that has
 * it. Sections are those of the dissertation.
 *
 * FollowerUpdateTermFromMessage, CandidateUpdateTermFromMessage, LeaderUpdateTermFromMessage   here
 * RejectStaleTermMessage             replication: "An AppendEntries of an old term is rejected"
 * StartAsFollower                                                                          here
 * LeaderBcastBeat                  election: "A leader sends heartbeats to all its peers..."
 * FollowerStartElection  election: "A follower without a leader asks for pre-votes, then..."
 * CandidateStartNewElection                                                                here
 * LeaderElectionInOneRoundRPC                                                              here
 * FollowerVote                      votes: "At most one vote a term; the same request gets..."
 * CandidateFallback            election: "A candidate becomes a follower when it hears..."
 * FollowerElectionTimeoutRandomized, CandidateElectionTimeoutRandomized                    here
 * FollowersElectionTimeoutNonconflict, CandidatesElectionTimeoutNonconflict                here
 * LeaderStartReplication, LeaderCommitEntry  replication: "An entry is stamped, written, sent..."
 * LeaderAcknowledgeCommit, LeaderCommitPrecedingEntries                                    here
 * FollowerCommitEntry, FollowerCheckMsgApp, FollowerAppendEntries                          here
 * LeaderSyncFollowerLog                         replication: "Figure 7: whatever the followers'..."
 * VoteRequest, Voter                                                                       here
 * LeaderOnlyCommitsLogFromCurrentTerm                                                      here */
#include "catch.hpp"
#include "cluster.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace scenario;

namespace {

void without_pre_votes(raft *r) { raft_set_pre_vote(r, 0); }

Draw voter(const char *members, std::function<void(raft *)> set = without_pre_votes) {
    Draw d = Cluster::fresh(members)[0];
    d.set = std::move(set);
    return d;
}

/* Server 1 in a state, in the term that is returned. */
raft_term bring_into(Cluster &c, enum raft_state state) {
    if (state != RAFT_FOLLOWER) {
        c.expire(1);
    }
    if (state == RAFT_LEADER) {
        c[1].receive(2, VoteResult{.term = 2, .granted = true});
    }
    REQUIRE(c[1].state() == state);
    c.drop();
    return c[1].term();
}

} // namespace

TEST_CASE("UpdateTermFromMessage: a higher term of a leader is adopted in every state (§3.3)") {
    const auto state = GENERATE(RAFT_FOLLOWER, RAFT_CANDIDATE, RAFT_LEADER);
    Cluster c({voter("1 2 3")});
    const raft_term term = bring_into(c, state);
    c[1].receive(3, AppendEntries{.term = term + 1, .prev = {1, 1}});
    REQUIRE(c[1].term() == term + 1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].leader() == 3);
    REQUIRE(c[1].vote() == 0);
}

TEST_CASE("UpdateTermFromMessage: answers with a higher term end a candidacy and a leadership") {
    const auto state = GENERATE(RAFT_CANDIDATE, RAFT_LEADER);
    Cluster c({voter("1 2 3")});
    const raft_term term = bring_into(c, state);
    if (state == RAFT_CANDIDATE) {
        c[1].receive(3, VoteResult{.term = term + 1});
    } else {
        c[1].receive(3, AppendResult{.term = term + 1, .rejected = 1});
    }
    REQUIRE(c[1].term() == term + 1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
}

TEST_CASE("StartAsFollower: a server of several starts as a follower without a leader (§3.4)") {
    Cluster c("1 2 3");
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].leader() == 0);
    REQUIRE(c[1].deadline() >= c.now + 1000);
}

TEST_CASE("CandidateStartNewElection: a candidate that is not elected begins a new term (§3.4)") {
    Cluster c({voter("1 2 3")});
    c.expire(1);
    REQUIRE(c[1].term() == 2);
    c.drop();
    for (raft_term term = 3; term < 6; term++) {
        c.expire(1);
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        REQUIRE(c[1].term() == term);
        REQUIRE(c[1].vote() == 1);
        for (raft_id other : {2, 3}) {
            const Message m = c.take(1, other, RAFT_REQUEST_VOTE);
            REQUIRE(m->request_vote.term == term);
            REQUIRE_FALSE(m->request_vote.pre_vote);
        }
    }
}

TEST_CASE("LeaderElectionInOneRoundRPC: a majority of votes elects; without one a server goes on") {
    struct Row {
        const char *members;
        std::map<raft_id, bool> votes;
        enum raft_state state;
    };
    const bool pre_vote = GENERATE(false, true);
    const Row row = GENERATE(values<Row>({
        {"1 2 3", {{2, true}, {3, true}}, RAFT_LEADER},
        {"1 2 3", {{2, true}}, RAFT_LEADER},
        {"1 2 3 4 5", {{2, true}, {3, true}, {4, true}, {5, true}}, RAFT_LEADER},
        {"1 2 3 4 5", {{2, true}, {3, true}, {4, false}}, RAFT_LEADER},
        /* A majority denies: another candidate may have won, or nobody has. This server remains a
         * candidate; an AppendEntries or its next timeout decides. */
        {"1 2 3", {{2, false}, {3, false}}, RAFT_CANDIDATE},
        {"1 2 3 4 5", {{2, true}, {3, false}, {4, false}, {5, false}}, RAFT_CANDIDATE},
        {"1 2 3", {}, RAFT_CANDIDATE},
        {"1 2 3 4 5", {{2, true}}, RAFT_CANDIDATE},
        {"1 2 3 4 5", {{2, false}, {3, false}}, RAFT_CANDIDATE},
    }));
    Cluster c({voter(row.members, [pre_vote](raft *r) { raft_set_pre_vote(r, pre_vote); })});
    c.expire(1);
    for (bool round : {true, false}) {
        for (const auto &[id, granted] : row.votes) {
            if (c[1].state() == RAFT_CANDIDATE && (round ? pre_vote : c[1].vote() == 1)) {
                const bool asks = round && c[1].vote() == 0;
                c[1].receive(id, VoteResult{.term = c[1].term() + (asks && granted),
                                            .granted = granted,
                                            .pre_vote = asks});
            }
        }
    }
    REQUIRE(c[1].state() == row.state);
    REQUIRE(c[1].term() == (pre_vote && c[1].vote() == 0 ? 1 : 2));
    REQUIRE(c[1].leads() == (row.state == RAFT_LEADER));
}

TEST_CASE("LeaderElectionInOneRoundRPC: the only voter needs no round") {
    Cluster c({voter("1")});
    REQUIRE(c[1].leads());
    REQUIRE(c[1].term() == 2);
}

namespace {

void quick(raft *r) {
    raft_set_heartbeat_timeout(r, 1);
    raft_set_election_timeout(r, 10);
    raft_set_pre_vote(r, 0);
}

/* Begin another election, which draws a new timeout; as a follower, lose it to a leader. */
void renew(Cluster &c, raft_id id, bool candidate) {
    c.now = std::max(c.now, c[id].deadline());
    c[id].timeout();
    REQUIRE(c[id].state() == RAFT_CANDIDATE);
    if (!candidate) {
        c[id].receive(9, AppendEntries{.term = c[id].term(), .prev = {1, 1}});
        REQUIRE(c[id].state() == RAFT_FOLLOWER);
    }
    c.drop();
}

} // namespace

TEST_CASE("ElectionTimeoutRandomized: every value from the timeout to less than twice it occurs") {
    const bool candidate = GENERATE(false, true);
    Cluster c({voter("1 2 3", quick)});
    std::set<raft_time> waits;
    for (int i = 0; i < 300; i++) {
        renew(c, 1, candidate);
        waits.insert(c[1].deadline() - c.now);
    }
    REQUIRE(waits.size() == 10);
    REQUIRE(*waits.begin() == 10);
    REQUIRE(*waits.rbegin() == 19);
}

TEST_CASE("ElectionTimeoutNonconflict: of five servers mostly one times out first (§3.4)") {
    const bool candidate = GENERATE(false, true);
    auto draws = Cluster::fresh("1 2 3 4 5");
    for (Draw &d : draws) {
        d.set = [id = d.id](raft *r) {
            quick(r);
            raft_seed(r, static_cast<unsigned>(id));
        };
    }
    Cluster c(draws);
    int conflicts = 0;
    for (int i = 0; i < 200; i++) {
        std::vector<raft_time> waits;
        for (raft_id id = 1; id <= 5; id++) {
            renew(c, id, candidate);
            waits.push_back(c[id].deadline() - c.now);
        }
        std::sort(waits.begin(), waits.end());
        conflicts += waits[0] == waits[1];
    }
    REQUIRE(conflicts <= 70); /* 23 of 100 if the draws are independent */
    REQUIRE(conflicts >= 20);
}

TEST_CASE("LeaderAcknowledgeCommit: an entry commits when a majority has it on disk (§3.5)") {
    struct Row {
        const char *members;
        std::vector<raft_id> voters; /* that elect */
        std::vector<raft_id> stored;
        bool committed;
    };
    const Row row = GENERATE(values<Row>({
        {"1 2 3", {2}, {}, false},
        {"1 2 3", {2}, {2}, true},
        {"1 2 3", {2}, {2, 3}, true},
        {"1 2 3 4 5", {2, 3}, {}, false},
        {"1 2 3 4 5", {2, 3}, {2}, false},
        {"1 2 3 4 5", {2, 3}, {2, 3}, true},
        {"1 2 3 4 5", {2, 3}, {2, 3, 4}, true},
        {"1 2 3 4 5", {2, 3}, {5, 4}, true},
    }));
    Cluster c({voter(row.members, {})});
    c.win(1, row.voters);
    for (const Member &m : Configuration(row.members).members) {
        if (m.id != 1) {
            c[1].receive(m.id, AppendResult{.term = 2, .last = 2});
        }
    }
    REQUIRE(c[1].commit() == 2); /* its barrier */
    const raft_index index = c[1].submit();
    for (raft_id id : row.stored) {
        c[1].receive(id, AppendResult{.term = 2, .last = index});
    }
    REQUIRE((c[1].commit() == index) == row.committed);
}

TEST_CASE("LeaderCommitPrecedingEntries: entries of earlier terms commit with one of its own") {
    const char *log = GENERATE("1[1 2 3]", "1[1 2 3] 2", "1[1 2 3] 1 2", "1[1 2 3] 1");
    Cluster c({{.id = 1, .term = 2, .log = log}});
    const raft_index before = c[1].last();
    c.win(1, {2});
    REQUIRE(c[1].term() == 3);
    const raft_index index = c[1].submit();
    REQUIRE(c[1].commit() == 1);
    c[1].receive(2, AppendResult{.term = 3, .last = before});
    REQUIRE(c[1].commit() == 1); /* a majority has them, but none is of term 3 (§3.6.2) */
    c[1].receive(2, AppendResult{.term = 3, .last = index});
    REQUIRE(c[1].commit() == index);
    REQUIRE(c[1].applied == index);
}

TEST_CASE("LeaderOnlyCommitsLogFromCurrentTerm: older entries do not commit by counting (§3.6.2)") {
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2] 1 2"}});
    c.win(1, {2});
    c[1].submit();
    for (raft_index stored : {2, 3}) {
        c[1].receive(2, AppendResult{.term = 3, .last = stored});
        REQUIRE(c[1].match(2) == stored);
        REQUIRE(c[1].commit() == 1);
    }
    c[1].receive(2, AppendResult{.term = 3, .last = 4});
    REQUIRE(c[1].commit() == 4);
}

TEST_CASE("FollowerCommitEntry: a follower applies what is committed, in the order of the log") {
    const raft_index commit = GENERATE(1, 2, 3, 9);
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1 1", .commit = commit});
    REQUIRE(c[1].commit() == std::min<raft_index>(commit, 3));
    REQUIRE(c[1].applied == c[1].commit());
}

TEST_CASE("FollowerCheckMsgApp: the entry before the new ones must agree (§3.5)") {
    struct Row {
        Position prev;
        raft_index rejected;
        raft_index last;
    };
    const Row row = GENERATE(values<Row>({
        {{1, 1}, 0, 1}, /* a committed entry */
        {{2, 1}, 0, 2},
        {{3, 2}, 0, 3}, /* an uncommitted one */
        {{2, 2}, 2, 1}, /* another term is there: nothing from there on agrees */
        {{4, 3}, 4, 3}, /* the log is shorter */
    }));
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 2"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = row.prev, .commit = 1});
    const raft_append_entries_result r = c.result(1, 2);
    REQUIRE(r.term == 3);
    REQUIRE(r.rejected == row.rejected);
    if (row.rejected == 0) {
        REQUIRE(r.last_log_index == row.last);
    } else {
        REQUIRE(r.last_log_index >= row.last); /* a hint: no entry above it can agree */
        REQUIRE(r.last_log_index <= 3);
    }
}

TEST_CASE("FollowerAppendEntries: what conflicts is replaced, with all that follows (§3.5)") {
    struct Row {
        Position prev;
        const char *log;
        const char *terms;
        bool written;
    };
    const Row row = GENERATE(values<Row>({
        {{3, 2}, "3", "1 1 2 3", true},
        {{2, 1}, "3 4", "1 1 3 4", true},
        {{1, 1}, "1", "1 1 2", false}, /* it is there already, and what follows stays */
        {{1, 1}, "1 2", "1 1 2", false},
        {{1, 1}, "3", "1 3", true},
        {{1, 1}, "1 3", "1 1 3", true},
    }));
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2 3] 1 2"}});
    c[1].receive(2, AppendEntries{.term = 4, .prev = row.prev, .log = row.log});
    REQUIRE(c[1].terms() == row.terms);
    REQUIRE(c[1].flag(RAFT_UPDATE_ENTRIES) == row.written);
}

TEST_CASE("VoteRequest: it goes to all other voters and names the last entry (§3.6.1)") {
    const bool pre_vote = GENERATE(false, true);
    const char *log = GENERATE("1", "1 2");
    Cluster c({voter("1 2 3", [pre_vote](raft *r) { raft_set_pre_vote(r, pre_vote); })});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = log});
    c.drop();
    c.expire(1);
    for (raft_id other : {2, 3}) {
        const Message m = c.take(1, other, RAFT_REQUEST_VOTE);
        REQUIRE(m->request_vote.term == 4);
        REQUIRE(m->request_vote.candidate_id == 1);
        REQUIRE(m->request_vote.last_log_index == c[1].last());
        REQUIRE(m->request_vote.last_log_term == c[1].log.entries.back().term);
        REQUIRE(m->request_vote.pre_vote == pre_vote);
        REQUIRE(c.count(1, other) == 0);
    }
}

TEST_CASE("Voter, RecvMsgVote, RecvMsgPreVote: only a log that is as up to date gets a vote") {
    struct Row {
        const char *log;
        Position candidate;
        bool granted;
    };
    const bool pre_vote = GENERATE(false, true);
    const Row row = GENERATE(values<Row>({
        {"1[1 2]", {1, 1}, true},
        {"1[1 2]", {2, 1}, true},
        {"1[1 2] 1", {1, 1}, false}, /* the same term, but a shorter log */
        {"1[1 2]", {1, 2}, true},
        {"1[1 2]", {2, 2}, true},
        {"1[1 2] 1", {1, 2}, true}, /* a later term wins over a longer log */
        {"1[1 2] 2", {1, 1}, false},
        {"1[1 2] 2", {9, 1}, false},
        {"1[1 2] 2 2", {2, 2}, false},
        {"1[1 2] 2 2", {3, 2}, true},
        {"1[1 2] 2 2", {0, 0}, false},
    }));
    Cluster c({{.id = 1, .log = row.log}});
    c.sleep(1000); /* it may have heard a leader before it started */
    c[1].receive(2, RequestVote{.term = 3, .last = row.candidate, .pre_vote = pre_vote});
    const Message m = c.take(1, 2, RAFT_REQUEST_VOTE_RESULT);
    REQUIRE(m->request_vote_result.vote_granted == row.granted);
    REQUIRE(c[1].vote() == (row.granted && !pre_vote ? 2 : 0));
}
