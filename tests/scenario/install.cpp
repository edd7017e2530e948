/* SPDX-License-Identifier: MIT */
/* Installing a snapshot, in one or several chunks (§5.1, figure 5.3). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

const std::string whole = snapshot_contents({8, 2});

/* What server 2, leader of term 3, sends. */
InstallSnapshot part(size_t offset, size_t n, raft_term term = 3) {
    return {.term = term,
            .last = {8, 2},
            .conf = "1 2 3 4s",
            .conf_index = 6,
            .offset = offset,
            .bytes = n};
}

/* Server 1 has a short old log. */
Draw behind() { return {.id = 1, .term = 3, .log = "1[1 2 3] 1 1"}; }

} // namespace

TEST_CASE("A snapshot replaces the log when it is durable") {
    Cluster c({behind()});
    c[1].slow = true;
    c[1].receive(2, part(0, 1000));
    REQUIRE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c[1].update.snapshot.metadata.index == 8);
    REQUIRE(c[1].update.snapshot.metadata.term == 2);
    REQUIRE(Configuration(c[1].update.snapshot.metadata.configuration).str() == "1 2 3 4s");
    REQUIRE(c[1].update.snapshot.metadata.configuration_index == 6);
    REQUIRE(c[1].update.snapshot.offset == 0);
    REQUIRE(c[1].update.snapshot.last);
    REQUIRE(c[1].terms() == "1 1 1"); /* until then the old log is kept */
    REQUIRE(c.count(1, 2) == 0);
    c[1].store();
    REQUIRE(c[1].commit() == 8);
    REQUIRE(c[1].flag(RAFT_UPDATE_COMMIT_INDEX)); /* restore the snapshot */
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
    REQUIRE(c[1].last() == 8);
    REQUIRE(c[1].stored() == 8);
    REQUIRE(raft_first_index(c[1].handle()) == 9);
    REQUIRE(raft_snapshot_index(c[1].handle()) == 8);
    REQUIRE(raft_term_of(c[1].handle(), 8) == 2);
    REQUIRE(c[1].conf() == "1 2 3 4s");
    auto result = c.result(1, 2);
    REQUIRE(result.rejected == 0);
    REQUIRE(result.last_log_index == 8);
    /* Replication continues after it, and after a restart. */
    c[1].receive(2, AppendEntries{.term = 3, .prev = {8, 2}, .log = "3"});
    c[1].store();
    c[1].restart();
    REQUIRE(c[1].last() == 9);
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("Each chunk is acknowledged with the durable offset") {
    Cluster c({behind()});
    c[1].slow = true;
    for (size_t offset = 0; offset < whole.size(); offset += 10) {
        c[1].receive(2, part(offset, 10));
        REQUIRE(c[1].update.snapshot.offset == offset);
        REQUIRE(c[1].update.snapshot.chunk.len == std::min<size_t>(10, whole.size() - offset));
        REQUIRE(c.count(1, 2) == 0);
        c[1].store();
        auto result = c.result(1, 2);
        if (offset + 10 < whole.size()) {
            REQUIRE(result.snapshot_index == 8);
            REQUIRE(result.snapshot_offset == offset + 10);
            REQUIRE(result.last_log_index <= 3);
            REQUIRE(c[1].commit() == 1);
        } else {
            REQUIRE(result.last_log_index == 8);
        }
    }
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("During an installation a server does not campaign, and votes by its old log") {
    Cluster c({behind()});
    c[1].slow = true;
    c[1].receive(2, part(0, 10));
    c.drop();
    c.sleep(5000);
    if (c[1].deadline() <= c.now) {
        c[1].timeout();
    }
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c.count(1, 2) == 0);
    REQUIRE(c.count(1, 3) == 0);
    c[1].receive(3, RequestVote{.term = 4, .last = {3, 1}});
    REQUIRE(c.take(1, 3)->request_vote_result.vote_granted); /* up to date: 3/1 */
}

