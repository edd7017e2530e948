/* SPDX-License-Identifier: MIT */
/* A server that comes back with less than it acknowledged breaks the promise on which Raft rests
 * (§3.8). The leader counts it, says so, and brings the server up to date. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

constexpr raft_index acknowledged = 12;

struct Trace {
    raft_tracer tracer{this, 1, [](raft_tracer *t, int type, const void *info) {
                           if (type == RAFT_TRACE_DATA_LOSS) {
                               auto *i = static_cast<const raft_tracer_info *>(info);
                               auto *self = static_cast<Trace *>(t->impl);
                               self->losses.emplace_back(i->peer, i->index);
                           }
                       }};
    std::vector<std::pair<raft_id, raft_index>> losses;
};

/* Server 1 leads; the played servers 2 and 3 have acknowledged everything up to 12. */
struct Led : Cluster {
    explicit Led(unsigned short peer_features = all_features)
        : Cluster({Draw{.id = 1, .log = "1[1 2 3]"}}), features(peer_features) {
        win(1, {2, 3});
        answer(2, 2);
        answer(3, 2);
        leader().submit(10);
        answer(2, acknowledged);
        answer(3, acknowledged);
        drop();
    }
    Server &leader() { return (*this)[1]; }
    bool rounds() const { return (features & RAFT_FEATURE_ROUNDS) != 0; }
    AppendResult result() const {
        AppendResult r{.term = 2};
        r.features = features;
        r.version = rounds() ? 3 : 2;
        return r;
    }
    void answer(raft_id from, raft_index last, unsigned long long round = 0) {
        AppendResult r = result();
        r.last = last;
        r.round = round;
        leader().receive(from, r);
    }
    void reject(raft_index index, raft_index hint, unsigned long long round = 0) {
        AppendResult r = result();
        r.rejected = index;
        r.last = hint;
        r.round = round;
        leader().receive(2, r);
    }
    /* The next heartbeat to server 2. Server 3 answers. */
    Message heartbeat() {
        drop();
        expire(1);
        answer(3, leader().last());
        return take(1, 2);
    }
    unsigned long long losses() { return leader().progress(2).data_losses; }

    unsigned short features;
};

} // namespace

TEST_CASE("A server that lost what it acknowledged is noticed, counted and probed") {
    Led c;
    Trace trace;
    c.leader().set([&](raft *r) { raft_set_tracer(r, &trace.tracer); });
    const Message m = c.heartbeat();
    REQUIRE(m->append_entries.prev_log_index == acknowledged);
    c.reject(acknowledged, 5, m->append_entries.round);
    REQUIRE(c.losses() == 1);
    REQUIRE(trace.losses == std::vector<std::pair<raft_id, raft_index>>{{2, acknowledged}});
    REQUIRE(c.leader().match(2) == 0); /* what it has now may be an older image of its disk */
    REQUIRE(c.leader().commit() == acknowledged);
    const Message probe = c.take(1, 2);
    REQUIRE(probe->append_entries.prev_log_index == 5);
    c.leader().set([](raft *r) { raft_set_tracer(r, nullptr); });

    /* Acknowledgements from before the loss are not believed... */
    c.answer(2, acknowledged, m->append_entries.round);
    REQUIRE(c.leader().match(2) == 0);
    /* ...those that echo a later round are. */
    const Message later = c.heartbeat();
    c.answer(2, 6, later->append_entries.round);
    REQUIRE(c.leader().match(2) == 6);
    c.answer(2, acknowledged, m->append_entries.round);
    REQUIRE(c.leader().match(2) == 6);
    c.answer(2, acknowledged, later->append_entries.round);
    REQUIRE(c.leader().match(2) == acknowledged);
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PIPELINE);
    c.leader().submit(3);
    c.answer(2, acknowledged + 3, m->append_entries.round); /* late, from before the loss */
    REQUIRE(c.leader().match(2) == acknowledged);
    REQUIRE(c.losses() == 1);
}

