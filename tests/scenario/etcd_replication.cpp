/* SPDX-License-Identifier: MIT */
/* The rules on replication and reads that etcd's raft_test checks, by the names of its tests,
 * written anew for this library. Each name is followed by the scenario that checks its rule:
 * "here", or the file that has it. Sections are those of the dissertation.
 *
 * ProgressLeader, ProgressResumeByHeartbeatResp, MsgAppRespWaitReset                       here
 * ProgressPaused, SendAppendForProgressProbe pipeline: "A probe is sent once, even if more..."
 * ProgressFlowControl                pipeline: "No more entries are in flight than the limit..."
 * UncommittedEntryLimit              limits: "Uncommitted entries are limited"
 * LogReplication, CannotCommitWithoutNewTermEntry, CommitWithoutNewTermEntry               here
 * LearnerLogReplication              pipeline: "A standby receives the log, a spare does not"
 * SingleNodeCommit                   persistence: "A sole voter commits only what its disk..."
 * OldMessages, StepIgnoreOldTermMsg  replication: "An AppendEntries of an old term is rejected"
 * Proposal                                                                                 here
 * ProposalByProxy                    errors: "Requests that only a leader serves get..."
 * Commit                             etcd_paper: "LeaderAcknowledgeCommit"; unit/quorum.cpp
 * HandleMsgApp, HandleHeartbeat                                                            here
 * HandleHeartbeatResp                pipeline: "Lost entries are sent again"
 * LeaderMsgAppSelfAckAfterTermChange persistence: "Acknowledgements of removed entries are..."
 * LeaderAppResp                      leader_results: "A repeated rejection, or one of an older..."
 * BcastBeat                          election: "A leader sends heartbeats to all its peers..."
 * RecvMsgBeat                        election: "A timeout before its time changes nothing"
 * LeaderIncreaseNext, SendAppendForProgressReplicate
 *                                    pipeline: "A follower is probed until it answers; then..."
 * RecvMsgUnreachable                 pipeline: "An unreachable follower is probed again..."
 * FastLogRejection, LogReplicationWithReorderedMessage                                     here
 * RaftFreesReadOnlyMem, ReadOnlyOptionSafe reads: "A read is answered after a round begun..."
 * ReadOnlyWithLearner                reads: "Of five voters two peers must echo..."
 * ReadOnlyOptionLease                reads: "With a lease a read is answered at once..."
 * ReadOnlyForNewLeader               reads: "Reads wait until the leader's barrier is committed" */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* A played follower acknowledges the log up to an index. */
AppendResult stored(Cluster &c, raft_index index) { return {.term = c[1].term(), .last = index}; }

} // namespace

TEST_CASE("ProgressLeader: a leader's own entries count when its disk has them (§10.2.1)") {
    Cluster c({{.id = 1, .log = "1[1 2]"}});
    c[1].slow = true;
    c.win(1, {2});
    c[1].receive(2, stored(c, 2));
    c[1].submit(5);
    c[1].receive(2, stored(c, 7));
    REQUIRE(c[1].match(2) == 7);
    REQUIRE(c[1].commit() == 1); /* one of two has them */
    c[1].store();                /* the barrier */
    REQUIRE(c[1].commit() == 2);
    c[1].store_all();
    REQUIRE(c[1].stored() == 7);
    REQUIRE(c[1].commit() == 7);
}

TEST_CASE("ProgressResumeByHeartbeatResp: a probe that was lost is repeated (§3.5)") {
    Cluster c("1 2 3", 1);
    c[1].step(event::unreachable(2));
    c.cut(1, 2);
    c[1].submit(3); /* the probe is lost */
    c.deliver();
    c.heal();
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PROBE);
    c.run(250);
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c[2].log == c[1].log);
}

TEST_CASE("MsgAppRespWaitReset: a probed follower gets no entries until it answers (§3.5)") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2});
    c[1].receive(2, stored(c, 2));
    c.drop();
    const raft_index index = c[1].submit();
    const Message m = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(m->append_entries.prev_log_index + m->append_entries.n_entries == index);
    REQUIRE(c.count(1, 3) == 0); /* it has not answered the first message */
    c[1].receive(3, stored(c, 2));
    const Message other = c.take(1, 3, RAFT_APPEND_ENTRIES);
    REQUIRE(other->append_entries.prev_log_index == 2);
    REQUIRE(other->append_entries.n_entries == 1);
}