TEST_CASE("Entries are rejected while a chunk is being written") {
    Cluster c({behind()});
    c[1].slow = true;
    c[1].receive(2, part(0, 10));
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "2 2"});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    REQUIRE(c[1].last() == 3);
    c.drop();
    c[1].store();
    c[1].receive(2, part(10, 1000));
    c[1].store();
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("After a lost chunk the transfer resumes there") {
    Cluster c({{.id = 1, .term = 2, .log = "", .snapshot = {8, 2}, .conf = "1 2 3"},
               {.id = 2, .term = 2, .log = "1[1 2 3]"}});
    c.chunk_size = 10;
    c.win(1, {3});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 8, .last = 1});
    size_t expected = 0;
    for (int i = 0; i < 3; ++i) { /* three chunks arrive */
        auto m = c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
        REQUIRE(m->install_snapshot.offset == expected);
        expected += 10;
        c.hand(m);
        c.deliver(2, 1);
    }
    auto lost = c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    REQUIRE(lost->install_snapshot.offset == 30);
    SECTION("the answer to a heartbeat tells where") {
        for (int i = 0; i < 400 && c.count(1, 2) == 0; ++i) {
            c.now = c[1].deadline();
            c[1].timeout();
            c[1].receive(3, AppendResult{.term = 3, .last = 0});
            while (c.count(1, 2) > 0) {
                auto m = c.take(1, 2);
                if (m->type == RAFT_INSTALL_SNAPSHOT) {
                    REQUIRE(m->install_snapshot.offset == 30);
                    i = 1000;
                    break;
                }
                c.hand(m);
                if (c.count(2, 1) > 0) {
                    c.deliver(2, 1);
                }
            }
        }
    }
    SECTION("RAFT_UNREACHABLE reports it") {
        c[1].step(event::unreachable(2));
        c.run(1000);
    }
    c.drop();
    for (int i = 0; i < 400 && raft_snapshot_index(c[2].handle()) == 0; ++i) {
        c.run(100);
        c[1].receive(3, AppendResult{.term = 3, .last = 0});
    }
    REQUIRE(raft_snapshot_index(c[2].handle()) == 8);
    REQUIRE(c[2].snapshot->data == c[1].snapshot->data);
}

TEST_CASE("A repeated or premature chunk is answered with the durable offset") {
    Cluster c({behind()});
    c[1].receive(2, part(0, 10));
    REQUIRE(c.result(1, 2).snapshot_offset == 10);
    c[1].receive(2, part(0, 10));
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c.result(1, 2).snapshot_offset == 10);
    c[1].receive(2, part(20, 10));
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c.result(1, 2).snapshot_offset == 10);
    c[1].receive(2, part(10, 1000));
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("Another term or another snapshot starts at the first byte") {
    Cluster c({behind()});
    c[1].receive(2, part(0, 10));
    REQUIRE(c.result(1, 2).snapshot_offset == 10);
    SECTION("a new term") {
        c[1].receive(3, part(10, 10, 4));
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        auto result = c.result(1, 3);
        REQUIRE(result.snapshot_offset == 0);
        c[1].receive(3, part(0, 1000, 4));
        REQUIRE(c[1].commit() == 8);
    }
    SECTION("a new term, whose leader has not sent a chunk yet") {
        c[1].receive(3, AppendEntries{.term = 4, .prev = {9, 2}});
        const auto result = c.result(1, 3);
        REQUIRE(result.rejected == 9);
        REQUIRE(result.snapshot_index == 0);
        REQUIRE(result.snapshot_offset == 0);
    }
    SECTION("a newer snapshot") {
        auto newer = part(10, 10);
        newer.last = {9, 3};
        c[1].receive(2, newer);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
        auto result = c.result(1, 2);
        REQUIRE(result.snapshot_offset == 0);
        newer.offset = 0;
        newer.data = snapshot_contents({9, 3});
        newer.done = true;
        c[1].receive(2, newer);
        REQUIRE(c[1].commit() == 9);
    }
}

