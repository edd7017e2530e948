/* SPDX-License-Identifier: MIT */
/* Log replication and repair (§3.5, §3.6, §10.2.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

TEST_CASE("An entry is stamped, written, sent, acknowledged and committed, also on the followers") {
    Cluster c("1 2 3", 1);
    c[1].slow = true;
    raft_index i = c[1].submit();
    REQUIRE(i == 3);
    REQUIRE(c[1].update.entries.index == 3);
    REQUIRE(c[1].update.entries.n == 1);
    REQUIRE(c[1].update.entries.batch[0].term == c[1].term());
    REQUIRE(raft_term_of(c[1].handle(), 3) == c[1].term());
    REQUIRE(c[1].update.messages.n == 2);
    c.deliver(1, 2);
    c.deliver(2, 1);
    REQUIRE(c[1].commit() == 2); /* S2 alone is no majority: its own disk is slow */
    c[1].store();
    REQUIRE(c[1].commit() == 3);
    c.deliver();
    c.run(100);
    REQUIRE(c[2].commit() == 3);
    REQUIRE(c[3].commit() == 3);
    REQUIRE(c[2].log == c[1].log);
}

/* Figure 7 of the Raft paper (3.6 of the dissertation): the leader of term 8 is elected,
 * and followers may lack entries, have extra ones, or both. */
TEST_CASE("Figure 7: whatever the followers' logs, they become the leader's") {
    Cluster c({{.id = 1, .term = 7, .log = "1[1 2 3 4 5 6 7] 1 1 4 4 5 5 6 6 6"},
               {.id = 2, .log = "1[1 2 3 4 5 6 7] 1 1 4 4 5 5 6 6"},       /* (a) */
               {.id = 3, .log = "1[1 2 3 4 5 6 7] 1 1 4"},                 /* (b) */
               {.id = 4, .log = "1[1 2 3 4 5 6 7] 1 1 4 4 5 5 6 6 6 6"},   /* (c) */
               {.id = 5, .log = "1[1 2 3 4 5 6 7] 1 1 4 4 5 5 6 6 6 7 7"}, /* (d) */
               {.id = 6, .log = "1[1 2 3 4 5 6 7] 1 1 4 4 4 4"},           /* (e) */
               {.id = 7, .log = "1[1 2 3 4 5 6 7] 1 1 2 2 2 3 3 3 3 3"}}); /* (f) */
    c.elect(1);
    REQUIRE(c[1].term() == 8);
    c.run(1000);
    for (raft_id id = 2; id <= 7; ++id) {
        INFO("server " << id);
        REQUIRE(c[id].terms() == "1 1 1 4 4 5 5 6 6 6 8");
        REQUIRE(c[id].log == c[1].log);
        REQUIRE(c[id].commit() == 11);
        REQUIRE(c[1].match(id) == 11);
    }
}