TEST_CASE("LogReplication: entries of successive leaders reach everyone, in order (§3.5)") {
    Cluster c("1 2 3", 1);
    c[1].submit();
    c.deliver();
    c[1].transfer(2);
    c.deliver();
    REQUIRE(c[2].leads());
    c[2].submit();
    c.run(300);
    for (raft_id id : {1, 2, 3}) {
        REQUIRE(c[id].terms() == "1 2 2 3 3");
        REQUIRE(c[id].commit() == 5);
        REQUIRE(c[id].applied == 5);
        REQUIRE(c[id].log == c[2].log);
    }
}

/* A leader reaches one of four followers with two entries. The next leader has them, too. */
TEST_CASE("CannotCommitWithoutNewTermEntry, CommitWithoutNewTermEntry: its barrier commits them") {
    Cluster c("1 2 3 4 5", 1);
    for (raft_id other : {3, 4, 5}) {
        c.cut(1, other);
    }
    c[1].submit(2);
    c.deliver();
    REQUIRE(c[2].last() == 4);
    REQUIRE(c[1].commit() == 2);
    c.heal();
    c.isolate(1);
    c.sleep(2000);
    c.expire(2);
    for (raft_id other : {3, 4, 5}) {
        c.hold(2, other);
    }
    for (int i = 0; i < 2; i++) { /* pre-votes, then votes */
        for (raft_id other : {3, 4, 5}) {
            c.hand(c.take(2, other, RAFT_REQUEST_VOTE));
        }
        c.deliver();
    }
    REQUIRE(c[2].leads());
    REQUIRE(c[2].terms() == "1 2 2 2 3");
    REQUIRE(c[2].commit() <= 2); /* nothing of its own term has reached the others (§3.6.2) */
    SECTION("even if they have all older entries") {
        c.drop();
        for (raft_id other : {3, 4}) {
            c[2].receive(other, AppendResult{.term = 3, .last = 2});
            REQUIRE(c[2].match(other) == 2);
        }
        REQUIRE(c[2].commit() <= 2);
    }
    SECTION("when its barrier has, all commit together") {
        c.release();
        c.deliver();
        REQUIRE(c[2].commit() == 5);
    }
}

TEST_CASE("Proposal: an entry commits if and only if a majority can be reached (§3.5)") {
    struct Row {
        const char *members;
        std::vector<raft_id> down;
        bool committed;
    };
    const Row row = GENERATE(values<Row>({
        {"1 2 3", {}, true},
        {"1 2 3", {3}, true},
        {"1 2 3", {2, 3}, false},
        {"1 2 3 4", {2, 3}, false},
        {"1 2 3 4 5", {2, 3}, true},
    }));
    Cluster c(row.members, 1);
    for (raft_id id : row.down) {
        c.isolate(id);
    }
    const raft_index index = c[1].submit();
    c.deliver();
    REQUIRE((c[1].commit() == index) == row.committed);
    REQUIRE(c[1].term() == 2);
}

TEST_CASE("HandleMsgApp: the commit index follows the leader's as far as the logs agree (§3.5)") {
    struct Row {
        raft_term term;
        Position prev;
        const char *log;
        raft_index leader_commit;
        raft_index last;
        raft_index commit;
        bool rejected;
    };
    const Row row = GENERATE(values<Row>({
        {3, {2, 3}, "", 3, 2, 1, true},  /* another term is there */
        {3, {3, 3}, "", 3, 2, 1, true},  /* the log is shorter */
        {2, {1, 1}, "", 1, 2, 1, false}, /* all is known */
        {2, {2, 2}, "2 2", 3, 4, 3, false},
        {2, {2, 2}, "2", 4, 3, 3, false},
        {3, {1, 1}, "3", 4, 2, 2, false}, /* entry 2 is replaced */
        {2, {1, 1}, "", 3, 2, 1, false},  /* entry 2 may not be the leader's */
        {2, {1, 1}, "2", 3, 2, 2, false},
        {2, {2, 2}, "", 3, 2, 2, false},
        {2, {2, 2}, "", 4, 2, 2, false},
    }));
    Cluster c({{.id = 1, .term = 2, .log = "1[1 2] 2"}});
    c[1].receive(
        2, AppendEntries{
               .term = row.term, .prev = row.prev, .log = row.log, .commit = row.leader_commit});
    REQUIRE(c[1].last() == row.last);
    REQUIRE(c[1].commit() == row.commit);
    REQUIRE((c.result(1, 2).rejected != 0) == row.rejected);
}

