/* SPDX-License-Identifier: MIT */
/* More promises that no chapter of their own tells of: what messages bring, and what reads,
 * windows and clocks need. Each was broken once, by a mutant, and nothing else noticed. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace story;

namespace {

Draw server(const char *log = "1[1 2 3]", std::function<void(raft *)> set = {})
{
    return {.id = 1, .log = log, .set = std::move(set)};
}

raft_append_entries_result answer(Cluster &c, raft_id to)
{
    return c.take(1, to, RAFT_APPEND_ENTRIES_RESULT)->m.append_entries_result;
}

}  // namespace

TEST_CASE("Between two chunks a heartbeat is answered with how much is durable")
{
    Cluster c({server("1[1 2 3] 1")});
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {8, 1}, .conf = "1 2 3",
                                    .data = snapshot_contents({8, 1}).substr(0, 5),
                                    .done = false});
    c.drop();
    c[1].receive(2, AppendEntries{.term = 1, .prev = {2, 1}});
    const auto r = answer(c, 2);
    REQUIRE(r.rejected == 0);
    REQUIRE(r.snapshot_index == 8);
    REQUIRE(r.snapshot_offset == 5);
}

TEST_CASE("Another snapshot that comes while a chunk is written is asked for afterwards")
{
    Cluster c({server()});
    c[1].slow = true;
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {8, 1}, .conf = "1 2 3",
                                    .data = snapshot_contents({8, 1}).substr(0, 5),
                                    .done = false});
    c[1].receive(2, InstallSnapshot{.term = 1, .last = {9, 1}, .conf = "1 2 3",
                                    .data = snapshot_contents({9, 1})});
    REQUIRE(c.count(1, 2) == 0);
    c[1].store_chunk();
    const auto r = answer(c, 2);
    REQUIRE(r.snapshot_index == 9);
    REQUIRE(r.snapshot_offset == 0);
}

TEST_CASE("A leader known by its heartbeats can replace entries, and changes with them")
{
    Cluster c({server("1[1 2 3] 2[1 2 3 4s] 2")});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}});
    REQUIRE(c[1].leader() == 2);
    c[1].receive(2, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2 3");
    REQUIRE(c[1].flag(RAFT_UPDATE_CONFIGURATION));
}

TEST_CASE("A previous entry of another term is refused by a follower that is in step, too")
{
    Cluster c({server("1[1 2 3] 1 2")});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 2}});
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 2}});
    c.drop();
    c[1].receive(2, AppendEntries{.term = 3, .prev = {3, 1}, .log = "1"});
    REQUIRE(c[1].terms() == "1 1 2");
    REQUIRE(answer(c, 2).rejected == 3);
}

TEST_CASE("A leader that is upgraded while it leads is answered with rounds from then on")
{
    Cluster c({server()});
    for (int i = 0; i < 2; ++i) {
        c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .version = 0});
        REQUIRE(answer(c, 2).version == 2);
    }
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 77, .version = 1});
    const auto r = answer(c, 2);
    REQUIRE(r.version == 3);
    REQUIRE(r.round == 77);
}

TEST_CASE("A message without an address is refused by a follower that is in step, too")
{
    Cluster c({server()});
    const AppendEntries heartbeat{.term = 1, .prev = {1, 1}};
    c[1].receive(2, heartbeat);
    c[1].receive(2, heartbeat);
    c[1].refuses(RAFT_MALFORMED,
                 event::spoiled(event::receive(draft(2, 1, heartbeat)), [](raft_event &e) {
                     e.receive.message->server_address = nullptr;
                 }));
}

TEST_CASE("A vote's refusal of the next term is learned while pre-votes are asked for")
{
    Cluster c({server()});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    SECTION("it is no pre-vote's: that term exists")
    {
        c[1].receive(2, VoteResult{.term = 2});
        REQUIRE(c[1].term() == 2);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
    }
    SECTION("nor can it be of a server that knows no pre-votes: it voted for another one")
    {
        c[1].receive(2, VoteResult{.term = 2, .version = 0});
        REQUIRE(c[1].term() == 2);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
    }
    SECTION("unmarked, it may be a pre-vote's, whose term nobody need be in")
    {
        c[1].receive(2, VoteResult{.term = 2, .version = 1});
        REQUIRE(c[1].term() == 1);
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
    }
}

TEST_CASE("A leader that steps down votes for nobody within an election timeout")
{
    Cluster c({server()});
    c.win(1, {2, 3});
    while (c[1].leads()) {
        c.expire(1);
    }
    c.drop();
    c.sleep(999);
    c[1].receive(2, RequestVote{.term = 9, .last = {9, 8}});
    REQUIRE(c[1].vote() != 2);
    REQUIRE(c[1].term() < 9);
    c.sleep(1);
    c[1].receive(2, RequestVote{.term = 9, .last = {9, 8}});
    REQUIRE(c[1].vote() == 2);
}

TEST_CASE("One more entry is sent when the window opens by one")
{
    Cluster c({server("1[1 2 3]", [](raft *r) { raft_set_max_inflight_entries(r, 4); })});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c[1].receive(3, AppendResult{.term = 2, .last = 2});
    c[1].submit(10);
    c.drop();
    for (raft_index acknowledged : {3, 4, 5}) {
        c[1].receive(2, AppendResult{.term = 2, .last = acknowledged});
        auto m = c.take(1, 2, RAFT_APPEND_ENTRIES);
        REQUIRE(m->m.append_entries.prev_log_index == acknowledged + 3);
        REQUIRE(m->m.append_entries.n_entries == 1);
    }
}

TEST_CASE("A probe is asked once, whatever is submitted meanwhile")
{
    Cluster c({server("1[1 2 3]", [](raft *r) { raft_set_capacity_threshold(r, 1); })});
    c.win(1, {2, 3});
    c.drop();
    c[1].submit();
    c[1].submit();
    REQUIRE(c.count(1, 2) == 0);
    REQUIRE(c.count(1, 3) == 0);
}

TEST_CASE("A follower that has all that comes before the leader's first entry needs no snapshot")
{
    Cluster c({server("1[1 2 3] 1 1 1 1 1 1 1")});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 9});
    c[1].snapshot(8, 3); /* 6 is the oldest entry kept, the term of 5 is known */
    c[1].receive(3, AppendResult{.term = 2, .rejected = 8, .last = 1});
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_SNAPSHOT);
    c.drop();
    c[1].receive(3, AppendResult{.term = 2, .last = 5});
    REQUIRE(c[1].progress(3).mode == RAFT_PROGRESS_PIPELINE);
    REQUIRE(c.take(1, 3, RAFT_APPEND_ENTRIES)->m.append_entries.prev_log_index == 5);
}

