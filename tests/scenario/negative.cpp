/* SPDX-License-Identifier: MIT */
/* What the judge of Raft's promises must report. Each case falsifies one thing and names the
 * promise that it breaks; the same without a falsification is accepted. */
#include "../driver/judge_step.hpp"
#include "../observe/fields.hpp"
#include "broken.hpp"
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

struct Judged {
    View before, after;
    raft_event e{};
    raft_update u{};
};

/* A step that brings a vote and a commit, falsified by `change`. */
template <class Change>
std::string judge_step(Change change) {
    Judged j;
    j.after.term = j.before.term = 3;
    j.after.vote = 2;
    j.before.commit = 5;
    j.after.commit = 6;
    j.before.timeout = j.after.timeout = 2000;
    j.e.type = RAFT_RECEIVE;
    observe::fill(&j.u);
    j.u.flags = RAFT_UPDATE_VOTED_FOR | RAFT_UPDATE_COMMIT_INDEX;
    change(j);
    return broken([&] {
        check_flags(j.before, j.after, j.e, j.u);
        check_timeout(j.before, j.after, j.e, j.u, 1000);
        check_monotonic(j.before, j.after);
        check_vote(j.before, j.after);
        check_first_index(j.before, j.after, j.e, j.u);
        check_untouched(j.u);
    });
}

/* An AppendEntries of a leader that holds entries 1 and 2, falsified by `change`. */
template <class Change>
std::string judge_message(Change change) {
    Cluster c({{.id = 1, .log = "1[1]"}});
    struct raft *r = c[1].handle();
    raft_message m{};
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = 2;
    m.server_address = "s2";
    m.append_entries = {1, raft_current_term(r), 1, raft_term_of(r, 1), 1, nullptr, 1, 9, false};
    change(m);
    return broken([&] { check_message(r, c[1].before, c[1].view, m); });
}

/* Two voters with one log, judged as a complete cluster. */
struct Two : Cluster {
    Two()
        : Cluster({{.id = 1, .term = 3, .log = "1[1 2]"}, {.id = 2, .term = 3, .log = "1[1 2]"}}) {
        for (raft_id id : {1, 2}) {
            judge.add(&(*this)[id]);
        }
        (*this)[1].view.term = 1; /* as when it made this entry */
        judge.appended((*this)[1], 1, entry(1), 0, true);
        (*this)[1].view.term = 3;
    }
    const Entry &entry(raft_index index) { return (*this)[1].log.at(index); }
    Judge judge{Judge::kComplete};
};

} // namespace

TEST_CASE("Correct steps and messages are accepted") {
    REQUIRE(judge_step([](Judged &) {}) == "");
    REQUIRE(judge_message([](raft_message &) {}) == "");
}

TEST_CASE("Flags tell exactly what changed") {
    REQUIRE(judge_step([](Judged &j) { j.after.state = RAFT_CANDIDATE; }) == "update flags");
    REQUIRE(judge_step([](Judged &j) { j.u.flags |= RAFT_UPDATE_LEADER; }) == "update flags");
    REQUIRE(judge_step([](Judged &j) { j.u.flags |= 1U << 13; }) == "update flags");
    REQUIRE(judge_step([](Judged &j) {
                j.u.flags |= RAFT_UPDATE_MESSAGES;
                j.u.messages = {nullptr, 0};
            }) == "update flags");
    REQUIRE(judge_step([](Judged &j) { j.u.entries.n = 0; }) == "update members");
    REQUIRE(judge_step([](Judged &j) { j.u.reserved[3] = 0; }) == "update members");
}

TEST_CASE("Terms, votes, commit indexes and first indexes change only as they may") {
    REQUIRE(judge_step([](Judged &j) { j.after.commit = 4; }) == "monotonic");
    REQUIRE(judge_step([](Judged &j) { j.before.vote = 1; }) == "one vote per term");
    REQUIRE(judge_step([](Judged &j) {
                j.after.term = 2;
                j.u.flags |= RAFT_UPDATE_CURRENT_TERM;
            }) == "monotonic");
    REQUIRE(judge_step([](Judged &j) { j.after.first = 9; }) == "first index");
}

TEST_CASE("A timeout moves the deadline; one that comes too early changes nothing") {
    const auto timeout = [](raft_time before, raft_time after) {
        return [=](Judged &j) {
            j.e.type = RAFT_TIMEOUT;
            j.before.timeout = before;
            j.after.timeout = after;
            j.u.flags |= RAFT_UPDATE_TIMEOUT;
        };
    };
    REQUIRE(judge_step(timeout(1000, 1001)) == "");
    REQUIRE(judge_step(timeout(1000, 1000)) == "timeout");
    REQUIRE(judge_step(timeout(1001, 1001)) == "early timeout");
}

TEST_CASE("A deadline that has passed stays until what it waits for happens") {
    raft_message m{};
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = 3;
    const auto moved = [&m](auto change) {
        return judge_step([&m, change](Judged &j) {
            j.e.receive.message = &m;
            j.before.timeout = 1000;
            j.after.timeout = 1001;
            j.u.flags |= RAFT_UPDATE_TIMEOUT;
            change(j);
        });
    };
    REQUIRE(moved([](Judged &) {}) == "timeout");
    REQUIRE(moved([](Judged &j) { j.before.timeout = 1001, j.after.timeout = 1002; }) == "");
    REQUIRE(moved([](Judged &j) { j.before.leader = j.after.leader = 3; }) == "");
    m.type = RAFT_REQUEST_VOTE;
    REQUIRE(moved([](Judged &) {}) == "timeout");
    m.server_id = 2;
    REQUIRE(moved([](Judged &) {}) == "");
    const auto gives_up = [](Judged &j) {
        j.before.state = RAFT_CANDIDATE;
        j.after.state = RAFT_FOLLOWER;
        j.u.flags |= RAFT_UPDATE_STATE;
    };
    REQUIRE(moved(gives_up) == "");
    m.type = RAFT_REQUEST_VOTE_RESULT;
    REQUIRE(moved(gives_up) == "timeout");
}