TEST_CASE("An old rejection shows no loss of data") {
    Led c;
    const auto round = c.heartbeat()->append_entries.round;
    c.answer(2, acknowledged, round);
    c.leader().submit(1);
    c.answer(2, acknowledged + 1, round);
    SECTION("it echoes no later round than the acknowledgement") {
        c.reject(acknowledged, 3, round);
        c.reject(acknowledged, 3, 0);
    }
    SECTION("a snapshot is being installed") {
        AppendResult r = c.result();
        r.rejected = acknowledged;
        r.last = acknowledged;
        r.round = c.heartbeat()->append_entries.round;
        r.snapshot = 5;
        c.leader().receive(2, r);
    }
    REQUIRE(c.losses() == 0);
    REQUIRE(c.leader().match(2) == acknowledged + 1);
}

TEST_CASE("The commit index counts a server that lost data only up to what it has now") {
    Led c;
    c.leader().submit(4); /* 13 to 16 */
    c.answer(2, 14);      /* ...and the leader itself: 14 is committed */
    REQUIRE(c.leader().commit() == 14);
    c.answer(2, 14);
    const auto round = c.heartbeat()->append_entries.round;
    c.reject(14, 0, round);
    REQUIRE(c.losses() == 1);
    c.drop();
    c.leader().submit(1);               /* 17 */
    REQUIRE(c.leader().commit() == 16); /* server 3 had acknowledged 16 */
    const auto later = c.heartbeat()->append_entries.round;
    c.answer(2, 17, later);
    REQUIRE(c.leader().commit() == 17);
}

TEST_CASE("A peer without rounds has lost data if it only rejects for an election timeout") {
    Led c(RAFT_FEATURE_CAPACITY);
    const raft_time begin = c.now;
    while (c.losses() == 0) {
        c.heartbeat();
        c.reject(acknowledged, 5);
        REQUIRE(c.now - begin <= 1200);
    }
    REQUIRE(c.now - begin >= 1000);
    REQUIRE(c.leader().match(2) == acknowledged); /* its answers do not tell old from new */
    REQUIRE(c.take(1, 2)->append_entries.prev_log_index == 5);
    c.answer(2, 6);
    const Message first = c.take(1, 2);
    REQUIRE(first->append_entries.prev_log_index == 6);
    REQUIRE(first->append_entries.n_entries == 2); /* the window is closed, from entry 7 on */
    c.leader().submit(1);
    for (raft_index next = 0; c.leader().match(2) < 13;) {
        REQUIRE(c.leader().progress(2).next > next); /* each acknowledgement brings more */
        next = c.leader().progress(2).next;
        c.answer(2, next - 1);
    }
    REQUIRE(c.losses() == 1);
}

TEST_CASE("A spare that has lost data can be given up, and caught up again (§4.2.1)") {
    Cluster c({{.id = 1, .log = "1[1 2 3p]"}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].catch_up(3);
    const AppendResult stored{.term = 2, .last = 2, .features = 1, .version = 2};
    c[1].receive(3, stored);
    c[1].submit(20);
    c[1].receive(2, AppendResult{.term = 2, .last = 22});
    c[1].catch_up(3);
    c[1].receive(3, AppendResult{.term = 2, .last = 12, .features = 1, .version = 2});
    REQUIRE(c[1].match(3) == 12);
    const AppendResult empty{.term = 2, .rejected = 12, .features = 1, .version = 2};
    c[1].receive(3, empty);
    const raft_time begin = c.now;
    for (int i = 0; i < 50 && c[1].progress(3).data_losses == 0; i++) {
        c[1].receive(2, AppendResult{.term = 2, .last = 22});
        c.expire(1);
        c[1].receive(3, empty);
    }
    REQUIRE(c[1].progress(3).data_losses == 1);
    REQUIRE(c[1].progress(3).next == 1);
    REQUIRE(c.now - begin <= 3000); /* entries in flight are sent once more meanwhile */
    c[1].catch_up(0);
    REQUIRE(c[1].catch_up_status(3) == RAFT_CATCH_UP_ABORTED);
    REQUIRE(c[1].progress(3).next == 13);
    c[1].catch_up(3);
    c[1].receive(3, empty);
    REQUIRE(c[1].leads());
}

TEST_CASE("One acknowledgement shows that a peer without rounds still has its log") {
    Led c(RAFT_FEATURE_CAPACITY);
    for (int i = 0; i < 30; ++i) {
        c.heartbeat();
        c.reject(acknowledged, 5); /* late, from before */
        c.answer(2, acknowledged);
    }
    REQUIRE(c.losses() == 0);
}

TEST_CASE("A follower that is installing a snapshot acknowledges, instead of rejecting entries") {
    Cluster c({Draw{.id = 1, .term = 2, .log = "1[1 2 3] 1 1"}});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {8, 2}, .bytes = 100});
    c.drop();
    c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 1}, .log = "2"});
    const auto r = c.result(1, 2);
    REQUIRE(r.rejected == 0); /* a rejection would say that it lost entry 3 */
    REQUIRE(r.last_log_index == 3);
    REQUIRE(c[1].last() == 3);
}

