/* SPDX-License-Identifier: MIT */
/* Taking snapshots and compacting the log (§5.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {
std::string conf_at(Server &s, raft_index index, raft_index *since) {
    raft_configuration conf{};
    REQUIRE(raft_configuration_at(s.handle(), index, &conf, since) == 0);
    return Configuration(conf).str();
}
} // namespace

TEST_CASE("A snapshot removes the entries before it, except trailing ones") {
    Cluster c({{.id = 1, .log = "1[1] 1 1 1 1 1"}});
    const raft_index last = c[1].last(); /* 7, with its barrier */
    REQUIRE(c[1].commit() == last);
    c[1].take_snapshot(5, 2);
    REQUIRE(c[1].flags() == 0u);
    REQUIRE(raft_snapshot_index(c[1].handle()) == 5);
    REQUIRE(raft_first_index(c[1].handle()) == 4); /* 4 and 5 are kept */
    REQUIRE(raft_term_of(c[1].handle(), 2) == 0);
    REQUIRE(raft_term_of(c[1].handle(), 5) == 1);
    REQUIRE(c[1].last() == last);
    c[1].take_snapshot(7, 0);
    REQUIRE(raft_first_index(c[1].handle()) == 8);
    REQUIRE(c[1].log.empty());
    REQUIRE(raft_term_of(c[1].handle(), 7) == 2);
    REQUIRE(raft_term_of(c[1].handle(), 6) == 0);
    REQUIRE(c[1].submit() == 8);
    REQUIRE(c[1].commit() == 8);
    c[1].take_snapshot(8, 100); /* more than the log has: everything is kept */
    REQUIRE(raft_first_index(c[1].handle()) == 8);
}

TEST_CASE("RAFT_SNAPSHOT does not read the term and configuration of the metadata") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1[1 2 3 4s] 1"}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {4, 1}, .commit = 4});
    auto e = event::snapshot(3, 9);
    e.e.snapshot.metadata.term = 99;
    e.e.snapshot.metadata.configuration_index = 77;
    raft_server nonsense{0, nullptr, 42};
    e.e.snapshot.metadata.configuration = {&nonsense, 1};
    c[1].step(e);
    REQUIRE(raft_term_of(c[1].handle(), 3) == 1);
    raft_index since = 0;
    REQUIRE(conf_at(c[1], 3, &since) == "1 2 3 4s");
    REQUIRE(since == 3);
}

TEST_CASE("The configuration in force is known at every index back to the last snapshot") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1[1 2 3 4s] 1 1[1 2 3 4] 1"}});
    const char *expected[] = {"1 2 3", "1 2 3", "1 2 3 4s", "1 2 3 4s", "1 2 3 4", "1 2 3 4"};
    const raft_index since_expected[] = {1, 1, 3, 3, 5, 5};
    c[1].receive(2, AppendEntries{.term = 1, .prev = {6, 1}, .commit = 6});
    for (raft_index snapshot : {0, 2, 4, 5}) {
        if (snapshot > 0) {
            c[1].take_snapshot(snapshot);
        }
        for (raft_index i = 0; i <= 8; ++i) {
            raft_configuration conf{};
            raft_index since = 0;
            int rv = raft_configuration_at(c[1].handle(), i, &conf, &since);
            INFO("index " << i << " with a snapshot at " << snapshot);
            if (i < snapshot || i > 6 || i == 0) {
                REQUIRE(rv == RAFT_NOTFOUND);
            } else {
                REQUIRE(rv == 0);
                REQUIRE(Configuration(conf).str() == expected[i - 1]);
                REQUIRE(since == since_expected[i - 1]);
            }
        }
    }
}

