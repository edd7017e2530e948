/* SPDX-License-Identifier: MIT */
/* Promises that no chapter of their own tells of. Each was broken on purpose once, by a
 * mutant, and nothing else noticed. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace story;

namespace {

Draw leader(const char *log = "1[1 2 3]")
{
    return {.id = 1, .log = log};
}

}  // namespace

TEST_CASE("Time that runs backwards stands still")
{
    Cluster c({leader()});
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

TEST_CASE("A granted vote postpones the own campaign by an election timeout at least")
{
    Cluster c({leader()});
    c.now = c[1].deadline() - 1;
    c[1].receive(2, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 2);
    REQUIRE(c[1].deadline() >= c.now + 1000);
}

TEST_CASE("A rejection that comes twice, or answers an older probe, moves nothing")
{
    Cluster c({leader("1[1 2 3] 1 1 1 1 1 1 1 1")});
    c.win(1, {2, 3});
    REQUIRE(c[1].progress(2).next == 10);
    c[1].receive(2, AppendResult{.term = 2, .rejected = 9, .last = 5});
    REQUIRE(c[1].progress(2).next == 6);
    REQUIRE(c.count(1, 2) == 1);
    c.drop();
    for (raft_index older : {9, 8, 7}) {
        c[1].receive(2, AppendResult{.term = 2, .rejected = older, .last = 2});
        REQUIRE(c[1].progress(2).next == 6);
        REQUIRE(c.count(1, 2) == 0);
    }
    c[1].receive(2, AppendResult{.term = 2, .rejected = 5, .last = 2});
    REQUIRE(c[1].progress(2).next == 3);
    REQUIRE(c.count(1, 2) == 1);
}

TEST_CASE("A refused vote does not postpone the own campaign")
{
    Cluster c({leader("1[1 2 3] 1")});
    const raft_time deadline = c[1].deadline();
    c.now = deadline - 1;
    c[1].receive(2, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 0);
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].deadline() == deadline);
}

TEST_CASE("A vote is free in the very moment in which the election timeout is over")
{
    Cluster c({leader()});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}});
    c.sleep(1000);
    c[1].receive(3, RequestVote{.term = 2, .last = {1, 1}});
    REQUIRE(c[1].vote() == 3);
}

TEST_CASE("An unmarked answer to a pre-vote is no vote in the term that it asked for")
{
    Cluster c({leader("1[1 2 3 4 5]")});
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

TEST_CASE("A transfer's target campaigns only when all is durable that the leader names")
{
    Cluster c({leader()});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1"});
    c[1].receive(2, TimeoutNow{.term = 1, .last = {2, 1}});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    c[1].store();
    c[1].receive(2, TimeoutNow{.term = 1, .last = {2, 1}});
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("All changes of the membership that are truncated are rolled back")
{
    Cluster c({leader("1[1 2 3] 2[1 2 3 4s] 2[1 2 3 4s 5s] 2")});
    REQUIRE(c[1].conf() == "1 2 3 4s 5s");
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2 3");
    REQUIRE(c[1].terms() == "1 3");
}

TEST_CASE("A leader that goes tells the others first that its removal is committed")
{
    Cluster c(Cluster::fresh("1 2 3"));
    c.elect(1);
    c[1].reconfigure("2 3");
    const raft_index removal = c[1].last();
    c.deliver();
    REQUIRE_FALSE(c[1].leads());
    REQUIRE(c[2].commit() == removal);
    REQUIRE(c[3].commit() == removal);
}

TEST_CASE("A joint configuration is left when it is committed, not when something before it is")
{
    Cluster c({leader("1[1 2 3 4s 5s]")});
    c.win(1, {2, 3});
    for (raft_id id : {2, 3, 4, 5}) {
        c[1].receive(id, AppendResult{.term = 2, .last = 2});
    }
    c[1].submit();
    c[1].reconfigure("1 4 5");
    REQUIRE(c[1].last() == 4);
    for (raft_id id : {2, 4}) {
        c[1].receive(id, AppendResult{.term = 2, .last = 3});
    }
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[1].last() == 4);
    REQUIRE(c[1].conf() == "1 2o 3o 4i 5i");
    for (raft_id id : {2, 4}) {
        c[1].receive(id, AppendResult{.term = 2, .last = 4});
    }
    REQUIRE(c[1].commit() == 4);
    REQUIRE(c[1].conf() == "1 4 5");
}

TEST_CASE("A write that a snapshot replaced acknowledges nothing of what follows it")
{
    const std::string whole = snapshot_contents({4, 1});
    Cluster c({leader()});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1"});
    const unsigned long long old = c[1].update.entries.write;
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {4, 1}, .conf = "1 2 3", .data = whole});
    c[1].store_chunk();
    REQUIRE(c[1].stored() == 4);
    c[1].receive(2, AppendEntries{.term = 1, .prev = {4, 1}, .log = "1"});
    REQUIRE(c[1].last() == 5);
    c[1].ignores(event::stored(5, old));
    REQUIRE(c[1].stored() == 4);
}

TEST_CASE("A follower that lost its part of a snapshot is sent it from the start")
{
    Cluster c({{.id = 1, .term = 2, .log = "", .snapshot = {8, 2}, .conf = "1 2 3"}});
    c.chunk_size = 10;
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 8, .last = 1});
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 10});
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 20});
    c.drop();
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 0});
    REQUIRE(c.take(1, 2, RAFT_INSTALL_SNAPSHOT)->m.install_snapshot.offset == 0);
}

TEST_CASE("A chunk that comes again while it is being written is not written again")
{
    const std::string whole = snapshot_contents({4, 1});
    const InstallSnapshot first{.term = 1, .last = {4, 1}, .conf = "1 2 3",
                                .data = whole.substr(0, 5), .done = false};
    Cluster c({leader()});
    c[1].slow = true;
    c[1].receive(2, first);
    REQUIRE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    c[1].receive(2, first);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
}

TEST_CASE("A snapshot of what the log has already is not installed")
{
    Cluster c({leader("1[1 2 3] 1 1 1")});
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {3, 1}, .conf = "1 2 3",
                                    .data = snapshot_contents({3, 1})});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c[1].last() == 4);
    REQUIRE(c.take(1, 2)->m.append_entries_result.last_log_index == 3);
}

TEST_CASE("A snapshot replaces a log that has another entry where it ends, and its changes")
{
    Cluster c({leader("1[1 2 3] 2 2[1 2 3 4s] 2")});
    REQUIRE(c[1].conf() == "1 2 3 4s");
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {3, 3}, .conf = "1 2 3",
                                    .data = snapshot_contents({3, 3})});
    REQUIRE(c[1].terms() == "");
    REQUIRE(c[1].last() == 3);
    REQUIRE(raft_term_of(&c[1].raft, 3) == 3);
    REQUIRE(c[1].conf() == "1 2 3");
}

TEST_CASE("What is older than the own snapshot is neither installed nor refused")
{
    Cluster c({{.id = 1, .term = 2, .log = "2", .start = 9, .snapshot = {8, 2}, .conf = "1 2 3"}});
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {4, 1}, .conf = "1 2 3",
                                    .data = snapshot_contents({4, 1})});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(raft_snapshot_index(&c[1].raft) == 8);
    c.drop();
    c[1].receive(2, AppendEntries{.term = 2, .prev = {5, 1}, .log = "2 2 2 2"});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->m.append_entries_result.rejected == 0);
    REQUIRE(m->m.append_entries_result.last_log_index == 9);
}
