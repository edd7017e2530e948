/* SPDX-License-Identifier: MIT */
/* What the stage itself must notice. Each case beside an honest one is broken on purpose, in one
 * thing: it must fail. */
#include "catch.hpp"
#include "checks.hpp"
#include "cluster.hpp"

using namespace story;

namespace {

View then() {
    View v;
    v.term = 3;
    v.vote = 2;
    v.commit = 5;
    return v;
}

/* A step that brings a vote and a commit: what `change` makes of that. */
template <class Change>
void judge_flags(Change change) {
    View before = then(), after = then();
    before.vote = 0;
    after.commit = 6;
    raft_update u{};
    u.flags = RAFT_UPDATE_VOTED_FOR | RAFT_UPDATE_COMMIT_INDEX;
    change(before, after, u);
    check_flags(before, after, u);
}

/* An AppendEntries of a leader that holds entries 1 and 2: what `change` makes of it. */
template <class Change>
void judge_message(Change change) {
    Cluster c({Draw{.id = 1, .log = "1[1]"}});
    struct raft *r = &c[1].raft;
    raft_message m{};
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = 2;
    m.server_address = "s2";
    m.append_entries = {1, raft_current_term(r), 1, raft_term_of(r, 1), 1, nullptr, 1, 0};
    change(m);
    check_message(r, true, m);
}

} // namespace

TEST_CASE("What is honest is not complained of") {
    judge_flags([](View &, View &, raft_update &) {});
    judge_message([](raft_message &) {});
    Cluster c({{.id = 1, .log = "1[1 2]"}, {.id = 2, .log = "1[1 2]"}});
}

TEST_CASE("A flag that is missing is noticed", "[!shouldfail]") {
    judge_flags([](View &, View &after, raft_update &) { after.state = RAFT_CANDIDATE; });
}

TEST_CASE("A flag without a change is noticed", "[!shouldfail]") {
    judge_flags([](View &, View &, raft_update &u) { u.flags |= RAFT_UPDATE_LEADER; });
}

TEST_CASE("A flag that nobody knows is noticed", "[!shouldfail]") {
    judge_flags([](View &, View &, raft_update &u) { u.flags |= 1U << 13; });
}

TEST_CASE("A commit index that falls is noticed", "[!shouldfail]") {
    judge_flags([](View &, View &after, raft_update &) { after.commit = 4; });
}

TEST_CASE("A second vote in one term is noticed", "[!shouldfail]") {
    judge_flags([](View &before, View &, raft_update &) { before.vote = 1; });
}

TEST_CASE("A term that falls is noticed", "[!shouldfail]") {
    judge_flags([](View &, View &after, raft_update &u) {
        after.term = 2;
        u.flags |= RAFT_UPDATE_CURRENT_TERM;
    });
}

TEST_CASE("A message with entries that are not there is noticed", "[!shouldfail]") {
    judge_message([](raft_message &m) { m.append_entries.n_entries = 2; });
}

TEST_CASE("A message with a wrong previous term is noticed", "[!shouldfail]") {
    judge_message([](raft_message &m) { m.append_entries.prev_log_term++; });
}

TEST_CASE("A message to itself is noticed", "[!shouldfail]") {
    judge_message([](raft_message &m) { m.server_id = 1; });
}

TEST_CASE("Two leaders of one term are noticed: election safety", "[!shouldfail]") {
    Cluster c({{.id = 1, .term = 3, .log = "1[1 2]"}, {.id = 2, .term = 3, .log = "1[1 2]"}});
    c.led(c[1]);
    c.led(c[2]);
}

TEST_CASE("Other entries at one index are noticed: state machine safety", "[!shouldfail]") {
    Cluster c({{.id = 1, .log = "1[1 2]"}, {.id = 2, .log = "1[1 2]"}});
    c.committed(c[1], 9, Entry{1, RAFT_COMMAND, "one"});
    c.committed(c[2], 9, Entry{1, RAFT_COMMAND, "another"});
}
