/* SPDX-License-Identifier: MIT */
/* The leader's side of sending a snapshot (§5.1): when a chunk is sent, when it is sent again, and
 * which snapshot it belongs to. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

constexpr raft_time timeout = 30000; /* of a chunk that is not acknowledged: the default */

/* Server 1 leads in term 3, with a snapshot at 8 and no log before it. Server 2 needs the snapshot;
 * it and server 3 are played. */
struct Led : Cluster {
    explicit Led(std::function<void(raft *)> set = {})
        : Cluster({Draw{.id = 1,
                        .term = 2,
                        .log = "",
                        .snapshot = {8, 2},
                        .conf = "1 2 3",
                        .set = std::move(set)}}) {
        chunk_size = 10;
        win(1, {3});
    }
    Server &leader() { return (*this)[1]; }
    AppendResult answer(raft_index snapshot = 0, unsigned long long offset = 0) const {
        return {.term = 3, .round = round, .snapshot = snapshot, .offset = offset};
    }
    /* Server 2 says that it has nothing. */
    void begin() { leader().receive(2, AppendResult{.term = 3, .rejected = 8, .last = 0}); }
    Message chunk() { return take(1, 2, RAFT_INSTALL_SNAPSHOT); }
    /* How many chunks are on their way to server 2. */
    size_t chunks() {
        size_t n = 0;
        while (count(1, 2) > 0) {
            n += take(1, 2)->type == RAFT_INSTALL_SNAPSHOT;
        }
        return n;
    }
    /* A heartbeat interval passes. Server 3 answers. */
    void tick() {
        expire(1);
        leader().receive(3, AppendResult{.term = 3, .last = leader().last()});
    }
    /* So many milliseconds pass, in which server 2 answers every heartbeat. Returns the number of
     * chunks that it is sent. */
    size_t run_with_answers(raft_time ms, const AppendResult &answer) {
        size_t n = 0;
        for (const raft_time end = now + ms; now < end;) {
            tick();
            leader().receive(2, answer);
            n += chunks();
        }
        return n;
    }
    size_t run_in_silence(raft_time ms, bool reported) {
        size_t n = 0;
        for (const raft_time end = now + ms; now < end;) {
            tick();
            if (reported) {
                leader().step(event::unreachable(2));
            }
            n += chunks();
        }
        return n;
    }

    unsigned long long round = 0;
};

} // namespace

TEST_CASE("A snapshot leaves only for a server that has answered in this term") {
    Led c;
    c.drop();
    c.leader().step(
        event::unreachable(2)); /* its features, known from the election, are forgotten */
    for (int i = 0; i < 20; ++i) {
        c.tick();
        REQUIRE(c.chunks() == 0);
    }
    c.begin();
    const Message m = c.chunk();
    REQUIRE(m->install_snapshot.version == 1); /* never version 0 where all announce chunks */
    REQUIRE(m->install_snapshot.offset == 0);
}

TEST_CASE("Features are forgotten when a server was silent for an election timeout") {
    Led c;
    c.begin();
    REQUIRE(c.chunk()->install_snapshot.version == 1);
    c.leader().receive(2, c.answer(8, 10));
    REQUIRE(c.chunk()->install_snapshot.offset == 10);
    REQUIRE(c.run_in_silence(timeout + 2000, false) == 0);
    c.tick();
    const Message ask = c.take(1, 2);
    REQUIRE(ask->type == RAFT_APPEND_ENTRIES);
    REQUIRE(ask->append_entries.version == 0);
    REQUIRE(ask->append_entries.prev_log_index == 8);
    /* It comes back as an older version: the first thing that it is sent is a whole snapshot. */
    c.leader().receive(
        2,
        AppendResult{
            .term = 3, .rejected = 8, .last = 0, .features = RAFT_FEATURE_CAPACITY, .version = 2});
    const Message m = c.chunk();
    REQUIRE(m->install_snapshot.version == 0);
}

TEST_CASE("A chunk is sent again only after its timeout, whatever other answers say") {
    Led c;
    c.begin();
    REQUIRE(c.chunks() == 1);
    SECTION("the first chunk") {
        REQUIRE(c.run_with_answers(timeout - 200, c.answer()) == 0);
        REQUIRE(c.run_with_answers(400, c.answer()) == 1);
    }
    SECTION("one in the middle") {
        c.leader().receive(2, c.answer(8, 10));
        REQUIRE(c.chunks() == 1);
        REQUIRE(c.run_with_answers(timeout - 200, c.answer(8, 10)) == 0);
        REQUIRE(c.run_with_answers(400, c.answer(8, 10)) == 1);
    }
}

TEST_CASE("A chunk that was lost with a report is sent again when the server answers") {
    Led c;
    c.begin();
    c.leader().receive(2, c.answer(8, 10));
    REQUIRE(c.chunks() == 2);
    c.leader().step(event::unreachable(2));
    REQUIRE(c.chunks() == 0);
    c.tick();
    REQUIRE(c.chunks() == 0);
    c.leader().receive(2, c.answer(8, 10));
    REQUIRE(c.chunk()->install_snapshot.offset == 10);
}

