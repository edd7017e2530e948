/* SPDX-License-Identifier: MIT */
/* Late, unusual and partial results at a leader (§3.5, §3.10, §5.1, §10.2.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

Draw leader(const char *log = "1[1 2 3]", std::function<void(raft *)> set = {}) {
    return {.id = 1, .log = log, .set = std::move(set)};
}

} // namespace

TEST_CASE("A rejection of an entry that was never sent is ignored") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].submit(3);
    c.drop();
    REQUIRE(c[1].progress(2).next == 6);
    c[1].receive(2, AppendResult{.term = 2, .rejected = 6, .last = 1});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
    c[1].receive(2, AppendResult{.term = 2, .rejected = 5, .last = 2});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PROBE);
}

TEST_CASE("After a rejection at a compacted index the snapshot is sent (§5.1)") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(8); /* 3..10 are on their way to both */
    c[1].receive(3, AppendResult{.term = 2, .last = 10});
    REQUIRE(c[1].commit() == 10);
    c[1].take_snapshot(8);
    c.drop();
    REQUIRE(raft_first_index(c[1].handle()) == 9);
    SECTION("the hint lies in the compacted log") {
        c[1].receive(2, AppendResult{.term = 2, .rejected = 5, .last = 7});
    }
    SECTION("the follower has nothing of what was on its way") {
        c[1].receive(2, AppendResult{.term = 2, .rejected = 5, .last = 2});
    }
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
}

TEST_CASE("A snapshot transfer ends when the log has all that the follower lacks (§5.1)") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(8);
    c[1].receive(3, AppendResult{.term = 2, .last = 10});
    c[1].take_snapshot(8, 2); /* 7 and 8 are kept */
    REQUIRE(raft_first_index(c[1].handle()) == 7);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 9, .last = 2});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .last = 2}); /* nothing new */
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c[1].receive(2, AppendResult{.term = 2, .last = 4}); /* late; 5 and 6 are compacted */
    REQUIRE(c[1].progress(2).match == 4);
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    SECTION("the rest is in the log") { c[1].receive(2, AppendResult{.term = 2, .last = 6}); }
    SECTION("the follower has all of the snapshot") {
        c[1].receive(2, AppendResult{.term = 2, .last = 8});
    }
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
    c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(c[1].progress(2).next == 11);
}

TEST_CASE(
    "A follower probed at a compacted index gets the snapshot, one in pipeline mode entries") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    c[1].receive(3, AppendResult{.term = 2, .last = 2});
    c[1].submit(4);
    c[1].receive(3, AppendResult{.term = 2, .last = 6});
    c[1].take_snapshot(6);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 1, .last = 0}); /* probed from entry 1 on */
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PIPELINE);
}

TEST_CASE("A newer snapshot is sent from its beginning (§5.1)") {
    Cluster c({leader()});
    c.chunk_size = 5;
    c.win(1, {2, 3});
    for (raft_id id : {2, 3}) {
        c[1].receive(id, AppendResult{.term = 2, .last = id == 2 ? 0U : 2U});
    }
    c[1].submit(4);
    c[1].receive(3, AppendResult{.term = 2, .last = 6});
    c[1].take_snapshot(4);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 1, .last = 0});
    c.drop();
    c.expire(1); /* a heartbeat at the end of the snapshot */
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 1, .last = 0, .snapshot = 4, .offset = 5});
    if (c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT) {
        REQUIRE(c.take(1, 2, RAFT_INSTALL_SNAPSHOT)->install_snapshot.offset == 5);
    }
    c[1].take_snapshot(6);
    c.drop();
    c.sleep(2000);
    c[1].receive(3, AppendResult{.term = 2, .last = 6});
    c[1].step(event::unreachable(2)); /* the caller gives up the transfer of the old one */
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 1, .last = 0, .snapshot = 4, .offset = 10});
    auto m = c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    REQUIRE(m->install_snapshot.last_index == 6);
    REQUIRE(m->install_snapshot.offset == 0);
}

TEST_CASE("The limit on uncommitted entries applies together with the other limits") {
    Cluster c({leader("1[1 2 3]", [](raft *r) {
        raft_set_max_uncommitted_entries(r, 4);
        raft_set_capacity_threshold(r, 10);
    })});
    c.win(1, {2, 3});
    c[1].submit(3); /* with the barrier, four */
    c[1].refuses(RAFT_BUSY, event::submit(1));
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].refuses(RAFT_BUSY, event::submit(2));
    c[1].submit(1);
    REQUIRE(c[1].last() == 6);
}

TEST_CASE("Leadership is not transferred to a server that is being removed (§3.10, §4.2.2)") {
    Cluster c({leader("1[1 2 3 4]")});
    c.win(1, {2, 3});
    c[1].receive({2, 3, 4}, AppendResult{.term = 2, .last = 2});
    c[1].submit(4);
    c[1].receive(4, AppendResult{.term = 2, .last = 6}); /* the most up-to-date of all */
    c[1].receive(2, AppendResult{.term = 2, .last = 4});
    c[1].reconfigure("1 2 3");
    c[1].refuses(RAFT_BADID, event::transfer(4));
    c[1].refuses(RAFT_BADID, event::catch_up(4));
    c[1].transfer(0);
    REQUIRE(raft_transferee(c[1].handle()) == 2);
}

