/* SPDX-License-Identifier: MIT */
/* How a leader paces what it sends: probe and pipeline modes, limits (§10.2.1). */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {

Draw leader(std::function<void(raft *)> set = {}) {
    return {.id = 1, .log = "1[1 2 3]", .set = std::move(set)};
}

/* The entries that all messages under way to a server name; they must be in sequence. */
std::vector<raft_index> on_the_way(Cluster &c, raft_id to) {
    std::vector<raft_index> all;
    while (c.count(1, to) > 0) {
        auto m = c.take(1, to, RAFT_APPEND_ENTRIES);
        for (unsigned i = 0; i < m->append_entries.n_entries; ++i) {
            all.push_back(m->append_entries.prev_log_index + 1 + i);
        }
    }
    return all;
}

} // namespace

TEST_CASE("A follower is probed until it answers; then entries are sent without waiting") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PROBE);
    c[1].submit();
    c[1].submit();
    REQUIRE(on_the_way(c, 2).empty()); /* a probe is out: nothing more until it is answered */
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(on_the_way(c, 2) == std::vector<raft_index>{3, 4});
    c[1].submit();
    c[1].submit();
    REQUIRE(on_the_way(c, 2) == std::vector<raft_index>{5, 6});
    REQUIRE(c[1].progress(2).next == 7);
    REQUIRE(c[1].progress(2).match == 2);
    REQUIRE(c[1].progress(1).mode == RAFT_PROGRESS_NONE);
    REQUIRE(c[1].progress(1).match == 6);
}

TEST_CASE("No more entries are in flight than the limit allows") {
    Cluster c({leader([](raft *r) { raft_set_max_inflight_entries(r, 4); })});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].submit(10);
    REQUIRE(on_the_way(c, 2) == std::vector<raft_index>{3, 4, 5, 6});
    c[1].receive(2, AppendResult{.term = 2, .last = 4});
    REQUIRE(on_the_way(c, 2) == std::vector<raft_index>{7, 8});
    c[1].receive(2, AppendResult{.term = 2, .last = 8});
    REQUIRE(on_the_way(c, 2) == std::vector<raft_index>{9, 10, 11, 12});
}

TEST_CASE("No message names more entries than the limit allows") {
    Cluster c({leader([](raft *r) { raft_set_max_message_entries(r, 3); })});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].submit(8);
    size_t messages = 0;
    raft_index next = 3;
    while (c.count(1, 2) > 0) {
        auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
        REQUIRE(m->append_entries.n_entries <= 3);
        REQUIRE(m->append_entries.prev_log_index + 1 == next);
        next += m->append_entries.n_entries;
        ++messages;
    }
    while (next <= 10) { /* the rest follows the answers, if it did not come at once */
        c[1].receive(2, AppendResult{.term = 2, .last = next - 1});
        auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
        REQUIRE(m->append_entries.n_entries <= 3);
        REQUIRE(m->append_entries.n_entries > 0);
        next += m->append_entries.n_entries;
        ++messages;
    }
    REQUIRE(messages >= 3);
}

TEST_CASE("A caller may send fewer entries than a message names: the rest is sent again") {
    Cluster c("1 2 3", 1);
    c[1].submit(10);
    auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(m.entries.size() == 10);
    m.entries.resize(4);
    c.hand(m);
    REQUIRE(c[2].last() == 6);
    c.run(1000);
    REQUIRE(c[2].log == c[1].log);
    REQUIRE(c[2].commit() == 12);
    REQUIRE(c[1].match(2) == 12);
}

TEST_CASE("Lost entries are sent again") {
    Cluster c("1 2 3", 1);
    c[1].submit(3);
    c.drop(1, 2);
    c[1].submit(2); /* rejected, as 3..5 are missing there */
    c.run(500);
    REQUIRE(c[2].log == c[1].log);
    c[1].submit(3);
    c.drop(); /* all messages are lost, and no more follow */
    c.run(1000);
    REQUIRE(c[2].log == c[1].log);
    REQUIRE(c[3].log == c[1].log);
    REQUIRE(c[1].commit() == 10);
}

TEST_CASE("The next result makes up for a lost one") {
    Cluster c("1 2 3", 1);
    c[1].submit(3);
    c.deliver(1, 2);
    c.deliver(1, 3);
    c.drop();
    REQUIRE(c[1].commit() == 2);
    c.run(300);
    REQUIRE(c[1].commit() == 5);
}

TEST_CASE("An unreachable follower is probed again; others stay in pipeline mode") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(5);
    c.drop();
    c[1].step(event::unreachable(2));
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PROBE);
    REQUIRE(c[1].progress(2).next == 3); /* messages under way do not count as sent */
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PIPELINE);
    c[1].submit(1);
    REQUIRE(on_the_way(c, 2).size() <= 6);
    c.expire(1);
    c.drop(1, 2);
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE_FALSE(on_the_way(c, 2).empty());
    /* Unknown servers, and servers that do not lead, ignore it. */
    c[1].ignores(event::unreachable(9));
    c[1].ignores(event::unreachable(0));
    Cluster d({leader()});
    d[1].ignores(event::unreachable(2));
}

TEST_CASE("A standby receives the log, a spare does not") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4s 5p]"}});
    c.win(1, {2, 3});
    for (int i = 0; i < 30; ++i) {
        c[1].submit();
        c[1].receive({2, 3, 4}, AppendResult{.term = 2, .last = c[1].last()});
        c.expire(1);
    }
    REQUIRE(c.count(1, 5) == 0);
    REQUIRE(c.count(1, 4) > 0);
    REQUIRE(c[1].progress(5).mode == RAFT_PROGRESS_NONE);
    REQUIRE(c[1].match(4) == c[1].last());
}