TEST_CASE("HandleHeartbeat: a heartbeat raises the commit index and never lowers it (§3.5)") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2] 2 3"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 3}, .commit = 2});
    REQUIRE(c[1].commit() == 2);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 3}, .commit = 1});
    REQUIRE(c[1].commit() == 2);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 3}, .commit = 3});
    REQUIRE(c[1].commit() == 3);
}

/* The leader's log, a follower's log, and the most probes that may be rejected. */
TEST_CASE("FastLogRejection: looking for where two logs agree takes at most one probe a term") {
    struct Row {
        const char *leader;
        const char *follower;
        int most;
    };
    const Row row = GENERATE(values<Row>({
        {"1[1 2 3] 2 2 4 4 4 4", "1[1 2 3] 2 2 3 3 3 3 3 3 3 3", 1},
        {"1[1 2 3] 2 2 3 4 4 4 5", "1[1 2 3] 2 2 3 3 3 3 3 3 3 3", 2},
        {"1[1 2 3] 1 1 1", "1[1 2 3] 2 2 4", 1},
        {"1[1 2 3] 1 1 1 1 1", "1[1 2 3] 2 2 4", 1},
        {"1[1 2 3] 1 1 1", "1[1 2 3] 2 2 4 4 4", 1},
        {"1[1 2 3] 1 1 4 5", "1[1 2 3] 1 1 4", 1},
        {"2[1 2 3] 5 5 5 5 5 5 5 5", "2[1 2 3] 4 4 4 4 4", 2},
        {"2[1 2 3] 2 2 2 2", "2[1 2 3] 4 4 4 4 4 4 4", 1},
        {"1[1 2 3] 2 3 4 5 6 7", "1[1 2 3] 1 1 1 1 1 1", 6},
    }));
    Cluster c({{.id = 1, .term = 8, .log = row.leader}, {.id = 2, .log = row.follower}});
    c.win(1, {3});
    int rejections = 0;
    c.expire(1); /* a heartbeat, at the end of its log */
    while (c.count(1, 2) > 0) {
        c.hand(c.take(1, 2));
        while (c.count(2, 1) > 0) {
            const Message m = c.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
            rejections += m->append_entries_result.rejected != 0;
            c.hand(m);
        }
    }
    REQUIRE(c[2].log == c[1].log);
    REQUIRE(c[1].match(2) == c[1].last());
    REQUIRE(rejections >= 1);
    REQUIRE(rejections <= row.most);
}

TEST_CASE(
    "LogReplicationWithReorderedMessage: a late rejection does not move a leader back (§3.5)") {
    Cluster c("1 2", 1);
    c[1].submit();
    const Message first = c.take(1, 2, RAFT_APPEND_ENTRIES);
    c[1].submit();
    const Message second = c.take(1, 2, RAFT_APPEND_ENTRIES);
    c.hand(second); /* it overtakes the first */
    const Message late = c.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(late->append_entries_result.rejected == 3);
    c.hand(first);
    c.deliver(2, 1);
    REQUIRE(c[1].match(2) == 3);
    c.drop();
    c[1].step(event::unreachable(2));
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PROBE);
    c.hand(late);
    REQUIRE(c[1].match(2) == 3);
    REQUIRE(c[1].progress(2).next == 4);
    c.run(200);
    REQUIRE(c[2].log == c[1].log);
    REQUIRE(c[2].commit() == 4);
}