/* Figure 8 of the paper (3.7): an entry of an older term on a majority is not committed. */
TEST_CASE("Figure 8: only entries of the leader's own term commit by counting") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3 4 5] 2"},
               {.id = 2, .term = 3, .log = "1[1 2 3 4 5] 2"},
               {.id = 3, .term = 3, .log = "1[1 2 3 4 5]"},
               {.id = 4, .term = 3, .log = "1[1 2 3 4 5]"},
               {.id = 5, .term = 3, .log = "1[1 2 3 4 5] 3"}});
    /* (c) S1 leads term 4 and replicates the entry of term 2 to S3, a majority. Its own
     * barrier is lost on the way. */
    c.isolate(5);
    for (raft_id id : {2, 3, 4}) {
        c[id].slow = true; /* so that the test decides which entries are durable */
    }
    c.win(1, {2, 3});
    REQUIRE(c[1].term() == 4);
    for (raft_id id : {2, 3, 4}) {
        c[id].receive(
            1, RequestVote{.term = 4, .last = {2, 2}}); /* the votes that were played above */
    }
    c.drop();
    for (raft_id id : {2, 3}) {
        c[1].receive(id, AppendResult{.term = 4, .last = 2});
        REQUIRE(c[1].match(id) == 2);
    }
    REQUIRE(c[1].commit() == 1); /* index 2 is on S1, S2, S3, but of term 2 */
    SECTION("(e) it commits with an entry of term 4 behind it") {
        c[2].checks_storage = c[3].checks_storage = false; /* their answers are played */
        c[1].receive(2, AppendResult{.term = 4, .last = 3});
        REQUIRE(c[1].commit() == 1);
        c[1].receive(3, AppendResult{.term = 4, .last = 3});
        REQUIRE(c[1].commit() == 3);
    }
    SECTION("(d) else S5 may still overwrite it") {
        c.heal();
        c.drop();
        c[1].crash();
        c.isolate(1);
        for (raft_id id : {2, 3, 4}) {
            c[id].slow = false;
        }
        c.sleep(3000);
        c.elect(5);
        c.run(1000);
        REQUIRE(c[2].terms() == "1 3 " + std::to_string(c[5].term()));
        c[1].restart();
        c.heal();
        c.run(1000);
        REQUIRE(c[1].terms() == c[5].terms());
    }
}

TEST_CASE("A rejection tells enough to skip a whole term at once") {
    /* The follower's 40 entries of term 2 disagree with the leader's 40 of term 3. */
    std::string ours = "1[1 2 3]", theirs = "1[1 2 3]";
    for (int i = 0; i < 40; ++i) {
        theirs += " 2";
        ours += " 3";
    }
    Cluster c({{.id = 1, .log = ours.c_str()}, {.id = 2, .log = theirs.c_str()}});
    c.sleep(2500);
    c.elect(1);
    REQUIRE(c[2].log == c[1].log);
    c.run(500);
    REQUIRE(c[2].commit() == 42);

    Cluster d({{.id = 2, .log = theirs.c_str()}});
    d[2].receive(1, AppendEntries{.term = 4, .prev = {41, 3}, .log = "4b"});
    auto m = d.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.rejected == 41);
    REQUIRE(m->append_entries_result.last_log_index == 41); /* its term 2 is at most 3 */
    d[2].receive(1, AppendEntries{.term = 4, .prev = {30, 1}, .log = "3"});
    m = d.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.rejected == 30);
    REQUIRE(m->append_entries_result.last_log_index == 1); /* past all of term 2 */
    d[2].receive(1, AppendEntries{.term = 4, .prev = {99, 4}});
    m = d.take(2, 1, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.rejected == 99);
    REQUIRE(m->append_entries_result.last_log_index == 41); /* the log is shorter */
}

TEST_CASE("AppendEntries is answered when its entries are stored, without entries at once") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1 1"});
    REQUIRE(c.count(1, 2) == 0);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.rejected == 0);
    REQUIRE(m->append_entries_result.last_log_index == 1); /* min(stored, matched) */
    c[1].store();
    m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.last_log_index == 3);
    REQUIRE(c.count(1, 2) == 0);
    /* Entries that it has already do not count as new. */
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1 1"});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    REQUIRE(c.take(1, 2)->append_entries_result.last_log_index == 3);
}

TEST_CASE("A follower acknowledges no more than this term's leader has matched") {
    /* Entries 3 and 4 were left by the leader of term 1; that of term 2 has only entry 2
     * in common and does not know yet what else. */
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .commit = 4});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.last_log_index == 2);
    REQUIRE(c[1].commit() == 2); /* its commit index obeys the same bound */
}

TEST_CASE("A heartbeat with an old previous index does not lower the commit index") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, AppendEntries{.term = 2, .prev = {4, 1}, .commit = 4});
    REQUIRE(c[1].commit() == 4);
    for (raft_index commit : {0, 2, 3, 9}) {
        c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .commit = commit});
        REQUIRE(c[1].commit() == 4);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_COMMIT_INDEX));
    }
    /* The same for a new leader, which has matched less in its own term. */
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .commit = 2});
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].terms() == "1 1 1 1");
}