TEST_CASE("RAFT_UNREACHABLE with the leader's own ID is ignored") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    const std::string before = c[1].see();
    c[1].ignores(event::unreachable(1));
    REQUIRE(c[1].see() == before);
}

TEST_CASE("TimeoutNow from its leader is obeyed by a voter with the whole log (§3.10)") {
    SECTION("a leader does not obey") {
        Cluster c({leader()});
        c.win(1, {2, 3});
        c[1].ignores(event::receive(draft(2, 1, TimeoutNow{.term = 2, .last = {2, 2}})));
    }
    SECTION("not from another server") {
        Cluster c({leader()});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}});
        c[1].ignores(event::receive(draft(3, 1, TimeoutNow{.term = 2, .last = {1, 1}})));
    }
    SECTION("not while entries are missing") {
        Cluster c({leader()});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}});
        c[1].ignores(event::receive(draft(2, 1, TimeoutNow{.term = 2, .last = {2, 2}})));
    }
    SECTION("a standby does not obey") {
        Cluster c({leader("1[1s 2 3]")});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}});
        c[1].ignores(event::receive(draft(2, 1, TimeoutNow{.term = 2, .last = {1, 1}})));
    }
    SECTION("not during an installation") {
        Cluster c({leader()});
        c[1].slow = true;
        c[1].receive(2, InstallSnapshot{.term = 2, .last = {8, 2}});
        c[1].ignores(event::receive(draft(2, 1, TimeoutNow{.term = 2, .last = {1, 1}})));
    }
    SECTION("not without durable entries") {
        Cluster c({Draw{.id = 1}});
        c[1].slow = true;
        c[1].receive(2, AppendEntries{.term = 2, .log = "1[1 2 3]"});
        c[1].ignores(event::receive(draft(2, 1, TimeoutNow{.term = 2})));
    }
    SECTION("otherwise at once, with the leader's permission") {
        Cluster c({leader()});
        c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}});
        c[1].receive(2, TimeoutNow{.term = 2, .last = {1, 1}});
        REQUIRE(c[1].term() == 3);
        c.drop(1, 2);
        REQUIRE(c.take(1, 3, RAFT_REQUEST_VOTE)->request_vote.disrupt_leader);
    }
}

TEST_CASE("A pipeline that compaction has overtaken continues with the snapshot (§5.1)") {
    Cluster c({leader("1[1 2 3]", [](raft *r) { raft_set_max_inflight_entries(r, 2); })});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(10); /* 3..12; two at a time */
    for (raft_index i = 4; i <= 12; i += 2) {
        c[1].receive(3, AppendResult{.term = 2, .last = i});
    }
    REQUIRE(c[1].commit() == 12);
    REQUIRE(c[1].progress(2).next == 5);
    c[1].take_snapshot(10);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .last = 4}); /* 5 is compacted */
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
}

TEST_CASE("A version 0 snapshot without an answer is sent again whole (§5.1)") {
    Cluster c({leader("1[1 2 3]", [](raft *r) { raft_set_install_snapshot_timeout(r, 500); })});
    c.win(1, {2, 3});
    c[1].receive(3, AppendResult{.term = 2, .last = 2});
    c[1].submit(3);
    c[1].receive(3, AppendResult{.term = 2, .last = 5});
    c[1].take_snapshot(5);
    c.drop();
    const auto silent = AppendResult{
        .term = 2, .rejected = 1, .last = 0, .features = RAFT_FEATURE_CAPACITY, .version = 2};
    c[1].receive(2, silent);
    REQUIRE(c.take(1, 2, RAFT_INSTALL_SNAPSHOT)->install_snapshot.version == 0);
    bool again = false;
    for (int i = 0; i < 12 && !again; ++i) {
        c.expire(1);
        c[1].receive(3, AppendResult{.term = 2, .last = 5});
        c[1].receive(2, silent); /* of the snapshot */
        while (c.count(1, 2) > 0) {
            auto m = c.take(1, 2);
            if (m->type == RAFT_INSTALL_SNAPSHOT) {
                again = true;
                REQUIRE(m->install_snapshot.version == 0); /* there are no offsets in it */
                REQUIRE(m->install_snapshot.last_index == 5);
            }
        }
    }
    REQUIRE(again);
}

TEST_CASE("Results with another term or an unknown sender are ignored on the fast path, too") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(1);
    c[1].refuses(RAFT_MALFORMED, 2, AppendResult{.term = 2, .last = 3, .round = ~0ULL});
    c[1].refuses(RAFT_MALFORMED, 1, AppendResult{.term = 2, .last = 3});
    c[1].refuses(
        RAFT_MALFORMED,
        event::falsified(event::receive(draft(2, 1, AppendResult{.term = 2, .last = 3})),
                         [](raft_event &e) { e.receive.message->server_address = nullptr; }));
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[1].commit() == 3);
}

