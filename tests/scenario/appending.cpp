/* SPDX-License-Identifier: MIT */
/* Special cases of the follower's side of replication (§3.5, §4.1, §5.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

Draw follower(const char *log = "1[1 2 3] 1 1") { return {.id = 1, .term = 3, .log = log}; }

} // namespace

TEST_CASE("The first entry of a log must be a configuration with a term (§4.4)") {
    Cluster c({Draw{.id = 1}});
    c[1].refuses(RAFT_MALFORMED, 2, AppendEntries{.term = 1, .log = "1"});
    auto termless = draft(2, 1, AppendEntries{.term = 1, .log = "1[1 2]"});
    termless.entries[0].term = 0;
    c[1].refuses(RAFT_MALFORMED, event::receive(termless));
    c[1].receive(2, AppendEntries{.term = 1, .log = "1[1 2]"});
    REQUIRE(c[1].conf() == "1 2");
}

TEST_CASE("Entries that a snapshot covers count as matching (§5.1)") {
    Cluster c({Draw{.id = 1,
                    .term = 3,
                    .log = "2 2",
                    .start = 6,
                    .snapshot = {5, 2},
                    .conf = "1 2 3",
                    .conf_index = 1}});
    /* Entries 3 to 5 are compacted here, and committed. */
    c[1].receive(2, AppendEntries{.term = 3, .prev = {2, 1}, .log = "1 2 2 2 2 3"});
    REQUIRE(c[1].terms() == "2 2 3");
    REQUIRE(c[1].last() == 8);
    REQUIRE(c.result(1, 2).last_log_index == 8);
}

TEST_CASE("An uncommitted bootstrap entry is replaced by another leader's (§4.1)") {
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

TEST_CASE("The CONFIGURATION flag compares a replaced configuration with the new one (§4.1)") {
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

TEST_CASE("Between two chunks a heartbeat is answered, and matching entries end the installation") {
    Cluster c({follower()});
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .bytes = 4});
    REQUIRE(c.result(1, 2).snapshot_offset == 4);
    SECTION("a heartbeat does not end it") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}});
        auto r = c.result(1, 2);
        REQUIRE(r.rejected == 0);
        REQUIRE(r.snapshot_index == 8);
        REQUIRE(r.snapshot_offset == 4);
    }
    SECTION("entries that do not match are refused") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {7, 2}, .log = "2"});
        auto r = c.result(1, 2);
        REQUIRE(r.rejected == 7);
        REQUIRE(r.snapshot_index == 8);
    }
    SECTION("matching entries are appended: the leader has stopped the installation") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "2 3"});
        REQUIRE(c[1].last() == 5);
        auto r = c.result(1, 2);
        REQUIRE(r.last_log_index == 5);
        REQUIRE(r.snapshot_index == 0);
        /* A late chunk does not resume it. */
        c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .offset = 4});
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        REQUIRE(c.result(1, 2).snapshot_offset == 0);
    }
    SECTION("entries that the log has already do not end it: the message may be old") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "1 1"});
        auto r = c.result(1, 2);
        REQUIRE(r.last_log_index == 3);
        REQUIRE(r.snapshot_index == 8);
    }
    SECTION("nor do entries of a round that began before the chunk came") {
        c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .round = 7});
        c.drop();
        c[1].receive(2, InstallSnapshot{.term = 3, .last = {8, 2}, .offset = 4, .bytes = 4});
        c.drop();
        c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "2 3", .round = 7});
        REQUIRE(c[1].last() == 3);
        REQUIRE(c.result(1, 2).snapshot_offset == 8);
        c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "2 3", .round = 8});
        REQUIRE(c[1].last() == 5);
    }
}

