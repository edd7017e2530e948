/* SPDX-License-Identifier: MIT */
/* Messages that no correct server sends, and hostile bits, are refused. */
#include "catch.hpp"
#include "cluster.hpp"

#include <cstring>

using namespace scenario;

namespace {

const raft_term over = (1ull << 62) + 1;

template <typename Draft>
void refused(const Draft &d, int code = RAFT_MALFORMED) {
    /* By a follower that knows its leader, with something committed, and by a leader. */
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 2 3"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {4, 3}, .commit = 3});
    c[1].refuses(code, 2, d);
}

void refused_when(const std::function<void(raft_message &)> &spoil, const Message &good) {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 2 3"}});
    c[1].refuses(RAFT_MALFORMED, event::falsified(event::receive(good), [&](raft_event &e) {
                     spoil(*e.receive.message);
                 }));
}

} // namespace

TEST_CASE("AppendEntries with illegal terms and indexes") {
    refused(AppendEntries{.term = 0, .prev = {1, 1}});
    refused(AppendEntries{.term = over, .prev = {1, 1}});
    refused(AppendEntries{.term = 3, .prev = {0, 1}});
    refused(AppendEntries{.term = 3, .prev = {2, 0}});
    refused(AppendEntries{.term = 3, .prev = {4, 4}});
    refused(AppendEntries{.term = 3, .prev = {over, 3}});
    refused(AppendEntries{.term = 3, .prev = {4, 3}, .commit = over});
    refused(AppendEntries{.term = 3, .prev = {4, 3}, .log = "4"});
    refused(AppendEntries{.term = 3, .prev = {4, 3}, .log = "0"});
    refused(AppendEntries{.term = 3, .prev = {4, 3}, .log = "2"});
    refused(AppendEntries{.term = 4, .prev = {4, 3}, .log = "4 3"});
}

TEST_CASE("AppendEntries with illegal entries") {
    auto good = [] {
        return draft(2, 1, AppendEntries{.term = 3, .prev = {4, 3}, .log = "3 3[1 2 3 4s]"});
    };
    for (unsigned type : {0u, 4u, 255u, 0x7fffffffu}) {
        refused_when(
            [=](raft_message &m) {
                std::memcpy(&m.append_entries.entries[0].type, &type, sizeof type);
            },
            good());
    }
    refused_when([](raft_message &m) { m.append_entries.entries = nullptr; }, good());
    auto junk = good();
    junk.entries[1].set_bytes("junk");
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 2 3"}});
    c[1].refuses(RAFT_MALFORMED, event::receive(junk));
    for (const char *conf : {"1 2 2", "0 1 2"}) {
        auto bad = good();
        bad.entries[1].set_bytes(encode(conf));
        c[1].refuses(RAFT_MALFORMED, event::receive(bad));
    }
    /* Cut at every byte. */
    const std::string whole = encode("1 2 3 4s");
    for (size_t n = 0; n + 7 < whole.size(); ++n) {
        auto bad = good();
        bad.entries[1].set_bytes(whole.substr(0, n));
        INFO("cut at " << n);
        c[1].refuses(RAFT_MALFORMED, event::receive(bad));
    }
}

TEST_CASE("AppendEntries of a second leader in one term are refused") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 2 3"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {4, 3}});
    c[1].refuses(RAFT_MALFORMED, 3, AppendEntries{.term = 3, .prev = {4, 3}});
    Cluster d({{.id = 1, .log = "1[1 2 3]"}});
    d.win(1, {2});
    d[1].refuses(RAFT_MALFORMED, 3, AppendEntries{.term = 2, .prev = {1, 1}});
    d[1].refuses(RAFT_MALFORMED, 3, InstallSnapshot{.term = 2, .last = {9, 2}, .data = "x"});
}

