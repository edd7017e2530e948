/* SPDX-License-Identifier: MIT */
/* Restarting from any legal persisted state, and refusing the others. */
#include "catch.hpp"
#include "cluster.hpp"

#include <cstring>

using namespace scenario;

namespace {

/* A raft that is initialised but not started, and the event to start it. */
struct Boot : Lone {
    explicit Boot(const Draw &d) : Lone(d.id == 0 ? 1 : d.id), e(event::start(d)) {}

    int start(raft_time now = 1000) { return step(e, now); }
    /* A refused start leaves no trace: afterwards a good one behaves as the first. */
    void refused(int code) {
        FailureCheck check;
        check.prepare(r);
        REQUIRE(start() == code);
        REQUIRE(update.flags == 0);
        check.failed(r);
        REQUIRE(std::strlen(raft_errmsg(&r)) > 0);
        Boot good({.term = 3, .log = "1[1 2 3] 2 3"});
        REQUIRE(step(good.e) == 0);
        REQUIRE(good.start() == 0);
        REQUIRE(answers_of(&r) == answers_of(&good.r));
        REQUIRE(text_of(update) == text_of(good.update));
    }
    Event e;
};

} // namespace

TEST_CASE("A pristine server waits, and changes nothing") {
    Cluster c({Draw{.id = 1}});
    REQUIRE(c[1].deadline() == ~raft_time{0}); /* nothing to wait for */
    REQUIRE((c[1].flags() & ~unsigned{RAFT_UPDATE_TIMEOUT}) == 0);
    REQUIRE(c[1].term() == 0);
    REQUIRE(c[1].commit() == 0);
    REQUIRE(c[1].last() == 0);
    REQUIRE(raft_first_index(c[1].handle()) == 1);
    REQUIRE(c[1].conf() == "");
    REQUIRE(raft_role(c[1].handle()) == -1);
    c.run(100000);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == 0);
    /* It follows whoever leads. */
    c[1].receive(2, AppendEntries{.term = 3, .log = "1[1 2] 2", .commit = 1});
    REQUIRE(c[1].last() == 2);
    REQUIRE(c[1].leader() == 2);
    REQUIRE(c[1].commit() == 1);
}