TEST_CASE("A full window holds entries back, and a repeated answer does not open it") {
    Cluster c({leader("1[1 2 3]", [](raft *r) { raft_set_max_inflight_entries(r, 2); })});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c.drop();
    c[1].submit(2);
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 2);
    c[1].submit(1);
    REQUIRE(c.count(1, 2) == 0);
    c[1].receive(2, AppendResult{.term = 2, .last = 2}); /* a heartbeat's */
    REQUIRE(c.count(1, 2) == 0);
    REQUIRE(c[1].progress(2).next == 5);
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    REQUIRE(c.take(1, 2)->append_entries.prev_log_index == 4);
}

TEST_CASE("The limit on entries in a message applies in pipeline mode, not to a probe (§10.2.1)") {
    Cluster c({leader("1[1 2 3]", [](raft *r) { raft_set_max_message_entries(r, 2); })});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c.drop();
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PROBE);
    c[1].submit(2);
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 2);
    c[1].submit(3);
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 2);
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 1);
    REQUIRE(c.count(1, 3) == 0);
}

TEST_CASE("An event after the heartbeat is due takes effect as well") {
    Cluster c({leader("1[1 2 3]")});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c.drop();
    c[1].slow = true;
    const raft_time due = c[1].deadline();
    c.sleep(300);
    c[1].submit(2);
    REQUIRE(c[1].deadline() == due); /* it stays due until the timer fires */
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 2);
    c.sleep(10);
    c[1].store();
    REQUIRE(c[1].stored() == 4);
    c[1].receive(2, AppendResult{.term = 2, .last = 4});
    REQUIRE(c[1].commit() == 4);
    c[1].timeout();
    REQUIRE(c.take(1, 3)->type == RAFT_APPEND_ENTRIES);
}

TEST_CASE("With a heartbeat interval of 1 ms the deadline is the next millisecond") {
    Cluster c({leader("1[1 2 3]", [](raft *r) { raft_set_heartbeat_timeout(r, 1); })});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c.sleep(7);
    c[1].submit(1); /* late for its heartbeat, which stays due */
    REQUIRE(c[1].deadline() == c.now - 6);
    c[1].timeout();
    REQUIRE(c[1].deadline() == c.now + 1);
    REQUIRE(c[1].flag(RAFT_UPDATE_TIMEOUT));
}

TEST_CASE("An opened window is filled with messages of the set size (§10.2.1)") {
    Cluster c({leader("1[1 2 3]", [](raft *r) {
        raft_set_max_inflight_entries(r, 4);
        raft_set_max_message_entries(r, 3);
    })});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c.drop();
    c[1].submit(20);
    c.drop();
    REQUIRE(c[1].progress(2).next == 7);
    c[1].receive(2, AppendResult{.term = 2, .last = 6}); /* 16 are left: four may go */
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 3);
    REQUIRE(c.take(1, 2)->append_entries.n_entries == 1);
    REQUIRE(c.count(1, 2) == 0);
}

TEST_CASE("Reads that wait for a barrier keep it when others get a newer one (§6.4)") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    const auto answers = [&](raft_id id, raft_index last, unsigned short features) {
        c[1].receive(id, AppendResult{.term = 2, .last = last, .features = features, .version = 2});
    };
    const unsigned short echoes = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS;
    answers(2, 2, RAFT_FEATURE_CAPACITY);
    answers(3, 2, RAFT_FEATURE_CAPACITY);
    c[1].read(1); /* no peer echoes: by a barrier, entry 3 */
    REQUIRE(c[1].last() == 3);
    answers(2, 2, echoes);
    c[1].read(2); /* by a round */
    REQUIRE(c[1].last() == 3);
    answers(2, 2, RAFT_FEATURE_CAPACITY);
    c.expire(1); /* no peer echoes any more: by a barrier, entry 4 */
    REQUIRE(c[1].last() == 4);
    answers(2, 3, RAFT_FEATURE_CAPACITY);
    REQUIRE(c[1].answer(1));
    REQUIRE_FALSE(c[1].answer(2));
    answers(2, 4, RAFT_FEATURE_CAPACITY);
    REQUIRE(c[1].answer(2));
    REQUIRE(c[1].answer(2)->index == 2);
}

TEST_CASE("A repeated rejection, or one of an older probe, changes nothing") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1 1 1 1 1 1 1"}});
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

TEST_CASE("A follower with all entries before the leader's first one needs no snapshot") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1 1 1 1 1 1"}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 9});
    c[1].take_snapshot(8, 3); /* 6 is the oldest entry kept, the term of 5 is known */
    c[1].receive(3, AppendResult{.term = 2, .rejected = 8, .last = 1});
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_SNAPSHOT);
    c.drop();
    c[1].receive(3, AppendResult{.term = 2, .last = 5});
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c.take(1, 3, RAFT_APPEND_ENTRIES)->append_entries.prev_log_index == 5);
}