TEST_CASE("When a write fails, the installation is aborted and the old log is kept") {
    Cluster c({behind()});
    c[1].slow = true;
    c[1].receive(2, part(0, 10));
    c[1].store();
    c[1].receive(2, part(10, 10));
    c.drop();
    c[1].fail_chunk();
    REQUIRE(c[1].terms() == "1 1 1");
    REQUIRE(c[1].commit() == 1);
    c.drop();
    c[1].receive(2, part(20, 10));
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    c[1].receive(2, part(0, 1000));
    c[1].store();
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("A server that aborted an installation campaigns once it has what is committed") {
    Cluster c({behind()});
    c[1].slow = true;
    c[1].receive(2, part(0, 10));
    c[1].fail_chunk();
    c.drop();
    c.expire(1); /* the snapshot tells that 8 entries are committed; it has 3 */
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    c[1].slow = false;
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "2 2 2 2 2"});
    REQUIRE(c[1].stored() == 8);
    c.drop();
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("Acknowledgements that do not belong to the outstanding chunk are ignored") {
    Cluster c({behind()});
    c[1].ignores(event::persisted_snapshot({8, 2}, 0, true));
    c[1].slow = true;
    c[1].receive(2, part(0, 10));
    c[1].ignores(event::persisted_snapshot({8, 2}, 10, false));
    c[1].ignores(event::persisted_snapshot({8, 2}, 0, true));
    c[1].ignores(event::persisted_snapshot({7, 2}, 0, false));
    c[1].ignores(event::persisted_snapshot({8, 1}, 0, false));
    REQUIRE(c[1].commit() == 1);
    c[1].store();
    REQUIRE(c.result(1, 2).snapshot_offset == 10);
    c[1].ignores(event::persisted_snapshot({8, 2}, 0, false)); /* again */
}

TEST_CASE("A snapshot of committed entries is not installed") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 1 1 1 1 1 2 3"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {9, 3}, .commit = 9});
    REQUIRE(c[1].commit() == 9);
    c.drop();
    c[1].receive(2, part(0, 1000));
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(c[1].last() == 9);
    REQUIRE(c.result(1, 2).last_log_index >= 8);
}

TEST_CASE("A crash during an installation leaves the old log") {
    Cluster c({behind()});
    c[1].receive(2, part(0, 20));
    REQUIRE(c.result(1, 2).snapshot_offset == 20);
    c[1].restart();
    REQUIRE(c[1].terms() == "1 1 1");
    c[1].receive(2, part(20, 20)); /* the received part was lost in the crash */
    REQUIRE(c.result(1, 2).snapshot_offset == 0);
    c[1].receive(2, part(0, 1000));
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("A snapshot of an old term is refused") {
    Cluster c({behind()});
    c[1].receive(2, part(0, 1000, 2));
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    auto result = c.result(1, 2);
    REQUIRE(result.term == 3);
    REQUIRE(c[1].leader() == 0);
}

TEST_CASE("A leader ignores results that name another snapshot") {
    Cluster c({{.id = 1, .term = 2, .log = "", .snapshot = {8, 2}, .conf = "1 2 3"}});
    c.chunk_size = 10;
    c.win(1, {3});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 8, .last = 1});
    c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 7, .offset = 20});
    while (c.count(1, 2) > 0) {
        auto m = c.take(1, 2);
        REQUIRE((m->type != RAFT_INSTALL_SNAPSHOT || m->install_snapshot.offset == 0));
    }
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 10});
    auto m = c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    REQUIRE(m->install_snapshot.offset == 10);
    REQUIRE(m->install_snapshot.version == 1);
}

