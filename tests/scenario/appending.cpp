/* SPDX-License-Identifier: MIT */
/* The follower's side of replication where it is least ordinary (§3.5, §4.1, §5.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

Draw follower(const char *log = "1[1 2 3] 1 1") { return {.id = 1, .term = 3, .log = log}; }

} // namespace

TEST_CASE("What begins a log is a configuration with a term (§4.4)") {
    Cluster c({Draw{.id = 1}});
    c[1].refuses(RAFT_MALFORMED, 2, AppendEntries{.term = 1, .log = "1"});
    auto termless = draft(2, 1, AppendEntries{.term = 1, .log = "1[1 2]"});
    termless.entries[0].term = 0;
    c[1].refuses(RAFT_MALFORMED, event::receive(termless));
    c[1].receive(2, AppendEntries{.term = 1, .log = "1[1 2]"});
    REQUIRE(c[1].conf() == "1 2");
}

TEST_CASE("Entries that a snapshot covers are taken as agreeing (§5.1)") {
    Cluster c({Draw{.id = 1,
                    .term = 3,
                    .log = "2 2",
                    .start = 6,
                    .snapshot = {5, 2},
                    .conf = "1 2 3",
                    .conf_index = 1}});
    /* Entries 3 to 5 are unknown here, but committed. */
    c[1].receive(2, AppendEntries{.term = 3, .prev = {2, 1}, .log = "1 2 2 2 2 3"});
    REQUIRE(c[1].terms() == "2 2 3");
    REQUIRE(c[1].last() == 8);
    REQUIRE(c.result(1, 2).last_log_index == 8);
}

TEST_CASE("A founding entry that was never committed is replaced by another leader's (§4.1)") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 1, .log = "1[1 2]"});
    REQUIRE(c[1].conf() == "1 2");
    c[1].receive(3, AppendEntries{.term = 2, .log = "2[1 3]"});
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
    REQUIRE(c[1].conf() == "1 3");
    REQUIRE(c[1].terms() == "2");
    c[1].store_all();
    REQUIRE(c[1].stored() == 1);
}

TEST_CASE("The configuration flag compares what changed in place of what (§4.1)") {
    const char *before = "2[1 2 3 4]";
    const char *after = "3[1 2 3 4]";
    bool changed = true;
    SECTION("the same again") { changed = false; }
    SECTION("one server fewer") { after = "3[1 2 3]"; }
    SECTION("another server") { after = "3[1 2 3 5]"; }
    SECTION("another role") { after = "3[1 2 3 4s]"; }
    const std::string log = std::string("1[1 2 3] ") + before;
    Cluster c({Draw{.id = 1, .term = 3, .log = log.c_str()}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = after});
    REQUIRE(c[1].terms() == "1 3");
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION) == changed);
}

TEST_CASE("Another address at the same index is another configuration") {
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2 3] 2[1 2 3 4]"}});
    auto moved = draft(2, 1, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3[1 2 3 4]"});
    Configuration members("1 2 3 4");
    members.members[3].address = intern("elsewhere");
    moved.entries[0].set_bytes(encode(members));
    c[1].step(event::receive(moved));
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
}

TEST_CASE("A refusal at index 0 acknowledges nothing (§3.5)") {
    Cluster c({follower()});
    c[1].receive(2, AppendEntries{.term = 2, .log = "1[1 2 3]"}); /* of an earlier term */
    auto r = c.result(1, 2);
    REQUIRE(r.term == 3);
    REQUIRE(r.rejected == 0);
    REQUIRE(r.last_log_index == 0);
}

TEST_CASE("Between two chunks a heartbeat is answered, matching entries end the installation") {
    Cluster c({follower()});
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .bytes = 4});
    REQUIRE(c.result(1, 2).snapshot_offset == 4);
    SECTION("a heartbeat does not") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}});
        auto r = c.result(1, 2);
        REQUIRE(r.snapshot_index == 8);
        REQUIRE(r.snapshot_offset == 4);
    }
    SECTION("entries that do not match are refused") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {7, 2}, .log = "2"});
        auto r = c.result(1, 2);
        REQUIRE(r.rejected == 7);
        REQUIRE(r.snapshot_index == 8);
    }
    SECTION("entries that match are taken: the leader has given the installation up") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "2 3"});
        REQUIRE(c[1].last() == 5);
        auto r = c.result(1, 2);
        REQUIRE(r.last_log_index == 5);
        REQUIRE(r.snapshot_index == 0);
        /* What comes late of the snapshot begins it anew. */
        c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .offset = 4});
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        REQUIRE(c.result(1, 2).snapshot_offset == 0);
    }
    SECTION("entries that are known already also show it") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "1 1"});
        auto r = c.result(1, 2);
        REQUIRE(r.last_log_index == 3);
        REQUIRE(r.snapshot_index == 0);
    }
}

TEST_CASE("While a chunk is being written entries are refused, from the very first too (§5.1)") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}});
    REQUIRE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    c[1].receive(2, AppendEntries{.term = 3, .log = "1[1 2 3]"});
    REQUIRE(c[1].last() == 0);
    auto r = c.result(1, 2);
    REQUIRE(r.rejected == 0);
    REQUIRE(r.last_log_index == 0);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    c[1].refuses(RAFT_CANTBOOTSTRAP, event::bootstrap("1"));
    c[1].store();
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("What is stored beyond what this term's leader matched is not acknowledged (§3.5)") {
    Cluster c({follower("1[1 2 3]")});
    c[1].slow = true;
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3 3"});
    c[1].receive(3, AppendEntries{.term = 4, .prev = {1, 1}});
    REQUIRE(c.result(1, 3).last_log_index == 1);
    c[1].store_all();
    REQUIRE(c[1].stored() == 3);
    REQUIRE(c.count(1, 3) == 0); /* the new leader has matched entry 1 only */
    REQUIRE(c.count(1, 2) == 0);
    c[1].receive(3, AppendEntries{.term = 4, .prev = {3, 3}});
    REQUIRE(c.result(1, 3).last_log_index == 3);
}

