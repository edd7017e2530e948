/* SPDX-License-Identifier: MIT */
/* Starting from any legal persisted state; others are refused. */
#include "catch.hpp"
#include "cluster.hpp"

#include <cstring>

using namespace scenario;

namespace {

/* A raft that is initialised but not started, and the event to start it. */
struct Boot : Lone {
    explicit Boot(const Draw &d) : Lone(d.id == 0 ? 1 : d.id), e(event::start(d)) {}

    int start(raft_time now = 1000) { return step(e, now); }
    /* A refused start changes nothing: a legal one after it behaves like a first one. */
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

TEST_CASE("A pristine server has no deadline and changes nothing") {
    Cluster c({Draw{.id = 1}});
    REQUIRE(c[1].deadline() == kNoDeadline); /* no deadline */
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
    /* It follows a leader. */
    c[1].receive(2, AppendEntries{.term = 3, .log = "1[1 2] 2", .commit = 1});
    REQUIRE(c[1].last() == 2);
    REQUIRE(c[1].leader() == 2);
    REQUIRE(c[1].commit() == 1);
}

TEST_CASE("The commit index after a start") {
    SECTION("is the snapshot's index") {
        Cluster c(
            {{.id = 1, .term = 3, .log = "3 3", .start = 6, .snapshot = {5, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].commit() == 5);
        REQUIRE(c[1].last() == 7);
        REQUIRE(c[1].stored() == 7);
        REQUIRE(raft_first_index(c[1].handle()) == 6);
        REQUIRE(c[1].conf() == "1 2 3");
    }
    SECTION("is 1 if the log has entry 1") {
        Cluster c({{.id = 1, .log = "1[1 2 3] 1 2"}});
        REQUIRE(c[1].commit() == 1);
        REQUIRE(c[1].flag(RAFT_UPDATE_COMMIT_INDEX));
    }
    SECTION("is 0 otherwise") {
        Cluster c({{.id = 1, .term = 4, .vote = 2}});
        REQUIRE(c[1].commit() == 0);
        REQUIRE(c[1].term() == 4);
        REQUIRE(c[1].vote() == 2);
    }
}

TEST_CASE("A snapshot may have trailing entries, a log right after it, or no log") {
    SECTION("trailing") {
        Cluster c({{.id = 1, .log = "1 2 2 3", .start = 4, .snapshot = {6, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].terms() == "1 2 2 3");
        REQUIRE(c[1].commit() == 6);
        REQUIRE(raft_first_index(c[1].handle()) == 4);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    }
    SECTION("trailing entries that end with the snapshot") {
        Cluster c(
            {{.id = 1, .log = "1[1 2 3] 1 2 2", .start = 1, .snapshot = {4, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].last() == 4);
        REQUIRE(c[1].commit() == 4);
        REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_ENTRIES));
    }
    SECTION("no log") {
        Cluster c({{.id = 1, .term = 5, .snapshot = {4, 2}, .conf = "1 2 3"}});
        REQUIRE(c[1].last() == 4);
        REQUIRE(c[1].stored() == 4);
        REQUIRE(raft_term_of(c[1].handle(), 4) == 2);
        REQUIRE(raft_first_index(c[1].handle()) == 5);
    }
    SECTION("a configuration whose index was not recorded: that of the snapshot stands for it") {
        Lone lone;
        REQUIRE(
            lone.step(event::start(
                {.term = 5, .start = 5, .snapshot = {4, 2}, .conf = "1 2 3", .conf_index = 0})) ==
            0);
        raft_configuration conf;
        raft_index index;
        REQUIRE(raft_configuration_at(&lone.r, 4, &conf, &index) == 0);
        REQUIRE(Configuration(conf).str() == "1 2 3");
        REQUIRE(index == 4);
    }
    SECTION("no log, of a sole voter, which leads at once") {
        Cluster c({{.id = 1, .term = 5, .vote = 1, .snapshot = {4, 2}, .conf = "1"}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == 6);
        REQUIRE(c[1].commit() == 5);
    }
}

/* A snapshot was received and written, then the power failed before the old log was
 * dropped: the log ends before the snapshot, or has another term there. */
TEST_CASE("A crash between writing a snapshot and dropping the log") {
    const char *log = "";
    raft_index start = 1;
    SECTION("the log ends before the snapshot") { log = "1[1 2 3] 1 1"; }
    SECTION("the log ends one entry before it") { log = "1[1 2 3] 1 1 1 1 1 1"; }
    SECTION("the log has another term there") { log = "1[1 2 3] 1 1 1 1 1 1 1 2 2"; }
    SECTION("the log has another term there, and begins late") {
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
    REQUIRE(c[1].log.first == 9); /* the update drops all and continues at 9 */
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
    SECTION("a log that begins after index 1, without a snapshot") {
        Boot({.term = 3, .log = "3", .start = 2}).refused(RAFT_CORRUPT);
    }
    SECTION("a log that begins at 0") {
        Boot({.term = 3, .log = "1[1] 1", .start = 0}).refused(RAFT_CORRUPT);
    }
    SECTION("terms that fall") { Boot({.term = 3, .log = "1[1 2 3] 3 2"}).refused(RAFT_CORRUPT); }
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
    SECTION("a first entry that is not a configuration") {
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

TEST_CASE("RAFT_START refuses contradictory settings") {
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

TEST_CASE("A server outside the configuration of its log starts as no member") {
    Cluster c({{.id = 9, .log = "1[1 2 3] 1[1 2 3 4s]"}});
    REQUIRE(raft_role(c[9].handle()) == -1);
}

TEST_CASE("A log that begins with the last entry of the snapshot is accepted") {
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
    SECTION("it is the snapshot's") {
        Cluster c({{.id = 1,
                    .log = "1 2",
                    .start = 6,
                    .snapshot = {5, 1},
                    .conf = "1",
                    .conf_index = 4}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].commit() == 8);
    }
    SECTION("it is a trailing entry, the last one of the snapshot") {
        Cluster c({{.id = 1,
                    .log = "1[1 2 3] 1 1[1 2] 2[1] 2",
                    .snapshot = {4, 2},
                    .conf = "1",
                    .conf_index = 4}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].commit() == 6);
    }
}

TEST_CASE(
    "A sole voter by a later entry waits an election timeout before it leads (§3.4, §6.4.1)") {
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