TEST_CASE("A chunk without an answer is sent again after the timeout") {
    Cluster c(
        {{.id = 1, .term = 2, .log = "", .snapshot = {8, 2}, .conf = "1 2 3", .set = [](raft *r) {
              raft_set_install_snapshot_timeout(r, 3000);
          }}});
    c.win(1, {3});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 8, .last = 1});
    c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    const raft_time sent = c.now;
    raft_time again = 0;
    while (c.now < sent + 5000 && again == 0) {
        c.expire(1);
        c[1].receive({2, 3}, AppendResult{.term = 3, .last = 0}); /* both answer heartbeats */
        while (c.count(1, 2) > 0) {
            if (c.take(1, 2)->type == RAFT_INSTALL_SNAPSHOT) {
                again = c.now;
            }
        }
    }
    REQUIRE(again >= sent + 3000);
    REQUIRE(again <= sent + 3200);
}

TEST_CASE("A snapshot that contradicts what is committed is refused") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 1 1 1 1 1 2 3"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {9, 3}, .commit = 8});
    REQUIRE(c[1].commit() == 8);
    auto other = part(0, 1000);
    other.last = {7, 2}; /* it is of term 1 here */
    c[1].refuses(RAFT_CORRUPT, 2, other);
}

TEST_CASE("A follower that lost its partial snapshot is sent it from the start") {
    Cluster c({{.id = 1, .term = 2, .log = "", .snapshot = {8, 2}, .conf = "1 2 3"}});
    c.chunk_size = 10;
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 3, .rejected = 8, .last = 1});
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 10});
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 20});
    c.drop();
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .snapshot = 8, .offset = 0});
    REQUIRE(c.count(1, 2) == 0); /* the answer may be older than the chunk at 20 */
    c.expire(1);
    const auto round = c.take(1, 2, RAFT_APPEND_ENTRIES)->append_entries.round;
    c[1].receive(2, AppendResult{.term = 3, .last = 0, .round = round, .snapshot = 8, .offset = 0});
    REQUIRE(c.take(1, 2, RAFT_INSTALL_SNAPSHOT)->install_snapshot.offset == 0);
}

TEST_CASE("A chunk that arrives again while it is being written is not written again") {
    const InstallSnapshot first{.term = 1, .last = {4, 1}, .bytes = 5};
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].slow = true;
    c[1].receive(2, first);
    REQUIRE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    c[1].receive(2, first);
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
}

TEST_CASE("A snapshot replaces a log with a conflicting entry at its end, and its configurations") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 2 2[1 2 3 4s] 2"}});
    REQUIRE(c[1].conf() == "1 2 3 4s");
    c[1].receive(2, InstallSnapshot{.term = 3, .last = {3, 3}});
    REQUIRE(c[1].terms() == "");
    REQUIRE(c[1].last() == 3);
    REQUIRE(raft_term_of(c[1].handle(), 3) == 3);
    REQUIRE(c[1].conf() == "1 2 3");
}

TEST_CASE("A message about entries before the own snapshot is answered") {
    Cluster c({{.id = 1, .term = 2, .log = "2", .start = 9, .snapshot = {8, 2}, .conf = "1 2 3"}});
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {4, 1}});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    REQUIRE(raft_snapshot_index(c[1].handle()) == 8);
    c.drop();
    c[1].receive(2, AppendEntries{.term = 2, .prev = {5, 1}, .log = "2 2 2 2"});
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES_RESULT);
    REQUIRE(m->append_entries_result.rejected == 0);
    REQUIRE(m->append_entries_result.last_log_index == 9);
}

TEST_CASE("A chunk of an older snapshot does not disturb the installation of a newer one (§5.1)") {
    Cluster c({Draw{.id = 1, .term = 2, .log = "1[1 2 3] 1 1"}});
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {8, 2}, .bytes = 10});
    SECTION("of entries that the log lacks") {
        c[1].receive(2, InstallSnapshot{.term = 2, .last = {6, 2}, .bytes = 5});
    }
    SECTION("of entries that the log has") {
        c[1].receive(2, InstallSnapshot{.term = 2, .last = {3, 1}, .bytes = 5});
    }
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {8, 2}, .offset = 10});
    REQUIRE(raft_snapshot_index(c[1].handle()) == 8);
}