TEST_CASE("A faulty leader truncates entries of its own term: only existing ones commit") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1"}});
    c[1].receive(2, AppendEntries{.term = 4, .prev = {2, 1}, .log = "4 4 4 4", .commit = 2});
    c[1].receive(2, AppendEntries{.term = 4, .prev = {2, 1}, .log = "3 3", .commit = 9});
    REQUIRE(c[1].terms() == "1 1 3 3");
    REQUIRE(c[1].commit() == 4);
}

TEST_CASE("A snapshot that ends within the matched log removes what follows") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1"}});
    c.judge.checks_logs = false; /* the leader makes entry 5 twice */
    c[1].receive(2, AppendEntries{.term = 4, .prev = {2, 1}, .log = "4 4 4 4", .commit = 2});
    c[1].receive(2, InstallSnapshot{.term = 4, .last = {4, 3}});
    REQUIRE(c[1].last() == 4);
    c[1].receive(2, AppendEntries{.term = 4, .prev = {4, 3}, .log = "4", .commit = 9});
    REQUIRE(c[1].commit() == 5);
}

TEST_CASE("A conflict with a committed entry is refused as RAFT_CORRUPT") {
    refused(AppendEntries{.term = 3, .prev = {1, 1}, .log = "2"}, RAFT_CORRUPT);
    refused(AppendEntries{.term = 4, .prev = {2, 1}, .log = "3"}, RAFT_CORRUPT);
    refused(AppendEntries{.term = 3, .prev = {0, 0}, .log = "2[1 2 3]"}, RAFT_CORRUPT);
    /* Entry 4 is not committed: it is replaced. */
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2 3] 1 2 3"}});
    c[1].receive(2, AppendEntries{.term = 4, .prev = {3, 2}, .log = "4", .commit = 3});
    REQUIRE(c[1].terms() == "1 1 2 4");
}

TEST_CASE("Illegal RequestVotes") {
    refused(RequestVote{.term = 0, .last = {1, 1}});
    refused(RequestVote{.term = over, .last = {1, 1}});
    refused(RequestVote{.term = 4, .last = {over, 1}});
    refused(RequestVote{.term = 4, .last = {9, 5}});
    refused(RequestVote{.term = 4, .last = {0, 1}});
    refused(RequestVote{.term = 4, .last = {1, 0}});
    refused_when([](raft_message &m) { m.request_vote.candidate_id = 3; },
                 draft(2, 1, RequestVote{.term = 4, .last = {1, 1}}));
    refused_when([](raft_message &m) { m.request_vote.candidate_id = 0; },
                 draft(2, 1, RequestVote{.term = 4, .last = {1, 1}}));
}

TEST_CASE("Illegal results and TimeoutNow") {
    /* A vote result of term 0 is legal: a pristine server refuses within its timeout. */
    refused(VoteResult{.term = over});
    refused(AppendResult{.term = 0});
    refused(AppendResult{.term = over});
    refused(AppendResult{.term = 3, .last = over});
    refused(AppendResult{.term = 3, .rejected = over});
    refused(TimeoutNow{.term = 0, .last = {1, 1}});
    refused(TimeoutNow{.term = over, .last = {1, 1}});
}

TEST_CASE("Illegal InstallSnapshots") {
    const InstallSnapshot good{.term = 3, .last = {9, 3}, .data = "bytes"};
    auto with = [&](const std::function<void(InstallSnapshot &)> &change) {
        InstallSnapshot bad = good;
        change(bad);
        refused(bad);
    };
    with([](InstallSnapshot &s) { s.term = 0; });
    with([](InstallSnapshot &s) { s.term = over; });
    with([](InstallSnapshot &s) { s.last = {0, 1}; });
    with([](InstallSnapshot &s) { s.last = {9, 0}; });
    with([](InstallSnapshot &s) { s.last = {9, 4}; });
    with([](InstallSnapshot &s) { s.last = {over, 3}; });
    with([](InstallSnapshot &s) { s.conf = ""; });
    with([](InstallSnapshot &s) { s.conf = "1 2 2"; });
    with([](InstallSnapshot &s) { s.conf = "0 1 2"; });
    with([](InstallSnapshot &s) { s.conf_index = 0; });
    with([](InstallSnapshot &s) { s.conf_index = 10; });
    refused_when([](raft_message &m) { m.install_snapshot.data.base = nullptr; },
                 draft(2, 1, good));
    refused_when([](raft_message &m) { m.install_snapshot.conf.servers[1].role = 99; },
                 draft(2, 1, good));
    refused_when([](raft_message &m) { m.install_snapshot.conf.servers[1].address = nullptr; },
                 draft(2, 1, good));
    refused_when([](raft_message &m) { m.install_snapshot.conf.servers = nullptr; },
                 draft(2, 1, good));
}