TEST_CASE("A follower gets the snapshot only if the trailing entries are not enough") {
    Cluster c("1 2 3", 1);
    c.isolate(3);
    c[1].submit(8); /* 3..10 */
    c.run(300);
    REQUIRE(c[1].commit() == 10);
    SECTION("snapshot") {
        c[1].take_snapshot(10, 2);
        c.heal();
        c.run(2000);
        REQUIRE(raft_snapshot_index(c[3].handle()) == 10);
        REQUIRE(c[3].snapshot->data == c[1].snapshot->data);
    }
    SECTION("entries") {
        c[1].take_snapshot(10, 20);
        c.heal();
        c.run(2000);
        REQUIRE(raft_snapshot_index(c[3].handle()) == 0);
        REQUIRE(c[3].terms() == c[1].terms());
    }
    REQUIRE(c[3].commit() == 10);
    c[1].submit();
    c.run(300);
    REQUIRE(c[3].commit() == 11);
    REQUIRE(c[1].match(3) == 11);
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PIPELINE);
}

TEST_CASE("A snapshot on a follower does not interrupt replication") {
    Cluster c("1 2 3", 1);
    c[1].submit(5);
    c.run(300);
    c[2].take_snapshot(5);
    c[3].take_snapshot(7);
    c[1].submit(3);
    c.run(300);
    REQUIRE(c[2].commit() == 10);
    REQUIRE(c[3].commit() == 10);
    /* The server with the snapshot can lead; its log begins after it. */
    c.isolate(1);
    c.sleep(3000);
    c.elect(3);
    c[3].submit();
    c.run(500);
    REQUIRE(c[2].commit() == c[3].last());
}

TEST_CASE("A leader that lacks the previous entry sends its snapshot") {
    /* Everything up to 5 is in the snapshot; the follower ends at 3. */
    Cluster c(
        {{.id = 1, .term = 2, .log = "2 2", .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 7, .last = 3});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    auto m = c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    REQUIRE(m->install_snapshot.last_index == 5);
    REQUIRE(m->install_snapshot.last_term == 2);
    REQUIRE(m->install_snapshot.conf_index == 1);
    REQUIRE(m.conf.str() == "1 2 3");
    REQUIRE(m.data == snapshot_contents({5, 2}));
    /* While it is under way no entries are sent. */
    c[1].submit(3);
    REQUIRE(c.count(1, 2) == 0);
    c[1].receive(2, AppendResult{.term = 3, .last = 5});
    REQUIRE(c[1].progress(2).match == 5);
    REQUIRE(c[1].progress(2).mode != RAFT_PROGRESS_SNAPSHOT);
    REQUIRE(c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.prev_log_index == 5);
}

TEST_CASE("A follower whose log ends at the snapshot gets entries") {
    Cluster c(
        {{.id = 1, .term = 2, .log = "2 2", .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 7, .last = 5});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(m->append_entries.prev_log_index == 5);
    REQUIRE(m->append_entries.prev_log_term == 2);
}

TEST_CASE("A result that names an older snapshot does not restart the transfer (§5.1)") {
    Cluster c({{.id = 1, .term = 1, .log = "1", .start = 6, .snapshot = {5, 1}, .conf = "1 2 3"}});
    c.chunk_size = 4;
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .rejected = 6, .last = 0});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c[1].receive(2, AppendResult{.term = 2, .rejected = 5, .snapshot = 5, .offset = 8});
    c.drop();
    const AppendResult late{.term = 2, .rejected = 5, .snapshot = 3, .offset = 2};
    c.sleep(29999);
    c[1].receive(2, late);
    REQUIRE(c.count(1, 2) == 0); /* the chunk at 8 is on its way */
    c.sleep(1);
    SECTION("an older one") {
        c[1].receive(2, late);
        REQUIRE(c.take(1, 2, RAFT_INSTALL_SNAPSHOT)->install_snapshot.offset == 8);
    }
    SECTION("none: the follower has lost it") {
        c[1].receive(2, AppendResult{.term = 2, .rejected = 5});
        REQUIRE(c.take(1, 2, RAFT_INSTALL_SNAPSHOT)->install_snapshot.offset == 0);
    }
    REQUIRE(c.count(1, 2) == 0);
}
