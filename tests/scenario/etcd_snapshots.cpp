/* SPDX-License-Identifier: MIT */
/* The rules on snapshots, membership and transfer that etcd's raft_test checks, by the names of its
 * tests, written anew for this library. Each name is followed by the scenario that checks its rule:
 * "here", or the file that has it. Sections are those of the dissertation.
 *
 * Restore                             install: "A snapshot replaces the log when it is durable"
 * RestoreWithLearner, RestoreWithVotersOutgoing, RestoreVoterToLearner, RestoreLearnerPromotion,
 * RestoreFromSnapMsg                                                                        here
 * LearnerReceiveSnapshot              catchup: "A server that needs the snapshot is caught up..."
 * RestoreIgnoreSnapshot                                                                     here
 * ProvideSnap                         leader_results: "After a rejection at a compacted index..."
 * IgnoreProvidingSnap, SendAppendForProgressSnapshot, SlowNodeRestore                       here
 * StepConfig                          membership: "A change takes effect when it is appended"
 * StepIgnoreConfig                    membership: "At most one change is uncommitted: the leader's"
 * NewLeaderPendingConfig              membership: "At most one change is uncommitted: an inherited"
 * AddNode                             membership: "A new server receives the log and votes"
 * AddLearner                          membership: "Any number of standbys and spares may be added"
 * AddNodeCheckQuorum                  demotion: "A promoted spare has an election timeout for..."
 * RemoveNode, RemoveLearner           removal: "A cluster shrinks to one server and grows again";
 *                                     errors: "RAFT_RECONFIGURE: all its errors" (the last voter)
 * RaftNodes                                                                                 here
 * CommitAfterRemoveNode               change_details: "Removing a voter can leave more than..."
 * ConfChangeCheckBeforeCampaign, ConfChangeV2CheckBeforeCampaign
 *                                     removal: "A server whose removal is known to be committed..."
 * LeaderTransferToUpToDateNode        transfer: "An up-to-date target gets TimeoutNow at once..."
 * LeaderTransferToUpToDateNodeFromFollower  errors: "Requests that only a leader serves get..."
 * LeaderTransferWithCheckQuorum       transfer: "The target is elected although its voters have..."
 * LeaderTransferToSlowFollower        transfer: "A target that lags first receives the missing..."
 * LeaderTransferAfterSnapshot                                                               here
 * LeaderTransferToSelf, LeaderTransferBack, LeaderTransferToNonExistingNode
 *                                     transfer: "A transfer to an unknown server, to itself..."
 * LeaderTransferTimeout, LeaderTransferIgnoreProposal, LeaderTransferSecondTransferToAnotherNode,
 * LeaderTransferSecondTransferToSameNode  transfer: "No entries are accepted during a transfer"
 * LeaderTransferReceiveHigherTermVote transfer: "A transfer ends when leadership is lost"
 * LeaderTransferRemoveNode, LeaderTransferDemoteNode                                        here */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("Restore: the configuration of a snapshot is in force, whatever this server was (§5.1)") {
    struct Row {
        const char *before;
        const char *snapshot;
        int role;
    };
    const Row row = GENERATE(values<Row>({
        {"1[1 2 3]", "1 2 3", RAFT_VOTER},
        {"1[1 2 3]", "1 2 3s", RAFT_STANDBY}, /* a voter becomes a standby */
        {"1[1 2 3s]", "1 2 3s", RAFT_STANDBY},
        {"1[1 2 3s]", "1 2 3", RAFT_VOTER}, /* a standby becomes a voter */
        {"1[1 2]", "1 2 3p", RAFT_SPARE},   /* and one that was no member */
        {"1[1 2 3]", "1 2", -1},
    }));
    Cluster c({{.id = 3, .log = row.before}});
    c[3].receive(1, InstallSnapshot{.term = 11, .last = {11, 11}, .conf = row.snapshot});
    REQUIRE(c[3].leader() == 1);
    REQUIRE(c[3].last() == 11);
    REQUIRE(c[3].commit() == 11);
    REQUIRE(raft_term_of(c[3].handle(), 11) == 11);
    REQUIRE(c[3].conf() == row.snapshot);
    REQUIRE(raft_role(c[3].handle()) == row.role);
    REQUIRE(c[3].state() == RAFT_FOLLOWER);
    /* The same snapshot again changes nothing. */
    const std::string was = c[3].see();
    c[3].receive(1, InstallSnapshot{.term = 11, .last = {11, 11}, .conf = row.snapshot});
    REQUIRE(c[3].see() == was);
}

TEST_CASE("RestoreWithVotersOutgoing: a snapshot can hold a joint configuration (§4.3, §5.1)") {
    const Configuration joint = [] {
        Configuration conf;
        conf.add(1, RAFT_VOTER_OUTGOING);
        conf.add(2, RAFT_VOTER);
        conf.add(3, RAFT_VOTER);
        conf.add(4, RAFT_VOTER_INCOMING);
        return conf;
    }();
    Cluster c({{.id = 1, .log = "1[1 2]"}});
    Message m = draft(2, 1, InstallSnapshot{.term = 11, .last = {11, 11}});
    m.conf = joint;
    c[1].step(event::receive(m));
    REQUIRE(c[1].commit() == 11);
    REQUIRE(raft_role(c[1].handle()) == RAFT_VOTER_OUTGOING);
    c.drop();
    c.expire(1); /* it votes in the old set, so it campaigns, and asks both sets */
    for (raft_id other : {2, 3, 4}) {
        REQUIRE(c.take(1, other)->type == RAFT_REQUEST_VOTE);
    }
}