TEST_CASE("Every non-zero bool is true") {
    for (int bits : {1, 2, 0x80, 0xff}) {
        Cluster c({{.id = 1, .log = "1[1 2 3]"}});
        c.sleep(1100);
        auto e =
            event::falsified(event::receive(draft(2, 1, RequestVote{.term = 5, .last = {1, 1}})),
                             [bits](raft_event &raw) {
                                 std::memset(&raw.receive.message->request_vote.pre_vote, bits, 1);
                             });
        c[1].step(e);
        REQUIRE(c[1].term() == 1); /* a pre-vote: nothing changed */
        REQUIRE(c.take(1, 2)->request_vote_result.pre_vote);
        c.expire(1);
        e = event::falsified(event::receive(draft(2, 1, VoteResult{.term = 2})),
                             [bits](raft_event &raw) {
                                 auto &r = raw.receive.message->request_vote_result;
                                 std::memset(&r.vote_granted, bits, 1);
                                 std::memset(&r.pre_vote, bits, 1);
                             });
        c[1].step(e);
        REQUIRE(c[1].term() == 2); /* a pre-vote granted */
    }
}

TEST_CASE("Padding, reserved space and fields of other members are not read") {
    Cluster c(Cluster::fresh("1 2 3"));
    auto e = event::falsified(event::timeout(), [](raft_event &raw) {
        raft_event dirty;
        std::memset(static_cast<void *>(&dirty), 0xee, sizeof dirty);
        dirty.time = raw.time;
        dirty.type = raw.type;
        dirty.capacity = raw.capacity;
        std::memcpy(static_cast<void *>(&raw), &dirty, sizeof dirty);
    });
    c.now = c[1].deadline();
    c[1].step(e);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
}

TEST_CASE("Numbers at the end of their range are accepted") {
    const raft_term top = 1ull << 62;
    Cluster c({{.id = 1, .term = top - 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = top, .prev = {1, 1}, .commit = top, .round = top});
    REQUIRE(c[1].term() == top);
    c.run(10000); /* it cannot campaign, but nothing fails */
    REQUIRE(c[1].term() == top);
    REQUIRE_FALSE(c[1].leads());
}

TEST_CASE("A log at the end of the index range takes no further entries") {
    const raft_index top = 1ull << 62;
    Cluster c({{.id = 1, .term = 3, .snapshot = {top - 1, 2}, .conf = "1 2 3"}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {top - 1, 2}, .log = "2"});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {top, 2}, .log = "2"});
    REQUIRE(c[1].last() == top + 1);
    for (const char *log : {"", "2"}) {
        const auto beyond = draft(2, 1, AppendEntries{.term = 3, .prev = {top + 1, 2}, .log = log});
        c[1].refuses(RAFT_MALFORMED, event::receive(beyond));
    }
}

TEST_CASE("A message without an address is refused on the fast path, too") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    const AppendEntries heartbeat{.term = 1, .prev = {1, 1}};
    c[1].receive(2, heartbeat);
    c[1].receive(2, heartbeat);
    c[1].refuses(RAFT_MALFORMED,
                 event::falsified(event::receive(draft(2, 1, heartbeat)), [](raft_event &e) {
                     e.receive.message->server_address = nullptr;
                 }));
}