TEST_CASE("A founder in the middle of an installation does not elect itself (§4.4)") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].bootstrap("1");
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {8, 1}, .conf = "1 2"});
    REQUIRE(c[1].leader() == 2);
    SECTION("nor beside a leader") {
        c[1].store();
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
    }
    SECTION("nor after its leader is forgotten") {
        c.sleep(5000); /* or it would not listen to a candidate */
        c[1].receive(3, RequestVote{.term = 5, .last = {9, 4}});
        REQUIRE(c[1].leader() == 0);
        c[1].store();
        REQUIRE(c[1].stored() == 1);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        c.drop();
        c[1].store(); /* there is nobody to tell */
        REQUIRE(c[1].commit() == 8);
        REQUIRE(c.count(1, 2) == 0);
        REQUIRE(c.count(1, 3) == 0);
    }
}

TEST_CASE("A server that has not said that it takes chunks says nothing of offsets") {
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2 3] 1 1", .features = 0}});
    c[1].receive(
        2, InstallSnapshot{.term = 3, .last = {8, 2}, .offset = 4, .data = "late", .done = false});
    auto r = c.result(1, 2);
    REQUIRE(r.version == 2);
    REQUIRE(r.rejected == 0);
    REQUIRE(r.last_log_index == 0);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
}

TEST_CASE("Entries that are announced and not there are refused, by a settled follower, too") {
    Cluster c({follower()});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "3 3"});
    c[1].refuses(
        RAFT_MALFORMED,
        event::falsified(
            event::receive(draft(2, 1, AppendEntries{.term = 3, .prev = {5, 3}, .log = "3"})),
            [](raft_event &e) { e.receive.message->append_entries.entries = nullptr; }));
    c[1].receive(2, AppendEntries{.term = 3, .prev = {5, 3}, .log = "3"});
    REQUIRE(c[1].last() == 6);
}

TEST_CASE("The last chunk of a snapshot may be empty (§5.1)") {
    Cluster c({follower()});
    const InstallSnapshot end{.term = 3,
                              .last = {8, 2},
                              .offset = snapshot_contents({8, 2}).size(),
                              .data = "",
                              .done = true};
    InstallSnapshot nothing = end;
    nothing.done = false;
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .done = false});
    c.drop();
    c[1].refuses(RAFT_MALFORMED, 2, nothing); /* but no other */
    c[1].receive(2, end);
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("Snapshots are told apart by index, term and leader (§5.1)") {
    Cluster c({follower()});
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .bytes = 4});
    REQUIRE(c.result(1, 2).snapshot_offset == 4);
    raft_id from = 2;
    InstallSnapshot next{.term = 3, .last = {8, 2}, .offset = 4};
    SECTION("another index") { next.last = {9, 2}; }
    SECTION("another term") { next.last = {8, 3}; }
    SECTION("another leader") {
        next.term = 4;
        from = 3;
    }
    c[1].receive(from, next);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    auto r = c.result(1, from);
    REQUIRE(r.snapshot_index == next.last.index);
    REQUIRE(r.snapshot_offset == 0); /* it is to begin */
}

TEST_CASE("A snapshot that another one replaced while it was written is dropped then (§5.1)") {
    Cluster c({follower()});
    c[1].slow = true;
    const InstallSnapshot first{.term = 3, .last = {8, 2}, .data = "abcd", .done = false};
    const InstallSnapshot second{.term = 3, .last = {9, 2}, .data = "efgh", .done = false};
    c[1].receive(2, first);
    c[1].receive(2, second);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT)); /* one at a time */
    SECTION("the first one coming again does not change that") {
        c[1].receive(2, first);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        c[1].store();
        REQUIRE(c.result(1, 2).snapshot_offset == 0);
    }
    SECTION("the second is asked for") {
        c[1].store();
        auto r = c.result(1, 2);
        REQUIRE(r.snapshot_index == 9);
        REQUIRE(r.snapshot_offset == 0);
    }
    SECTION("nobody is asked when the leader is gone by then") {
        c.sleep(5000);
        c[1].receive(3, RequestVote{.term = 5, .last = {9, 4}});
        c.drop();
        c[1].store();
        REQUIRE(c.count(1, 2) == 0);
        REQUIRE(c.count(1, 3) == 0);
    }
}

TEST_CASE("A snapshot of what the log has confirms the log, beside one that is being written") {
    Cluster c({follower()});
    const InstallSnapshot old{.term = 3, .last = {3, 1}};
    SECTION("alone") { c[1].receive(2, old); }
    SECTION("while another is written") {
        c[1].slow = true;
        c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}});
        c[1].receive(2, old);
        REQUIRE(c.result(1, 2).last_log_index == 3);
        c[1].store();
        REQUIRE(c[1].commit() == 8);
        return;
    }
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c.result(1, 2).last_log_index == 3);
    REQUIRE(c[1].commit() == 1); /* a leader's commit index tells that, not its snapshot */
}

TEST_CASE("A snapshot from before what was compacted here is no contradiction (§5.1)") {
    Cluster c({Draw{.id = 1, .term = 3, .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"}});
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {2, 1}});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c.result(1, 2).last_log_index == 2);
}