TEST_CASE("What a server acknowledged before it lost its data commits nothing later (§3.6.2)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.win(1, {2, 3, 4, 5});
    c[1].receive({2, 3, 4, 5}, AppendResult{.term = 2, .last = 2});
    c[1].submit(3);
    c[1].receive(2, AppendResult{.term = 2, .last = 5});
    c.drop();
    c.expire(1);
    const auto round = c.take(1, 2)->append_entries.round;
    c[1].receive(2, AppendResult{.term = 2, .rejected = 5, .last = 0, .round = round});
    REQUIRE(c[1].progress(2).data_losses == 1);
    c[1].receive(3, AppendResult{.term = 2, .last = 5}); /* server 1 and server 3 have entry 5 */
    REQUIRE(c[1].commit() == 2);
    c[1].receive(4, AppendResult{.term = 2, .last = 5});
    REQUIRE(c[1].commit() == 5);
}

TEST_CASE("The refusal of a message of an earlier term echoes no round (§3.3)") {
    Cluster c({Draw{.id = 1, .term = 1, .log = "1[1 2 3] 1 1"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .round = 7});
    REQUIRE(c.result(1, 2).round == 7);
    c.drop();
    c[1].receive(2, AppendEntries{.term = 2, .prev = {2, 1}, .round = 5});
    const auto r = c.result(1, 2);
    REQUIRE(r.term == 3);
    REQUIRE(r.rejected == 2);
    REQUIRE(r.round == 0);
}

TEST_CASE(
    "A loss of data that shows while a snapshot is sent leaves the transfer as it is (§5.1)") {
    Led c;
    c.leader().submit(3);
    c.answer(3, 15);
    c.leader().take_snapshot(15);
    c.leader().step(event::unreachable(2));
    c.heartbeat(); /* the log begins at 16: server 2 gets the snapshot */
    c.answer(2, acknowledged);
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    const auto round = c.heartbeat()->append_entries.round;
    c.reject(15, 5, round);
    REQUIRE(c.losses() == 1);
    REQUIRE(c.leader().match(2) == 0);
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_SNAPSHOT);

    /* What it had of the snapshot counts only if it says so after the loss. */
    AppendResult r = c.result();
    r.snapshot = 15;
    r.offset = 10;
    r.round = round;
    c.leader().receive(2, r);
    REQUIRE(c.leader().progress(2).snapshot_offset == 0);
    r.round = c.heartbeat()->append_entries.round;
    c.leader().receive(2, r);
    REQUIRE(c.leader().progress(2).snapshot_offset == 10);
}

TEST_CASE("A peer without rounds that lost data follows the log after the snapshot (§5.1)") {
    Led c(RAFT_FEATURE_CAPACITY);
    c.leader().take_snapshot(acknowledged);
    for (int i = 0; i < 20 && c.losses() == 0; ++i) {
        c.heartbeat();
        c.reject(acknowledged, 5);
    }
    REQUIRE(c.losses() == 1);
    const Message whole = c.take(1, 2, RAFT_INSTALL_SNAPSHOT);
    REQUIRE(whole->install_snapshot.last_index == acknowledged);
    REQUIRE(c.leader().match(2) == acknowledged); /* its answers do not tell old from new */
    c.answer(2, acknowledged);
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c.leader().progress(2).next == acknowledged + 1);
}

TEST_CASE("Without rounds, a refusal of an earlier term shows no loss of data (§3.3)") {
    Led c(RAFT_FEATURE_CAPACITY);
    for (int i = 0; i < 30; ++i) {
        c.heartbeat();
        c.reject(acknowledged, acknowledged); /* its log reaches the entry that it rejects */
    }
    REQUIRE(c.losses() == 0);
    REQUIRE(c.leader().match(2) == acknowledged);
    REQUIRE(c.leader().progress(2).next == acknowledged + 1);
}