TEST_CASE("A dead server is not sent a snapshot at each heartbeat") {
    Led c;
    c.begin();
    REQUIRE(c.chunks() == 1);
    SECTION("that is reported as unreachable") { REQUIRE(c.run_in_silence(60000, true) == 0); }
    SECTION("that is silent") { REQUIRE(c.run_in_silence(60000, false) == 0); }
}

TEST_CASE("A server that is up to date is sent no snapshot when it is reported as unreachable") {
    Cluster c(
        {Draw{.id = 1, .term = 2, .log = "2 2", .start = 9, .snapshot = {8, 2}, .conf = "1 2 3"}});
    c.win(1, {3});
    for (int i = 0; i < 20; ++i) {
        c[1].step(event::unreachable(2));
        c.expire(1);
        c[1].receive(3, AppendResult{.term = 3, .last = 11});
    }
    c[1].receive(2, AppendResult{.term = 3, .last = 10});
    while (c.count(1, 2) > 0) {
        REQUIRE(c.take(1, 2)->type == RAFT_APPEND_ENTRIES);
    }
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
}

TEST_CASE("A leader that no longer sends chunks sends the whole snapshot after the timeout") {
    Led c;
    c.begin();
    c.leader().receive(2, c.answer(8, 10));
    REQUIRE(c.chunks() == 2);
    c.leader().set([](raft *r) { REQUIRE(raft_set_features(r, RAFT_FEATURE_ROUNDS) == 0); });
    size_t whole = 0;
    for (const raft_time end = c.now + timeout + 500; c.now < end;) {
        c.tick();
        c.leader().receive(2, c.answer(8, 10));
        while (c.count(1, 2) > 0) {
            const Message m = c.take(1, 2);
            if (m->type == RAFT_INSTALL_SNAPSHOT) {
                REQUIRE(m->install_snapshot.version == 0);
                whole++;
            }
        }
    }
    REQUIRE(whole == 1);
}

TEST_CASE("A transfer goes on with its snapshot when the leader takes newer ones") {
    Led c;
    c.begin();
    REQUIRE(c.chunks() == 1);
    unsigned long long offset = 0;
    for (int i = 0; i < 4; ++i) {
        c.leader().submit();
        c.leader().receive(3, AppendResult{.term = 3, .last = c.leader().last()});
        c.leader().take_snapshot(c.leader().commit());
        REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) == 8);
        REQUIRE(raft_first_index(c.leader().handle()) == 9); /* the log is kept from there on */
        offset += 10;
        c.sleep(3000);
        c.leader().receive(2, c.answer(8, offset));
        const Message m = c.chunk();
        REQUIRE(m->install_snapshot.last_index == 8);
        REQUIRE(m->install_snapshot.offset == offset);
        REQUIRE(c.leader().progress(2).snapshot_index == 8);
        REQUIRE(c.leader().progress(2).snapshot_offset == offset);
        c.tick();
        c.drop();
    }
    SECTION("it ends: the log follows") {
        c.leader().receive(2, AppendResult{.term = 3, .last = 8});
        REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_PIPELINE);
        REQUIRE(c.take(1, 2)->append_entries.prev_log_index == 8);
        REQUIRE(c.leader().progress(2).snapshot_index == 0);
        REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) ==
                raft_snapshot_index(c.leader().handle()));
        c.leader().submit();
        c.leader().receive(3, AppendResult{.term = 3, .last = c.leader().last()});
        c.leader().take_snapshot(c.leader().commit());
        REQUIRE(raft_first_index(c.leader().handle()) == c.leader().commit() + 1);
    }
    SECTION("no chunk is acknowledged for the timeout: the newest is sent") {
        c.run_with_answers(timeout - 4000, c.answer(8, offset));
        REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) == 8);
        REQUIRE(c.run_with_answers(4200, c.answer(8, offset)) == 1);
        REQUIRE(c.leader().progress(2).snapshot_index == raft_snapshot_index(c.leader().handle()));
        REQUIRE(c.leader().progress(2).snapshot_offset == 0);
        REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) ==
                raft_snapshot_index(c.leader().handle()));
    }
    SECTION("the server is silent: the old snapshot is not kept for ever") {
        REQUIRE(c.run_in_silence(timeout + 200, false) == 0);
        REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) ==
                raft_snapshot_index(c.leader().handle()));
    }
    SECTION("the caller gives the old snapshot up") {
        c.leader().step(event::unreachable(2));
        REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) ==
                raft_snapshot_index(c.leader().handle()));
        c.leader().receive(2, c.answer(8, offset));
        const Message m = c.chunk();
        REQUIRE(m->install_snapshot.last_index == raft_snapshot_index(c.leader().handle()));
        REQUIRE(m->install_snapshot.offset == 0);
    }
}