TEST_CASE("A lease is held at any hour")
{
    Cluster c(Cluster::fresh("1 2 3"));
    c.now = 1ULL << 61;
    c.elect(1);
    c.run(300);
    c[1].read(7, true);
    REQUIRE(c[1].answer(7).has_value());
    REQUIRE(c[1].answer(7)->status == 0);
}

TEST_CASE("A read is no acknowledgement of a write, whatever its number")
{
    Cluster c(Cluster::fresh("1 2 3"));
    c.elect(1);
    c.run(300);
    c[1].slow = true;
    const raft_index index = c[1].submit();
    REQUIRE(c[1].stored() == index - 1);
    c[1].read(index, true);
    REQUIRE(c[1].stored() == index - 1);
}

TEST_CASE("A lease lasts nine tenths of the election timeout from the sending, and no longer")
{
    Cluster c({server()});
    c.win(1, {2, 3});
    c[1].receive(2, AppendResult{.term = 2, .last = 2});
    c.drop();
    c.expire(1);
    const raft_time sent = c.now;
    const auto round = c.take(1, 2, RAFT_APPEND_ENTRIES)->m.append_entries.round;
    c.sleep(50);
    c[1].receive(2, AppendResult{.term = 2, .last = 2, .round = round});
    c.now = sent + 899;
    c[1].read(1, true);
    REQUIRE(c[1].answer(1).has_value());
    c.now = sent + 900;
    c[1].read(2, true);
    REQUIRE_FALSE(c[1].answer(2).has_value());
}

