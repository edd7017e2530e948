/* SPDX-License-Identifier: MIT */
/* A partial snapshot of a lost leader: its follower acknowledges, campaigns and leads as if the
 * installation had not begun (§5.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

/* Four bytes of a snapshot. */
InstallSnapshot piece(raft_term term, Position last, size_t offset = 0) {
    return {.term = term, .last = last, .offset = offset, .bytes = 4};
}

void few_in_flight(raft *r) { raft_set_max_inflight_entries(r, 2); }

} // namespace

TEST_CASE("A matching heartbeat is acknowledged despite a partial snapshot (§3.5, §5.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, piece(2, {8, 2}));
    REQUIRE(c.result(1, 2).snapshot_offset == 4);
    c[1].receive(3, AppendEntries{.term = 3, .prev = {4, 1}});
    REQUIRE(c.result(1, 3).last_log_index == 4);
}

TEST_CASE("A heartbeat acknowledges nothing beyond its matching entry (§3.5, §5.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, piece(2, {8, 2}));
    c.drop();
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 1}});
    REQUIRE(c.result(1, 3).last_log_index == 2);
    c[1].receive(3, AppendEntries{.term = 3, .prev = {6, 3}}); /* it has no such entry */
    REQUIRE(c.result(1, 3).rejected == 6);
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}}); /* late */
    REQUIRE(c.result(1, 3).last_log_index == 2);
}

TEST_CASE("A partial snapshot of a lost leader does not stop replication (§3.5, §5.1)") {
    const char *log = "1[1 2 3] 1 1 1 1 1";
    Cluster c({Draw{.id = 1, .term = 2, .vote = 3, .log = log, .set = few_in_flight},
               Draw{.id = 2, .term = 2, .vote = 3, .log = log, .set = few_in_flight}});
    c[2].slow = true;
    c[2].receive(3, piece(2, {8, 2}));
    c.run(5000);
    REQUIRE(c[1].leads()); /* 2 refuses entries while it writes the chunk */
    c[2].slow = false;
    c[2].store();
    c.run(30000);
    c[1].submit(3);
    c.run(30000);
    REQUIRE(c[1].leads());
    REQUIRE(c[2].last() == c[1].last());
    REQUIRE(c[1].commit() == c[1].last());
}

TEST_CASE("A partial snapshot does not stop replication of a log beyond the window (§3.5, §5.1)") {
    std::string log = "1[1 2 3]";
    for (int i = 0; i < 1100; ++i) {
        log += " 1";
    }
    Cluster c({Draw{.id = 1, .term = 2, .vote = 3, .log = log.c_str()},
               Draw{.id = 2, .term = 2, .vote = 3, .log = log.c_str()}});
    c[2].slow = true;
    c[2].receive(3, piece(2, {2000, 2}));
    c.run(5000);
    REQUIRE(c[1].leads());
    c[2].slow = false;
    c[2].store();
    c.run(10000);
    c[1].submit(3);
    c.run(10000);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].commit() == c[1].last());
}

TEST_CASE("The only electable server campaigns between two chunks, and leads (§3.4, §5.1)") {
    /* Server 3 led term 3; 1 cannot win: its last term is lower than that of 2. The log of 2 is as
     * long as what the snapshot covers, so that it may have all that is committed. */
    const bool pre_vote = GENERATE(true, false);
    const auto set = [=](raft *r) { raft_set_pre_vote(r, pre_vote); };
    Cluster c({Draw{.id = 1, .term = 3, .vote = 3, .log = "1[1 2 3] 1 1", .set = set},
               Draw{.id = 2, .term = 3, .vote = 3, .log = "1[1 2 3] 2 2", .set = set}});
    c[2].receive(3, piece(3, {3, 3}));
    c.drop();
    c.run(10000);
    REQUIRE(c[2].leads());
    REQUIRE(c[2].commit() == c[2].last());
    REQUIRE(c[1].terms() == c[2].terms());
    c[2].submit(3);
    c.run(500);
    REQUIRE(c[2].commit() == c[2].last());
    REQUIRE(c[1].commit() == c[2].last());
}

TEST_CASE(
    "A server does not campaign while a chunk is being written, but afterwards (§3.4, §5.1)") {
    Cluster c({Draw{.id = 2, .term = 3, .vote = 3, .log = "1[1 2 3] 2"}});
    c[2].slow = true;
    c[2].receive(3, piece(3, {2, 3}));
    for (int i = 0; i < 5; ++i) {
        c.expire(2);
        REQUIRE(c[2].state() == RAFT_FOLLOWER);
        REQUIRE(c.count(2, 1) == 0);
    }
    REQUIRE(c[2].chunk_outstanding);
    c[2].store();
    c.drop();
    c.expire(2);
    REQUIRE(c[2].state() == RAFT_CANDIDATE);
    REQUIRE(c.take(2, 1, RAFT_REQUEST_VOTE)->request_vote.last_log_term == 2);
}