TEST_CASE("Conflicting entries are replaced, matching ones are kept") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 2 2"}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 3, .prev = {2, 1}, .log = "2"});
    REQUIRE(c[1].terms() == "1 1 2 2"); /* entry 3 matches: what follows is kept */
    c[1].receive(2, AppendEntries{.term = 3, .prev = {2, 1}, .log = "2 3"});
    REQUIRE(c[1].terms() == "1 1 2 3");
    REQUIRE(c[1].update.entries.index == 4);
    REQUIRE(c[1].update.entries.n == 1);
    REQUIRE(c[1].stored() == 3);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {2, 1}, .log = "3"});
    REQUIRE(c[1].terms() == "1 1 3");
}

TEST_CASE("Reordered and repeated AppendEntries lose nothing") {
    Cluster c("1 2 3", 1);
    c.deliver();
    c.hold(2, 1);
    for (int i = 0; i < 3; ++i) {
        c[1].submit();
    }
    std::vector<Message> sent{c.take(1, 2), c.take(1, 2), c.take(1, 2)};
    for (int i : {2, 0, 0, 2, 1, 0, 2}) {
        c.hand(sent[static_cast<size_t>(i)]);
    }
    REQUIRE(c[2].log == c[1].log);
    c.release();
    c.deliver();
    REQUIRE(c[1].match(2) == 5);
    REQUIRE(c[1].commit() == 5);
}

TEST_CASE("Late results never move match or next back") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].submit(5); /* last is 7 */
    c[1].receive(2, AppendResult{.term = 2, .last = 7});
    REQUIRE(c[1].match(2) == 7);
    const raft_index next = c[1].progress(2).next;
    for (raft_index last = 0; last < 7; ++last) {
        c[1].receive(2, AppendResult{.term = 2, .last = last});
        REQUIRE(c[1].match(2) == 7);
        REQUIRE(c[1].progress(2).next == next);
    }
    for (raft_index rejected = 1; rejected <= 7; ++rejected) {
        c[1].receive(2, AppendResult{.term = 2, .rejected = rejected, .last = rejected - 1});
        REQUIRE(c[1].match(2) == 7);
        REQUIRE(c[1].progress(2).next >= 8);
    }
    /* Results of an earlier term are ignored. */
    c[1].receive(3, AppendResult{.term = 1, .last = 7});
    REQUIRE(c[1].match(3) == 0);
}

TEST_CASE("An AppendEntries of an old term is rejected with the current term") {
    Cluster c({{.id = 1, .term = 5, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 4, .prev = {1, 1}, .log = "4", .commit = 2});
    REQUIRE(c[1].last() == 1);
    REQUIRE(c[1].leader() == 0);
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.term == 5);
    REQUIRE(m->append_entries_result.rejected != 0);
}

TEST_CASE("A new leader replaces the log of an old leader that committed nothing of its term") {
    Cluster c("1 2 3", 1);
    c.isolate(1);
    raft_index lost = c[1].submit(3);
    const raft_term old_term = c[1].term();
    c.sleep(2500);
    c.elect(2);
    c[2].submit(1);
    c.deliver();
    c.heal();
    c[1].slow = true;
    c.run(1500);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].log == c[2].log);
    /* The fate of the caller's entries: replaced by an update at their index or before. */
    REQUIRE(raft_term_of(c[1].handle(), lost) != old_term);
}

TEST_CASE("A previous entry of another term is rejected on the fast path, too") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 2"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 2}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 2}});
    c.drop();
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "1"});
    REQUIRE(c[1].terms() == "1 1 2");
    REQUIRE(c.result(1, 2).rejected == 3);
}