TEST_CASE("A leader records its last contact with each server") {
    Cluster c({leader()});
    c.win(1, {2, 3});
    REQUIRE(c[1].progress(3).last_contact <= c.now);
    c.sleep(50);
    c[1].receive(3, AppendResult{.term = 2, .last = 2, .capacity = 77});
    REQUIRE(c[1].progress(3).last_contact == c.now);
    REQUIRE(c[1].progress(3).capacity == 77);
    REQUIRE((c[1].progress(3).features & all_features) == all_features);
}

TEST_CASE("A step sends a bounded number of messages; answers trigger the rest (§10.2.1)") {
    Cluster c({leader([](raft *r) {
        raft_set_max_inflight_entries(r, UINT32_MAX);
        raft_set_max_message_entries(r, 1);
    })});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c.drop();
    c[1].submit(3000);
    const auto sent = on_the_way(c, 2);
    REQUIRE(sent.size() >= 1000);
    REQUIRE(sent.size() < 3000);
    raft_index next = 3;
    for (raft_index i : sent) {
        REQUIRE(i == next++);
    }
    while (next < 3003) {
        c[1].receive(2, AppendResult{.term = 2, .last = next - 1});
        for (raft_index i : on_the_way(c, 2)) {
            REQUIRE(i == next++);
        }
    }
}

TEST_CASE("A rejection of a probe at the match index is ignored") {
    Cluster c({{.id = 1, .log = "1[1 2 3] 1 1"}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    c[1].step(event::unreachable(2));
    REQUIRE(c[1].progress(2).mode == RAFT_PROGRESS_PROBE);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .rejected = 3, .last = 2});
    REQUIRE(c.count(1, 2) == 0);
    REQUIRE(c[1].progress(2).next == 4);
}

TEST_CASE("One more entry is sent when the window opens by one") {
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) {
                    raft_set_max_inflight_entries(r, 4);
                }}});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].receive(3, AppendResult{.term = 2, .last = 2});
    c[1].submit(10);
    c.drop();
    for (raft_index acknowledged : {3, 4, 5}) {
        c[1].receive(2, AppendResult{.term = 2, .last = acknowledged});
        auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
        REQUIRE(m->append_entries.prev_log_index == acknowledged + 3);
        REQUIRE(m->append_entries.n_entries == 1);
    }
}

TEST_CASE("A probe is sent once, even if more entries are submitted") {
    Cluster c(
        {{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) { raft_set_capacity_threshold(r, 1); }}});
    c.win(1, {2, 3});
    c.drop();
    c[1].submit();
    c[1].submit();
    REQUIRE(c.count(1, 2) == 0);
    REQUIRE(c.count(1, 3) == 0);
}

TEST_CASE("With eager commit, a message with entries tells the commit index, too (§3.5)") {
    Cluster c({{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) {
                    raft_set_eager_commit(r, 1);
                    raft_set_max_inflight_entries(r, 1);
                }}});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(2);
    c.drop();
    c[1].receive(2, AppendResult{.term = 2, .last = 3});
    REQUIRE(c[1].commit() == 3);
    REQUIRE(c.count(1, 2) == 1); /* the next entry */
    const Message entry = c.take(1, 2, RAFT_APPEND_ENTRIES);
    REQUIRE(entry->append_entries.n_entries == 1);
    REQUIRE(entry->append_entries.leader_commit == 3);
    REQUIRE(c.count(1, 3) == 1); /* its window is closed: the commit index alone */
    const Message told = c.take(1, 3, RAFT_APPEND_ENTRIES);
    REQUIRE(told->append_entries.n_entries == 0);
    REQUIRE(told->append_entries.leader_commit == 3);
}

TEST_CASE("A leader that gave memory back sends heartbeats to all its peers") {
    Cluster c({{.id = 1, .log = "1[1 2 3 4 5 6]"}});
    c.win(1, {2, 3, 4});
    const std::initializer_list<raft_id> others = {2, 3, 4, 5, 6};
    c[1].receive(others, AppendResult{.term = 2, .last = 2});
    c[1].submit(1000); /* a large update */
    for (int i = 0; i < 8; ++i) {
        c[1].receive(others, AppendResult{.term = 2, .last = 1002});
        c[1].receive(7, RequestVote{.term = 2, .last = {1, 1}}); /* its answer is a small update */
    }
    c.drop();
    c.expire(1);
    for (raft_id id : others) {
        REQUIRE(c.take(1, id, RAFT_APPEND_ENTRIES)->append_entries.prev_log_index == 1002);
    }
}

TEST_CASE("Entries that the caller did not send are sent with the next heartbeat") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    c[1].receive({2, 3}, AppendResult{.term = 2, .last = 2});
    c[1].submit(1);
    c[1].step(event::sent(2, 2)); /* nothing of the last message fitted */
    REQUIRE(c[1].progress(2).next == 3);
    c[1].receive(3, AppendResult{.term = 2, .last = 3});
    c.drop();
    c.expire(1);
    bool sent = false;
    while (c.count(1, 2) > 0) {
        sent = c.take(1, 2)->append_entries.n_entries == 1 || sent;
    }
    REQUIRE(sent);
}