TEST_CASE(
    "While a chunk is being written, entries are rejected, even at the start of the log (§5.1)") {
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

TEST_CASE("Stored entries beyond what this term's leader matched are not acknowledged (§3.5)") {
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

TEST_CASE("A bootstrapped sole voter does not elect itself while it installs a snapshot (§4.4)") {
    Cluster c({Draw{.id = 1}});
    c[1].slow = true;
    c[1].bootstrap("1");
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {8, 1}, .conf = "1 2"});
    REQUIRE(c[1].leader() == 2);
    SECTION("while it knows a leader") {
        c[1].store();
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
    }
    SECTION("after it has forgotten the leader") {
        c.sleep(5000); /* else it would ignore a candidate */
        c[1].receive(3, RequestVote{.term = 5, .last = {9, 4}});
        REQUIRE(c[1].leader() == 0);
        c[1].store();
        REQUIRE(c[1].stored() == 1);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        c.drop();
        c[1].store(); /* it knows no leader to answer */
        REQUIRE(c[1].commit() == 8);
        REQUIRE(c.count(1, 2) == 0);
        REQUIRE(c.count(1, 3) == 0);
    }
}

TEST_CASE("A server without the chunk feature reports no offsets") {
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2 3] 1 1", .features = 0}});
    c[1].receive(
        2, InstallSnapshot{.term = 3, .last = {8, 2}, .offset = 4, .data = "late", .done = false});
    auto r = c.result(1, 2);
    REQUIRE(r.version == 2);
    REQUIRE(r.rejected == 0);
    REQUIRE(r.last_log_index == 0);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
}

TEST_CASE("A message with a null entries array is refused, on the fast path, too") {
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
    c[1].refuses(RAFT_MALFORMED, 2, nothing); /* only the last one */
    c[1].receive(2, end);
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("Snapshots differ by index, term and leader (§5.1)") {
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
    REQUIRE(r.snapshot_offset == 0); /* from the beginning */
}

TEST_CASE("A snapshot is dropped if another one replaces it while its chunk is written (§5.1)") {
    Cluster c({follower()});
    c[1].slow = true;
    const InstallSnapshot first{.term = 3, .last = {8, 2}, .data = "abcd", .done = false};
    const InstallSnapshot second{.term = 3, .last = {9, 2}, .data = "efgh", .done = false};
    c[1].receive(2, first);
    c[1].receive(2, second);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT)); /* one at a time */
    SECTION("the first one arrives again") {
        c[1].receive(2, first);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        c[1].store();
        REQUIRE(c.result(1, 2).snapshot_offset == 0);
    }
    SECTION("the second one is requested") {
        c[1].store();
        auto r = c.result(1, 2);
        REQUIRE(r.snapshot_index == 9);
        REQUIRE(r.snapshot_offset == 0);
    }
    SECTION("nothing is requested if the leader is unknown by then") {
        c.sleep(5000);
        c[1].receive(3, RequestVote{.term = 5, .last = {9, 4}});
        c.drop();
        c[1].store();
        REQUIRE(c.count(1, 2) == 0);
        REQUIRE(c.count(1, 3) == 0);
    }
}

TEST_CASE("A snapshot of entries in the log is acknowledged, even while another one is written") {
    Cluster c({follower()});
    const InstallSnapshot old{.term = 3, .last = {3, 1}};
    SECTION("no log") { c[1].receive(2, old); }
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
    REQUIRE(c[1].terms() == "1 1 1");
    REQUIRE(c.result(1, 2).last_log_index == 3);
    REQUIRE(c[1].commit() == 1); /* only leader_commit raises it */
}

TEST_CASE("A snapshot older than the receiver's own is acknowledged (§5.1)") {
    Cluster c({Draw{.id = 1, .term = 3, .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"}});
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {2, 1}});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c.result(1, 2).last_log_index == 2);
}

TEST_CASE("A heartbeat before the first entry is acknowledged") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {0, 0}});
    REQUIRE(c.result(1, 2).rejected == 0);
}

TEST_CASE("An acknowledged write beyond the log of a leader changes nothing") {
    Cluster c(Cluster::fresh("1 2 3"));
    c.elect(1);
    c.run(2000);
    const raft_index stored = c[1].stored();
    c[1].step(event::persisted(c[1].last() + 1));
    REQUIRE(c[1].stored() == stored);
}
