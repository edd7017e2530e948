/* SPDX-License-Identifier: MIT */
/* Every number that the library hands out fits a signed 64-bit integer, whatever comes in: not
 * every language has unsigned integers. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

constexpr unsigned long long limit = 1ULL << 62;

Event install(const std::function<void(raft_install_snapshot &)> &falsify) {
    return event::falsified(
        event::receive(draft(2, 1, InstallSnapshot{.term = 2, .last = {9, 1}, .bytes = 8})),
        [falsify](raft_event &e) { falsify(e.receive.message->install_snapshot); });
}

} // namespace

TEST_CASE("No deadline is 2^63 - 1: before the start, and on a server that cannot campaign") {
    Lone lone;
    REQUIRE(raft_timeout(&lone.r) == (1ULL << 63) - 1);
    Cluster c({Draw{.id = 1, .log = "1[2 3 1s]"}});
    REQUIRE(c[1].deadline() == (1ULL << 63) - 1);
}

TEST_CASE("A round above 2^62, which an answer would echo, is malformed (§6.4)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}, .commit = 1, .round = 5});
    for (const char *log : {"", "2"}) { /* also where the fast path would take it */
        c[1].refuses(
            RAFT_MALFORMED, 2,
            AppendEntries{.term = 2, .prev = {1, 1}, .log = log, .commit = 1, .round = limit + 1});
        c[1].refuses(
            RAFT_MALFORMED, 2,
            AppendEntries{.term = 2, .prev = {1, 1}, .log = log, .commit = 1, .round = ~0ULL});
    }
    c.drop();
    c[1].receive(2, AppendEntries{.term = 2, .prev = {1, 1}, .commit = 1, .round = limit});
    REQUIRE(c.result(1, 2).round == limit);
}

TEST_CASE("A round in a message of version 0 is not read") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]"}});
    for (int i = 0; i < 2; i++) {
        c.drop();
        c[1].receive(
            2, AppendEntries{.term = 2, .prev = {1, 1}, .commit = 1, .round = ~0ULL, .version = 0});
        const raft_append_entries_result &r = c[1].update.messages.batch[0].append_entries_result;
        REQUIRE(r.version == 2);
        REQUIRE(r.round == 0);
    }
}

TEST_CASE(
    "A chunk that ends beyond 2^62, which its acknowledgement would tell, is malformed (§5.1)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]"}});
    static char byte;
    c[1].refuses(RAFT_MALFORMED, install([](raft_install_snapshot &is) {
                     is.data = {&byte, SIZE_MAX};
                     is.last = false;
                 }));
    c[1].refuses(RAFT_MALFORMED, install([](raft_install_snapshot &is) {
                     is.offset = limit;
                     is.last = false;
                 }));
    c[1].refuses(RAFT_MALFORMED, install([](raft_install_snapshot &is) {
                     is.offset = ~0ULL;
                     is.last = true;
                 }));
}

TEST_CASE(
    "An acknowledged offset above 2^62, from where the leader would go on, is malformed (§5.1)") {
    Cluster c({Draw{.id = 1, .log = "2", .start = 10, .snapshot = {9, 1}, .conf = "1 2 3"}});
    c.win(1, {2});
    c[1].receive(2, AppendResult{.term = c[1].term(), .rejected = 10, .last = 0});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_SNAPSHOT);
    const auto status = [&](unsigned long long offset, unsigned char version) {
        return AppendResult{.term = c[1].term(),
                            .rejected = 9,
                            .last = 0,
                            .snapshot = 9,
                            .offset = offset,
                            .version = version};
    };
    c[1].refuses(RAFT_MALFORMED, 2, status(~0ULL, 3));
    c[1].refuses(RAFT_MALFORMED, 2, status(limit + 1, 3));
    REQUIRE(c[1].progress(2).snapshot_index == 9);
    REQUIRE(c[1].progress(2).snapshot_offset == 0);
    c[1].receive(2, status(~0ULL, 2)); /* an older version has no such field */
    REQUIRE(c[1].progress(2).snapshot_offset == 0);
}

TEST_CASE("A time above 2^62 is refused, also of events that the fast path takes") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].slow = true;
    c[1].submit();
    const unsigned long long write = c[1].update.entries.write;
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    const Message stored = draft(2, 1, AppendResult{.term = 2, .last = 3});
    for (const Event &e : {event::persisted(3), event::stored(3, write), event::submit(1),
                           event::receive(stored), event::timeout()}) {
        c[1].refuses(RAFT_INVALID, event::falsified(e, [](raft_event &spoiled) {
                         spoiled.time = (1ull << 62) + 1;
                     }));
    }
    c[1].refuses(RAFT_MALFORMED, 2, AppendResult{.term = 2, .last = (1ull << 62) + 1});
    REQUIRE(c[1].stored() == 2);
}