TEST_CASE("Messages say what is so") {
    REQUIRE(judge_message([](raft_message &m) { m.append_entries.n_entries = 2; }) == "messages");
    REQUIRE(judge_message([](raft_message &m) { m.append_entries.prev_log_term++; }) == "messages");
    REQUIRE(judge_message([](raft_message &m) { m.append_entries.leader_commit = 9; }) ==
            "messages");
    REQUIRE(judge_message([](raft_message &m) { m.append_entries.term++; }) == "messages");
    REQUIRE(judge_message([](raft_message &m) { m.server_id = 1; }) == "messages");
    REQUIRE(judge_message([](raft_message &m) { m.server_address = nullptr; }) == "messages");
}

TEST_CASE("Two leaders of one term break election safety; one without votes its quorum") {
    Two c;
    REQUIRE(broken([&] { c.judge.elected(c[1]); }) == "election by a quorum");
    REQUIRE(broken([&] { c.judge.elected(c[2]); }) == "election safety");
    REQUIRE(broken([&] { c.judge.voted(1, 3, 2); }) == "one vote per term");
}

TEST_CASE("Log matching: an entry is made once, and its predecessor with it") {
    Two c;
    REQUIRE(broken([&] { c.judge.appended(c[2], 1, c.entry(1), 0, false); }) == "");
    REQUIRE(broken([&] { c.judge.appended(c[2], 1, Entry(1, RAFT_COMMAND, "x"), 0, false); }) ==
            "log matching");
    REQUIRE(broken([&] { c.judge.appended(c[2], 1, c.entry(1), 1, false); }) == "log matching");
    REQUIRE(broken([&] { c.judge.appended(c[2], 2, Entry(1, RAFT_COMMAND, "x"), 1, false); }) ==
            "log matching");
    REQUIRE(broken([&] { c.judge.appended(c[2], 2, Entry(4, RAFT_COMMAND, "x"), 1, false); }) ==
            "log terms");
}

TEST_CASE("A leader only appends, and commits by a quorum, in its own term") {
    Two c;
    const Entry own(3, RAFT_COMMAND, "x");
    REQUIRE(broken([&] { c.judge.appended(c[1], 2, own, 1, true); }) == "");
    REQUIRE(broken([&] { c.judge.appended(c[1], 2, own, 1, true); }) == "leader append-only");
    c[1].log.entries.push_back(own);
    c[1].view.commit = 2;
    REQUIRE(broken([&] { c.judge.committed(c[1]); }) == "commit by a quorum"); /* a follower */
    c[1].view.state = RAFT_LEADER;
    REQUIRE(broken([&] { c.judge.committed(c[1]); }) == "commit by a quorum"); /* not durable */
    c[1].disk.log = c[2].disk.log = c[1].log;
    c[1].view.term = 4;
    REQUIRE(broken([&] { c.judge.committed(c[1]); }) == "commit of own term");
    c[1].view.term = 3;
    REQUIRE(broken([&] { c.judge.committed(c[1]); }) == "");
}

TEST_CASE("State machine safety, and leader completeness after it") {
    Two c;
    c[1].log.entries.emplace_back(3, RAFT_COMMAND, "one");
    c[2].log.entries.emplace_back(2, RAFT_COMMAND, "another");
    c[1].disk.log = c[2].disk.log = c[1].log;
    c[1].view.commit = c[2].view.commit = 2;
    c[1].view.state = RAFT_LEADER;
    REQUIRE(broken([&] { c.judge.committed(c[1]); }) == "");
    REQUIRE(broken([&] { c.judge.committed(c[2]); }) == "state machine safety");
    c[2].log.entries[1] = Entry(3, RAFT_COMMAND, "another");
    REQUIRE(broken([&] { c.judge.committed(c[2]); }) == "state machine safety");
    REQUIRE(broken([&] { c.judge.applied(c[1], 2, 7); }) == "");
    REQUIRE(broken([&] { c.judge.applied(c[2], 2, 8); }) == "state machine safety");
    REQUIRE(broken([&] { c.judge.applied(c[2], 3, 7); }) == "state machine safety");
    c.judge.voted(1, 4, 2);
    c[2].view.term = 4;
    c[2].log.entries.pop_back();
    REQUIRE(broken([&] { c.judge.elected(c[2]); }) == "leader completeness");
}

TEST_CASE("A match index follows an acknowledgement of this term; no message has an older term") {
    Two c;
    REQUIRE(broken([&] { c.judge.matched(c[1], 2, 1); }) == "match index");
    c.judge.left(draft(2, 1, AppendResult{.term = 3, .last = 1}));
    REQUIRE(broken([&] { c.judge.matched(c[1], 2, 1); }) == "");
    REQUIRE(broken([&] { c.judge.left(draft(2, 1, AppendResult{.term = 2})); }) == "monotonic");
}

TEST_CASE("What is not durable does not count as stored") {
    Cluster c({{.id = 1, .log = "1[1 2] 1"}});
    c[1].before.stored = 1;
    REQUIRE(broken([&] { check_stored(c[1]); }) == "");
    c[1].disk.log.entries.pop_back();
    REQUIRE(broken([&] { check_stored(c[1]); }) == "stored");
}