TEST_CASE("RestoreIgnoreSnapshot: a snapshot of entries that the log has is not installed (§5.1)") {
    Cluster c({{.id = 1, .log = "1[1 2] 1 1"}});
    for (raft_index index : {1, 2}) {
        c[1].receive(2, InstallSnapshot{.term = 1, .last = {index, 1}, .conf = "1 2"});
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        REQUIRE(c[1].last() == 3);
        REQUIRE(raft_snapshot_index(c[1].handle()) == 0);
        REQUIRE(c.result(1, 2).rejected == 0);
    }
    REQUIRE(c[1].commit() == 1); /* the next AppendEntries tells that they are committed */
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}, .commit = 2});
    REQUIRE(c[1].commit() == 2);
}

TEST_CASE("IgnoreProvidingSnap: a server that was not heard is sent no snapshot (§5.1)") {
    Cluster c({{.id = 1, .log = "1", .start = 12, .snapshot = {11, 1}, .conf = "1 2 3"}});
    c.win(1, {3});
    c[1].receive(3, AppendResult{.term = 2, .last = 13});
    c[1].submit();
    for (int i = 0; i < 30; i++) { /* server 2 is down */
        c[1].receive(3, AppendResult{.term = 2, .last = c[1].last()});
        c.expire(1);
    }
    while (c.count(1, 2) > 0) {
        REQUIRE(c.take(1, 2)->type == RAFT_APPEND_ENTRIES);
    }
    /* It comes back, and its log ends too early. */
    c[1].receive(2, AppendResult{.term = 2, .rejected = 12, .last = 1});
    REQUIRE(c.take(1, 2)->type == RAFT_INSTALL_SNAPSHOT);
}

TEST_CASE(
    "SendAppendForProgressSnapshot: a server gets no entries while it gets a snapshot (§5.1)") {
    Cluster c({{.id = 1, .log = "1", .start = 12, .snapshot = {11, 1}, .conf = "1 2 3"}});
    c.win(1, {3});
    c[1].receive(2, AppendResult{.term = 2, .rejected = 12, .last = 1});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c.drop();
    for (int i = 0; i < 10; i++) {
        c[1].submit();
        REQUIRE(c.count(1, 2) == 0);
    }
    c[1].receive(2, AppendResult{.term = 2, .last = 11});
    REQUIRE(c.take(1, 2)->type == RAFT_APPEND_ENTRIES);
}

TEST_CASE("SlowNodeRestore: a server that missed more than the log has gets the snapshot (§5.1)") {
    Cluster c("1 2 3", 1);
    c.isolate(3);
    c[1].submit(100);
    c.deliver();
    REQUIRE(c[1].commit() == 102);
    c[1].take_snapshot(102);
    REQUIRE(raft_first_index(c[1].handle()) == 103);
    c.heal();
    c[1].submit();
    c.run(1000);
    REQUIRE(raft_snapshot_index(c[3].handle()) == 102);
    REQUIRE(c[3].commit() == c[1].commit());
    REQUIRE(c[3].last() == c[1].last());
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PIPELINE);
}

TEST_CASE(
    "LeaderTransferAfterSnapshot: the target leads once it has snapshot and entries (§3.10)") {
    Cluster c("1 2 3", 1);
    c.isolate(3);
    c[1].submit();
    c.deliver();
    c[1].take_snapshot(3);
    c.heal();
    c[3].slow = true;
    c.run(500); /* it is heard again, and lacks entries */
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_SNAPSHOT);
    c[1].transfer(3);
    c.deliver();
    REQUIRE(c[1].leads()); /* the snapshot is not durable */
    REQUIRE(raft_transferee(c[1].handle()) == 3);
    c[3].slow = false;
    c[3].store_all();
    c.deliver();
    REQUIRE(c[3].leads());
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].leader() == 3);
    REQUIRE(raft_transferee(c[1].handle()) == 0);
}

TEST_CASE("LeaderTransferRemoveNode, DemoteNode: no change is accepted during a transfer (§3.10)") {
    const char *next = GENERATE("1 2", "1 2 3s");
    Cluster c("1 2 3", 1);
    c.isolate(3);
    c[1].transfer(3);
    REQUIRE(raft_transferee(c[1].handle()) == 3);
    c[1].refuses(RAFT_NOTLEADER, event::reconfigure(next));
    c[1].refuses(RAFT_NOTLEADER, event::change(next));
    while (raft_transferee(c[1].handle()) != 0) { /* until it is given up */
        c.run(100);
    }
    REQUIRE(c[1].leads());
    c[1].reconfigure(next);
    c.run(200);
    REQUIRE(c[1].conf() == next);
    REQUIRE(c[1].leads());
}

TEST_CASE("RaftNodes: members may be given in any order (§4.1)") {
    const char *members = GENERATE("1 2 3", "3 2 1", "2 3s 1");
    Cluster c(members);
    c.elect(1); /* its peers are found in any order */
    c.run(200);
    for (const Member &m : Configuration(members).members) {
        REQUIRE(c[m.id].commit() == 2);
    }
}