TEST_CASE("A leader whose voters fell silent an election timeout ago steps down in that moment")
{
    Cluster c({server()});
    c.win(1, {2, 3});
    raft_time heard = c.now;
    SECTION("since they voted") {}
    SECTION("since they answered, all being well")
    {
        for (raft_id id : {2, 3}) {
            c[1].receive(id, AppendResult{.term = 2, .last = 2});
        }
        c.expire(1);
        heard = c.now;
        for (raft_id id : {2, 3}) {
            c[1].receive(id, AppendResult{.term = 2, .last = 2});
        }
    }
    while (c[1].leads() && c.now < heard + 5000) {
        c.expire(1);
    }
    REQUIRE(c.now == heard + 1000);
}

TEST_CASE("A leader that no configuration names is followed and answered at its address")
{
    Cluster c({server()});
    c[1].receive(9, AppendEntries{.term = 2, .prev = {1, 1}});
    raft_id id = 0;
    const char *address = nullptr;
    raft_leader(&c[1].raft, &id, &address);
    REQUIRE(id == 9);
    REQUIRE(address != nullptr);
    REQUIRE(address == address_of(9));
    REQUIRE(c.take(1, 9)->m.append_entries_result.last_log_index == 1);
}

TEST_CASE("The highest index there can be is no reason to refuse a result")
{
    Cluster c({server()});
    c.win(1, {2, 3});
    const raft_index highest = 1ULL << 62;
    c[1].receive(2, AppendResult{.term = 2, .rejected = highest, .last = highest});
    REQUIRE(c[1].progress(2).next == 2);
    for (int field : {0, 1}) {
        AppendResult beyond{.term = 2, .rejected = 2, .last = 2};
        (field == 0 ? beyond.rejected : beyond.last) = highest + 1;
        c[1].refuses(RAFT_MALFORMED, event::receive(draft(2, 1, beyond)));
    }
}

TEST_CASE("A log that begins with the very entry of the snapshot is taken up")
{
    Cluster c({{.id = 1, .term = 2, .log = "2 2 2", .start = 8, .snapshot = {8, 2},
                .conf = "1 2 3"}});
    REQUIRE(c[1].last() == 10);
    REQUIRE(raft_first_index(&c[1].raft) == 8);
    REQUIRE(raft_term_of(&c[1].raft, 8) == 2);
    REQUIRE(raft_term_of(&c[1].raft, 7) == 0);
}

TEST_CASE("A new leader is answered in its own version, whatever the last one's was")
{
    Cluster c({server()});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {1, 1}, .round = 5, .version = 1});
    REQUIRE(answer(c, 2).version == 3);
    c[1].receive(3, AppendEntries{.term = 2, .prev = {1, 1}, .version = 0});
    REQUIRE(answer(c, 3).version == 2);
}

TEST_CASE("The smallest settings are legal ones")
{
    Cluster c({server("1[1 2 3]", [](raft *r) {
        REQUIRE(raft_set_heartbeat_timeout(r, 1) == 0);
        REQUIRE(raft_set_election_timeout(r, 2) == 0);
        REQUIRE(raft_set_install_snapshot_timeout(r, 1) == 0);
        REQUIRE(raft_set_max_catch_up_rounds(r, 1) == 0);
        REQUIRE(raft_set_max_catch_up_round_duration(r, 1) == 0);
        REQUIRE(raft_set_max_inflight_entries(r, 1) == 0);
    })});
    REQUIRE(c[1].last() == 1);
}