TEST_CASE("A transfer that has not begun uses the newest snapshot") {
    Led c;
    c.drop();
    c.leader().step(event::unreachable(2));
    c.tick(); /* the leader asks for the server's features */
    c.leader().submit();
    c.leader().receive(3, AppendResult{.term = 3, .last = 10});
    c.leader().take_snapshot(10);
    REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) == 10);
    c.drop();
    c.leader().receive(2, AppendResult{.term = 3, .rejected = 8, .last = 0});
    c.tick();
    c.leader().receive(2, AppendResult{.term = 3, .rejected = 10, .last = 0});
    bool sent = false;
    while (c.count(1, 2) > 0) {
        const Message m = c.take(1, 2);
        if (m->type == RAFT_INSTALL_SNAPSHOT) {
            REQUIRE(m->install_snapshot.last_index == 10);
            sent = true;
        }
    }
    REQUIRE(sent);
}

TEST_CASE("A whole snapshot replaces half of one in chunks") {
    Cluster c({Draw{.id = 1, .term = 2, .log = "1[1 2 3] 1 1"}});
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {8, 2}, .bytes = 10});
    REQUIRE(c[1].incoming.data.size() == 10);
    c[1].receive(2, InstallSnapshot{.term = 2, .last = {8, 2}, .version = 0});
    REQUIRE(raft_snapshot_index(c[1].handle()) == 8);
    REQUIRE(c[1].commit() == 8);
}

TEST_CASE("No chunk leaves while the features of a server are not known") {
    Led c;
    c.leader().receive({2, 3}, AppendResult{.term = 3, .last = 9});
    c.leader().submit();
    c.leader().receive(3, AppendResult{.term = 3, .last = 10});
    c.leader().step(event::unreachable(2));
    c.leader().take_snapshot(10); /* the entries that server 2 lacks are compacted */
    c.drop();
    c.tick();
    REQUIRE(c.leader().progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    REQUIRE(c.chunks() == 0);
    c.leader().receive(2, AppendResult{.term = 3, .rejected = 10, .last = 9});
    REQUIRE(c.chunk()->install_snapshot.version == 1);
}

TEST_CASE("After a server lost a part of a snapshot, its earlier answers do not count (§5.1)") {
    Led c;
    c.begin();
    c.leader().receive(2, c.answer(8, 10));
    c.leader().receive(2, c.answer(8, 20));
    REQUIRE(c.chunks() == 3);
    c.tick();
    AppendResult lost = c.answer();
    lost.round = c.take(1, 2)->append_entries.round;
    REQUIRE(lost.round > 0);
    c.leader().receive(2, lost);
    REQUIRE(c.chunk()->install_snapshot.offset == 0);
    c.leader().receive(2, c.answer(8, 20)); /* from before */
    REQUIRE(c.chunks() == 0);
    REQUIRE(c.leader().progress(2).snapshot_offset == 0);
}

TEST_CASE("A transfer that was interrupted goes on when the leader takes a newer snapshot") {
    Led c;
    c.begin();
    c.leader().receive(2, c.answer(8, 10));
    REQUIRE(c.chunks() == 2);
    c.leader().step(event::unreachable(2));
    c.leader().submit();
    c.leader().receive(3, AppendResult{.term = 3, .last = c.leader().last()});
    c.leader().take_snapshot(c.leader().commit());
    REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) == 8);
    c.leader().receive(2, c.answer(8, 10));
    const Message m = c.chunk();
    REQUIRE(m->install_snapshot.last_index == 8);
    REQUIRE(m->install_snapshot.offset == 10);
}

TEST_CASE("A server that was silent for an election timeout is asked before it gets a snapshot") {
    const bool silent = GENERATE(false, true);
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(8);
    c[1].receive(3, AppendResult{.term = 2, .last = 10});
    c[1].take_snapshot(10);
    c.drop();
    c.sleep(silent ? 1000 : 999);
    c[1].step(event::sent(2, 5)); /* entry 6 is needed, and compacted */
    const Message m = c.take(1, 2);
    if (silent) {
        REQUIRE(m->type == RAFT_APPEND_ENTRIES);
        REQUIRE(m->append_entries.prev_log_index == 10);
        REQUIRE(m->append_entries.n_entries == 0);
    } else {
        REQUIRE(m->type == RAFT_INSTALL_SNAPSHOT);
        REQUIRE(m->install_snapshot.last_index == 10);
    }
}

TEST_CASE("A transfer whose first chunk was lost with a report begins with the newest snapshot") {
    Led c;
    c.begin();
    REQUIRE(c.chunks() == 1);
    c.leader().step(event::unreachable(2));
    c.leader().submit();
    c.leader().receive(3, AppendResult{.term = 3, .last = c.leader().last()});
    const raft_index newest = c.leader().commit();
    c.leader().take_snapshot(newest);
    REQUIRE(raft_oldest_snapshot_index(c.leader().handle()) == newest);
    c.leader().receive(2, c.answer());
    const Message m = c.chunk();
    REQUIRE(m->install_snapshot.last_index == newest);
    REQUIRE(m->install_snapshot.offset == 0);
}