TEST_CASE(
    "A slow leader restarts its snapshot after its follower asked for pre-votes (§5.1, §9.6)") {
    const Position last{8, 3};
    const std::string whole = snapshot_contents(last);
    Cluster c({Draw{.id = 2, .term = 3, .vote = 3, .log = "1[1 2 3] 2 2 2 2 2 2 2"}});
    c[2].receive(3, piece(3, last));
    REQUIRE(c.result(2, 3).snapshot_offset == 4);
    c.expire(2);
    REQUIRE(c[2].state() == RAFT_CANDIDATE);
    REQUIRE(c[2].term() == 3); /* it only asks for pre-votes */
    c.drop();
    c[2].receive(3, piece(3, last, 4));
    REQUIRE(c[2].state() == RAFT_FOLLOWER);
    REQUIRE(c[2].leader() == 3);
    REQUIRE_FALSE(c[2].flag(RAFT_UPDATE_SNAPSHOT));
    const auto lost = c.result(2, 3);
    REQUIRE(lost.snapshot_index == 8);
    REQUIRE(lost.snapshot_offset == 0);
    for (size_t offset = 0; offset < whole.size(); offset += 4) {
        c[2].receive(3, piece(3, last, offset));
        REQUIRE(c[2].flag(RAFT_UPDATE_SNAPSHOT));
        if (offset + 4 < whole.size()) {
            REQUIRE(c.result(2, 3).snapshot_offset == offset + 4);
        }
    }
    REQUIRE(c.result(2, 3).last_log_index == 8);
    REQUIRE(c[2].snapshot->data == whole);
    REQUIRE(c[2].commit() == 8);
    REQUIRE(c[2].last() == 8);
}

TEST_CASE("While a chunk is being written, entries that the log has commit (§3.5, §5.1)") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1"}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {9, 2}, .bytes = 4});
    REQUIRE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
    c.drop();
    c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}, .log = "1", .commit = 7});
    REQUIRE(c[1].commit() == 2);
    c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .log = "1 2", .commit = 7});
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c[1].last() == 3); /* the new entry is not appended */
    c[1].store();
    REQUIRE(c[1].commit() == 3); /* there is another chunk to come */
}

TEST_CASE("Entries of another leader end a partial snapshot (§3.5, §5.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, piece(2, {8, 2}));
    c.drop();
    c[1].receive(3, AppendEntries{.term = 3, .prev = {4, 1}, .log = "3", .round = 1});
    REQUIRE(c[1].terms() == "1 1 1 1 3");
    const auto r = c.result(1, 3);
    REQUIRE(r.last_log_index == 5);
    REQUIRE(r.snapshot_index == 0);
}

TEST_CASE("A late snapshot of what the log has does not end an installation (§5.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, piece(2, {8, 2}));
    c.drop();
    c[1].receive(2, piece(2, {3, 1}));
    const auto r = c.result(1, 2);
    REQUIRE(r.last_log_index == 3);
    REQUIRE(r.snapshot_index == 8);
    REQUIRE(r.snapshot_offset == 4);
    c[1].receive(2, piece(2, {8, 2}, 4));
    REQUIRE(c[1].flag(RAFT_UPDATE_SNAPSHOT));
}

TEST_CASE("A chunk from the middle of another snapshot supersedes no chunk (§5.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].slow = true;
    c[1].receive(2, piece(2, {8, 2}));
    c.drop();
    c[1].receive(2, piece(2, {9, 2}, 4));
    REQUIRE(c.count(1, 2) == 0);
    c[1].store();
    const auto r = c.result(1, 2);
    REQUIRE(r.snapshot_index == 8);
    REQUIRE(r.snapshot_offset == 4);
}

TEST_CASE("Only entries beyond a partial snapshot show that they are newer (§3.5, §5.1)") {
    /* Both messages have the round in which the chunk came. */
    const bool beyond = GENERATE(false, true);
    Cluster c({Draw{.id = 1, .log = "1[1 2 3] 1 1 1"}});
    c[1].receive(2, AppendEntries{.term = 2, .prev = {4, 1}, .round = 5});
    c[1].receive(2, piece(2, {5, 2}));
    c.drop();
    const char *log = beyond ? "2 2" : "2";
    c[1].receive(2, AppendEntries{.term = 2, .prev = {4, 1}, .log = log, .round = 5});
    REQUIRE(c[1].last() == (beyond ? 6 : 4));
    REQUIRE(c.result(1, 2).snapshot_index == (beyond ? 0 : 5));
}