TEST_CASE("Where the commit index starts") {
    SECTION("at the snapshot's index") {
        Cluster c(
            {{.id = 1, .term = 3, .log = "3 3", .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].commit() == 5);
        REQUIRE(c[1].last() == 7);
        REQUIRE(c[1].stored() == 7);
        REQUIRE(raft_first_index(c[1].handle()) == 6);
        REQUIRE(c[1].conf() == "1 2 3");
    }
    SECTION("else at 1 if there is an entry 1") {
        Cluster c({{.id = 1, .log = "1[1 2 3] 1 2"}});
        REQUIRE(c[1].commit() == 1);
        REQUIRE(c[1].flag(RAFT_UPDATE_COMMIT_INDEX));
    }
    SECTION("else at 0") {
        Cluster c({{.id = 1, .term = 4, .vote = 2}});
        REQUIRE(c[1].commit() == 0);
        REQUIRE(c[1].term() == 4);
        REQUIRE(c[1].vote() == 2);
    }
}

TEST_CASE("Legal: a snapshot with trailing entries, with a log right after it, alone") {
    SECTION("trailing") {
        Cluster c({{.id = 1, .log = "1 2 2 3", .start = 4, .snapshot = {6, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].terms() == "1 2 2 3");
        REQUIRE(c[1].commit() == 6);
        REQUIRE(raft_first_index(c[1].handle()) == 4);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    }
    SECTION("ending with the snapshot") {
        Cluster c(
            {{.id = 1, .log = "1[1 2 3] 1 2 2", .start = 1, .snapshot = {4, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].last() == 4);
        REQUIRE(c[1].commit() == 4);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    }
    SECTION("alone") {
        Cluster c({{.id = 1, .term = 5, .snapshot = {4, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].last() == 4);
        REQUIRE(c[1].stored() == 4);
        REQUIRE(raft_term_of(c[1].handle(), 4) == 2);
        REQUIRE(raft_first_index(c[1].handle()) == 5);
    }
    SECTION("alone, of a sole voter, which leads at once") {
        Cluster c({{.id = 1, .term = 5, .snapshot = {4, 2}, .conf = "1"}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == 6);
        REQUIRE(c[1].commit() == 5);
    }
}

/* A snapshot was received and written, then the power failed before the old log was
 * dropped: it ends before the snapshot, or holds another term there. */
TEST_CASE("A crash between writing a snapshot and dropping the log") {
    const char *log = "";
    raft_index start = 1;
    SECTION("the log ends before the snapshot") { log = "1[1 2 3] 1 1"; }
    SECTION("it ends one before it") { log = "1[1 2 3] 1 1 1 1 1 1"; }
    SECTION("another term stands there") { log = "1[1 2 3] 1 1 1 1 1 1 1 2 2"; }
    SECTION("and it begins late itself") {
        log = "1 1";
        start = 4;
    }
    Cluster c({{.id = 1,
                .term = 3,
                .log = log,
                .start = start,
                .snapshot = {8, 2},
                .conf = "1 2 3 4s",
                .conf_index = 5}});
    REQUIRE(c[1].flag(RAFT_UPDATE_ENTRIES));
    REQUIRE(c[1].last() == 8);
    REQUIRE(c[1].log.first == 9); /* the update said: drop all, continue at 9 */
    REQUIRE(c[1].log.empty());
    REQUIRE(c[1].commit() == 8);
    REQUIRE(c[1].conf() == "1 2 3 4s");
    REQUIRE(raft_first_index(c[1].handle()) == 9);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {8, 2}, .log = "3 3"});
    REQUIRE(c[1].terms() == "3 3");
    REQUIRE(c[1].stored() == 10);
    c[1].restart();
    REQUIRE(c[1].terms() == "3 3");
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
}

TEST_CASE("State that no server can have left is refused") {
    SECTION("a gap after the snapshot") {
        Boot({.term = 3, .log = "3", .start = 7, .snapshot = {5, 2}, .conf = "1 2 3"})
            .refused(RAFT_CORRUPT);
    }
    SECTION("a log that begins late, without a snapshot") {
        Boot({.term = 3, .log = "3", .start = 2}).refused(RAFT_CORRUPT);
    }
    SECTION("a log that begins at 0") {
        Boot({.term = 3, .log = "1[1] 1", .start = 0}).refused(RAFT_CORRUPT);
    }
    SECTION("falling terms") { Boot({.term = 3, .log = "1[1 2 3] 3 2"}).refused(RAFT_CORRUPT); }
    SECTION("a term that falls after the snapshot") {
        Boot({.term = 3, .log = "1", .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"})
            .refused(RAFT_CORRUPT);
    }
    SECTION("an entry of term 0") { Boot({.term = 3, .log = "0[1 2 3]"}).refused(RAFT_CORRUPT); }
    SECTION("an entry above the current term") {
        Boot({.term = 3, .log = "1[1 2 3] 4"}).refused(RAFT_CORRUPT);
    }
    SECTION("a snapshot above the current term") {
        Boot({.term = 3, .snapshot = {5, 4}, .conf = "1 2 3"}).refused(RAFT_CORRUPT);
    }
    SECTION("a first entry that is no configuration") {
        Boot({.term = 3, .log = "1 1"}).refused(RAFT_CORRUPT);
    }
    SECTION("term 0 with a vote") { Boot({.term = 0, .vote = 1}).refused(RAFT_CORRUPT); }
    SECTION("term 0 with a log") { Boot({.term = 0, .log = "1[1 2 3]"}).refused(RAFT_CORRUPT); }
    SECTION("term 0 with a snapshot") {
        Boot({.term = 0, .snapshot = {5, 1}, .conf = "1 2 3"}).refused(RAFT_CORRUPT);
    }
    SECTION("numbers out of range") {
        Boot({.term = (1ull << 62) + 1, .log = "1[1 2 3]"}).refused(RAFT_CORRUPT);
    }
}

TEST_CASE("A configuration on disk that cannot be decoded is malformed") {
    Boot boot({.term = 3, .log = "1[1 2 3] 1"});
    std::string payload = boot.e.entries[0].bytes();
    SECTION("another format") { payload[0] = 2; }
    SECTION("cut short") { payload.resize(payload.size() - 8); }
    SECTION("empty") { payload.clear(); }
    SECTION("an unknown role") { payload[1 + 8 + 8 + 3] = 7; }
    SECTION("an ID of 0") { payload[1 + 8] = 0; }
    SECTION("a duplicate ID") { payload = encode("1 2 2"); }
    SECTION("more servers than bytes") { std::memset(&payload[1], 0xff, 8); }
    boot.e.entries[0].set_bytes(payload);
    boot.refused(RAFT_MALFORMED);
}

TEST_CASE("An entry of unknown type on disk is malformed") {
    Boot boot({.term = 3, .log = "1[1 2 3] 1"});
    boot.e.entries[1].set(static_cast<raft_entry_type>(9), "");
    boot.refused(RAFT_MALFORMED);
}

TEST_CASE("A second start is refused") {
    Cluster c(Cluster::fresh("1 2 3"));
    Boot again({.term = 3, .log = "1[1 2 3] 1"});
    c[1].refuses(RAFT_INVALID, again.e);
    again.e = Event(RAFT_START);
    c[1].refuses(RAFT_INVALID, again.e);
}

TEST_CASE("Settings that contradict each other are found by the start") {
    Boot boot({.term = 3, .log = "1[1 2 3] 1"});
    REQUIRE(raft_set_heartbeat_timeout(&boot.r, 5000) == 0); /* any order */
    REQUIRE(boot.start() == RAFT_INVALID);
    REQUIRE(boot.update.flags == 0);
    REQUIRE(raft_set_election_timeout(&boot.r, 9000) == 0);
    REQUIRE(boot.start() == 0);
    REQUIRE(raft_timeout(&boot.r) >= 10000);
}

TEST_CASE("The caller may choose any origin for its clock") {
    for (raft_time origin : {0ull, 1ull, 1ull << 40, (1ull << 62) - 10}) {
        Boot boot({.term = 3, .log = "1[1 2 3] 1"});
        REQUIRE(boot.start(origin) == 0);
        REQUIRE(raft_timeout(&boot.r) >= origin + 1000);
        REQUIRE(raft_timeout(&boot.r) <= origin + 2000);
    }
    Boot boot({.term = 3, .log = "1[1 2 3] 1"});
    REQUIRE(boot.start((1ull << 62) + 1) == RAFT_INVALID);
}

TEST_CASE("A server that is not in its own log's configuration starts as no member") {
    Cluster c({{.id = 9, .log = "1[1 2 3] 1[1 2 3 4s]"}});
    REQUIRE(raft_role(c[9].handle()) == -1);
}

TEST_CASE("A log that begins with the very entry of the snapshot is taken up") {
    Cluster c(
        {{.id = 1, .term = 2, .log = "2 2 2", .start = 8, .snapshot = {8, 2}, .conf = "1 2 3"}});
    REQUIRE(c[1].last() == 10);
    REQUIRE(raft_first_index(c[1].handle()) == 8);
    REQUIRE(raft_term_of(c[1].handle(), 8) == 2);
    REQUIRE(raft_term_of(c[1].handle(), 7) == 0);
}

TEST_CASE("A sole voter whose configuration is known to be committed leads at once (§3.4)") {
    SECTION("it is entry 1") {
        Cluster c({{.id = 1, .log = "1[1 2s] 1 1"}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].commit() == 4);
    }
    SECTION("it came with the snapshot") {
        Cluster c({{.id = 1,
                    .log = "1 2",
                    .start = 6,
                    .snapshot = {5, 1},
                    .conf = "1",
                    .conf_index = 4}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].commit() == 8);
    }
    SECTION("it is the last entry of the snapshot, and trails it") {
        Cluster c({{.id = 1,
                    .log = "1[1 2 3] 1 1[1 2] 2[1] 2",
                    .snapshot = {4, 2},
                    .conf = "1",
                    .conf_index = 4}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].commit() == 6);
    }
}

TEST_CASE("A sole voter of a later entry waits an election timeout, then leads (§3.4, §6.4.1)") {
    const Draw draw =
        GENERATE(Draw{.id = 1, .log = "1[1 2] 1 1[1] 1"}, Draw{.id = 1, .log = "1[1 2] 1[1]"},
                 Draw{.id = 1, .log = "2 2[1]", .start = 6, .snapshot = {5, 2}, .conf = "1 2"},
                 Draw{.id = 1, .log = "2[1]", .start = 6, .snapshot = {5, 2}, .conf = "1 2"});
    Cluster c({draw});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].term() == c[1].log.entries.back().term);
    REQUIRE(c[1].conf() == "1");
    REQUIRE(c[1].deadline() >= c.now + 1000);
    c.expire(1);
    REQUIRE(c[1].leads());
    REQUIRE(c[1].commit() == c[1].last());
    c[1].submit();
    REQUIRE(c[1].commit() == c[1].last());
}
