/* SPDX-License-Identifier: MIT */
/* Values at the end of their range: last terms, long addresses, old versions. */
#include "catch.hpp"
#include "cluster.hpp"

#include <cstring>
#include <sys/mman.h>

using namespace scenario;

namespace {

constexpr raft_term limit = 1ULL << 62;
constexpr raft_term recovery = 1ULL << 20; /* terms that RAFT_RECOVER skips */

} // namespace

TEST_CASE(
    "A candidate in the last term gives up at its timeout, but follows a leader of it (§3.4)") {
    Cluster c({Draw{.id = 1, .term = limit - 2, .log = "1[1 2 3]", .set = [](raft *r) {
                        raft_set_pre_vote(r, false);
                    }}});
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    REQUIRE(c[1].term() == limit - 1);
    c.drop();
    c.expire(1);
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
    REQUIRE(c.count(1, 2) == 0);
    c[1].receive(2, AppendEntries{.term = limit - 1, .prev = {1, 1}});
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].leader() == 2);
    c.expire(1); /* it only forgets the leader */
    REQUIRE(c[1].leader() == 0);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE(
    "An unknown server is answered at the address that its message came from, of any length") {
    const size_t length = GENERATE(1u, 8u, 40u, 55u, 56u, 57u, 64u, 72u, 73u, 1000u);
    const std::string address(length, 'x');
    Cluster c({Draw{.id = 1}});
    c[1].receive(9, RequestVote{.term = 1, .last = {3, 1}, .at = address.c_str()});
    REQUIRE(c[1].update.messages.n == 1);
    REQUIRE(c[1].update.messages.batch[0].server_address == address);
    c[1].receive(9,
                 RequestVote{.term = 2, .last = {3, 1}, .pre_vote = true, .at = address.c_str()});
    REQUIRE(c[1].update.messages.batch[0].server_address == address);
    /* A stale leader is answered at its address. */
    c[1].receive(2, AppendEntries{.term = 5, .prev = {3, 3}});
    c[1].receive(9, AppendEntries{.term = 1, .prev = {3, 1}, .at = address.c_str()});
    REQUIRE(c[1].update.messages.batch[0].server_address == address);
    REQUIRE(c[1].update.messages.batch[0].append_entries_result.term == 5);
}

TEST_CASE("raft_leader() tells the address of a leader that is no member, and its new one (§4.1)") {
    Cluster c({Draw{.id = 1}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}, .at = "here"});
    REQUIRE(c[1].leader_at() == "2 at here");
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}, .at = "here"});
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_LEADER));
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}, .at = "there"});
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
    REQUIRE(c[1].leader_at() == "2 at there");
    /* The same in a later term; then another leader with the same address. */
    c[1].receive(2, AppendEntries{.term = 2, .prev = {3, 1}, .at = "there"});
    REQUIRE(c[1].leader_at() == "2 at there");
    c[1].receive(3, AppendEntries{.term = 3, .prev = {3, 1}, .at = "there"});
    REQUIRE(c[1].leader_at() == "3 at there");
    /* It sends a configuration with it: the address is that one's. */
    c[1].receive(3, AppendEntries{.term = 3, .log = "1[1 3]", .at = "there"});
    REQUIRE(c[1].leader_at() == "3 at s3");
    /* It sends one without it: the address stays. */
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3[1 2]"});
    REQUIRE(c[1].leader_at() == "3 at s3");
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 3}, .commit = 2});
    REQUIRE(c[1].leader_at() == "3 at s3");
}

TEST_CASE("A leader stays known when the configuration that named it is rolled back (§4.1)") {
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2] 2[1 2 3]"}});
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 2}});
    REQUIRE(c[1].leader() == 3);
    c[1].receive(3, AppendEntries{.term = 3, .prev = {1, 1}, .log = "3"});
    REQUIRE(c[1].conf() == "1 2");
    REQUIRE(c[1].leader_at() == "3 at s3");
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 3}, .commit = 2});
    REQUIRE(c.count(1, 3) > 0); /* it is answered there */
}

TEST_CASE("A leader stays known when a snapshot takes its configuration (§5.1)") {
    Cluster c({Draw{.id = 1, .term = 3, .log = "1[1 2 3] 2[1 2]"}});
    c[1].receive(3, AppendEntries{.term = 3, .prev = {2, 2}, .commit = 2});
    c[1].take_snapshot(2);
    REQUIRE(c[1].leader_at() == "3 at s3");
    REQUIRE_FALSE(c[1].flag(RAFT_UPDATE_LEADER));
    c[1].receive(3, InstallSnapshot{.term = 3, .last = {8, 3}, .conf = "1 2"});
    REQUIRE(c[1].leader_at() == "3 at s3");
}

TEST_CASE("An unmarked grant does not count in a term for which pre-votes were requested (§9.6)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3 4 5]"}});
    c.expire(1);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    c[1].receive(3, VoteResult{.term = 2, .granted = true, .pre_vote = true});
    REQUIRE(c[1].term() == 2); /* now it asks for votes, in the term of the pre-votes */
    c[1].receive(2, VoteResult{.term = 2, .granted = true});
    c[1].receive(4, VoteResult{.term = 2, .granted = true, .version = 1}); /* may be late */
    c[1].receive(9, VoteResult{.term = 2, .granted = true});               /* not a member */
    REQUIRE(c[1].state() == RAFT_CANDIDATE);
    c[1].receive(3, VoteResult{.term = 2, .granted = true});
    REQUIRE(c[1].leads());
}

TEST_CASE(
    "Without pre-votes an unmarked grant counts (§3.4), but not in the first term after a start") {
    Cluster c(
        {Draw{.id = 1, .log = "1[1 2 3]", .set = [](raft *r) { raft_set_pre_vote(r, false); }}});
    c.expire(1);
    /* It may be a late answer to a pre-vote from before a restart with other settings. */
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .version = 1});
    REQUIRE_FALSE(c[1].leads());
    c.expire(1);
    c[1].receive(2, VoteResult{.term = 2, .granted = true, .version = 1});
    REQUIRE_FALSE(c[1].leads());
    c[1].receive(2, VoteResult{.term = 3, .granted = true, .version = 1});
    REQUIRE(c[1].leads());
}

TEST_CASE("A sole voter with a stale log drops it and leads in one step (§3.8)") {
    Lone lone;
    struct raft &r = lone.r;
    const raft_update &update = lone.update;
    REQUIRE(lone.step(event::start(
                {.term = 3, .log = "1[1] 1", .snapshot = {5, 3}, .conf = "1 2s"})) == 0);
    REQUIRE(raft_state(&r) == RAFT_LEADER);
    /* Both at once: drop all, and write the barrier right after the snapshot. */
    REQUIRE((update.flags & RAFT_UPDATE_ENTRIES) != 0);
    REQUIRE(update.entries.index == 6);
    REQUIRE(update.entries.n == 1);
    REQUIRE(update.entries.batch[0].type == RAFT_BARRIER);
    REQUIRE(update.entries.batch[0].term == 4);
    REQUIRE(raft_last_index(&r) == 6);
    REQUIRE(raft_commit_index(&r) == 5);
}

TEST_CASE("A server in the last term does not campaign at its next timeout") {
    Cluster c({Draw{.id = 1, .term = limit - 9, .log = "1[1 2 3] 1"}});
    c.sleep(5000);
    c[1].receive(2, RequestVote{.term = limit - 1, .last = {1, 1}}); /* its log is behind */
    REQUIRE(c[1].term() == limit - 1);
    REQUIRE(c[1].vote() == 0);
    REQUIRE(c[1].deadline() == kNoDeadline);
    c[1].timeout();
    REQUIRE(c[1].state() == RAFT_FOLLOWER);
    REQUIRE(c[1].deadline() == kNoDeadline);
}

TEST_CASE("A follower takes from an unmarked vote result only a higher term (§9.6)") {
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]"}});
    c[1].ignores(event::receive(draft(2, 1, VoteResult{.term = 1, .version = 1})));
    c[1].ignores(event::receive(draft(2, 1, VoteResult{.term = 9, .granted = true, .version = 1})));
    c[1].receive(2, VoteResult{.term = 9, .version = 1});
    REQUIRE(c[1].term() == 9);
}

TEST_CASE("A leader at an unknown address, in a new term, sends the configuration with it (§4.1)") {
    Cluster c({Draw{.id = 1}});
    c[1].receive(2, AppendEntries{.term = 1, .prev = {3, 1}, .at = "here"});
    c[1].receive(2, AppendEntries{.term = 2, .log = "1[1 2]", .at = "there"});
    REQUIRE(c[1].leader_at() == "2 at s2");
    REQUIRE(c[1].flag(RAFT_UPDATE_LEADER));
}

namespace {

/* A start from a snapshot, and a log beside it. */
int start(Position snapshot, raft_index conf_index, raft_index first = 1, const char *log = "",
          raft_term first_term = 1) {
    Event e = event::start({.term = 3,
                            .log = log,
                            .start = first,
                            .snapshot = snapshot,
                            .conf = "1 2 3",
                            .conf_index = conf_index});
    if (!e.entries.empty()) {
        e.entries[0].term = first_term;
    }
    Lone lone;
    const int rv = lone.step(e, 0);
    REQUIRE(lone.update.flags == (rv == 0 ? lone.update.flags : 0));
    return rv;
}

} // namespace

TEST_CASE("Snapshots that no server can have left are refused at the start (§3.8, §5.1)") {
    REQUIRE(start({5, 2}, 1) == 0);
    REQUIRE(start({0, 2}, 1) == RAFT_CORRUPT);
    REQUIRE(start({limit, 2}, 1) == 0);
    REQUIRE(start({limit + 1, 2}, 1) == RAFT_CORRUPT);
    REQUIRE(start({5, 0}, 1) == RAFT_CORRUPT);
    REQUIRE(start({5, 4}, 1) == RAFT_CORRUPT);
    REQUIRE(start({5, 2}, 6) == RAFT_CORRUPT);
    REQUIRE(start({5, 2}, 0) == 0); /* not recorded: the snapshot's index stands for it */
}

TEST_CASE(
    "If the index of a snapshot's configuration is not recorded, the snapshot's stands for it") {
    for (const char *log : {"", "1[1 2] 1[1 2 3] 1 1 2 2"}) {
        Lone lone;
        REQUIRE(lone.step(event::start({.term = 3,
                                        .log = log,
                                        .start = *log != 0 ? 1ULL : 6ULL,
                                        .snapshot = {5, 2},
                                        .conf = "1 2 3",
                                        .conf_index = 0})) == 0);
        raft_configuration conf{};
        raft_index since = 0;
        REQUIRE(raft_configuration_at(&lone.r, 5, &conf, &since) == 0);
        REQUIRE(since == 5);
        REQUIRE(Configuration(conf).str() == "1 2 3");
    }
}

TEST_CASE("A log entry without a term is refused; a dropped log leaves no configuration (§3.8)") {
    const Position none{};
    REQUIRE(start(none, 0, 1, "1[1 2 3]") == 0);
    REQUIRE(start(none, 0, 1, "1[1 2 3]", 0) == RAFT_CORRUPT);
    /* Entry 5 is of another term than the snapshot says: what follows goes with it. */
    REQUIRE(start({5, 2}, 1, 5, "1[1 2 3] 1[1 2] 1") == 0);
}

TEST_CASE("A leader outside the configuration is followed, and answered at its address") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c[1].receive(9, AppendEntries{.term = 2, .prev = {1, 1}});
    REQUIRE(c[1].leader_at() == "9 at s9");
    REQUIRE(c.take(1, 9)->append_entries_result.last_log_index == 1);
}

TEST_CASE("A result with the highest index is accepted") {
    Cluster c({{.id = 1, .log = "1[1 2 3]"}});
    c.win(1, {2, 3});
    const raft_index highest = 1ULL << 62;
    c[1].receive(2, AppendResult{.term = 2, .rejected = highest, .last = highest});
    REQUIRE(c[1].progress(2).next == 2);
    for (int field : {0, 1}) {
        AppendResult beyond{.term = 2, .rejected = 2, .last = 2};
        (field == 0 ? beyond.rejected : beyond.last) = highest + 1;
        c[1].refuses(RAFT_MALFORMED, 2, beyond);
    }
}

TEST_CASE("TimeoutNow starts no campaign beyond the last term (§3.10)") {
    Cluster c({Draw{.id = 1, .term = limit - 9, .log = "1[1 2 3]"}});
    const auto permit = [&](raft_term term) {
        c[1].receive(2, AppendEntries{.term = term, .prev = {1, 1}});
        REQUIRE(c[1].leader() == 2);
        c.drop();
        c[1].receive(2, TimeoutNow{.term = term, .last = {1, 1}});
    };
    SECTION("in the last term, and in the one before it") {
        const raft_term term = GENERATE(limit - 1, limit);
        permit(term);
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        REQUIRE(c[1].term() == term);
        REQUIRE(c.count(1, 2) == 0);
    }
    SECTION("in an earlier term it does") {
        permit(limit - 2);
        REQUIRE(c[1].state() == RAFT_CANDIDATE);
        REQUIRE(c[1].term() == limit - 1);
    }
    c[1].restart();
    REQUIRE(c[1].term() <= limit);
}

TEST_CASE("A sole voter does not elect itself in the last terms (§3.4)") {
    SECTION("in the last term, and in the one before it") {
        const raft_term term = GENERATE(limit - 1, limit);
        Cluster c({Draw{.id = 1, .term = term, .vote = 1, .log = "1[1]"}});
        for (int i = 0; i < 2; ++i) {
            REQUIRE(c[1].state() == RAFT_FOLLOWER);
            REQUIRE(c[1].term() == term);
            REQUIRE(c[1].last() == 1);
            REQUIRE(c[1].deadline() == kNoDeadline);
            c[1].restart();
        }
    }
    SECTION("in an earlier term it leads") {
        Cluster c({Draw{.id = 1, .term = limit - 2, .vote = 1, .log = "1[1]"}});
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == limit - 1);
        c[1].restart();
        REQUIRE(c[1].term() == limit - 1);
        REQUIRE(c[1].last() == 2);
    }
}

TEST_CASE("A recovery that leaves no term to lead in is refused (§3.4)") {
    const char *log = GENERATE("", "1[1 2 3]");
    SECTION("refused") {
        const raft_term term = GENERATE(limit - 1 - recovery, limit - 1, limit);
        Cluster c({Draw{.id = 1, .term = term, .log = log}});
        c[1].refuses(RAFT_TOOBIG, event::recover("1"));
        REQUIRE(c[1].term() == term);
        c[1].restart();
    }
    SECTION("one term lower it succeeds") {
        Cluster c({Draw{.id = 1, .term = limit - 2 - recovery, .log = log}});
        c[1].step(event::recover("1"));
        c.run(10000);
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == limit - 1);
        REQUIRE(c[1].commit() == c[1].last());
        c[1].restart();
        REQUIRE(c[1].term() == limit - 1);
    }
}

TEST_CASE("A bootstrapped sole voter that learns of the last term does not lead (§3.4)") {
    Cluster c({Draw{.id = 1, .term = limit - 9 - recovery}});
    c[1].slow = true;
    c[1].step(event::recover("1"));
    REQUIRE(c[1].term() == limit - 9);
    SECTION("in the last term, and in the one before it") {
        const raft_term term = GENERATE(limit - 1, limit);
        c[1].receive(2, VoteResult{.term = term});
        c[1].store_all();
        REQUIRE(c[1].state() == RAFT_FOLLOWER);
        REQUIRE(c[1].term() == term);
    }
    SECTION("in an earlier term it does") {
        c[1].receive(2, VoteResult{.term = limit - 2});
        REQUIRE(c[1].vote() == 1);
        c[1].store_all();
        REQUIRE(c[1].leads());
        REQUIRE(c[1].term() == limit - 1);
    }
    c[1].restart();
}

TEST_CASE("The longest election timeouts take effect (§3.4)") {
    const uint32_t timeout = GENERATE(UINT32_MAX, UINT32_MAX - 1, 0x80000001U);
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]", .set = [=](raft *r) {
                        raft_set_election_timeout(r, timeout);
                    }}});
    for (int i = 0; i < 20; ++i) {
        REQUIRE(c[1].deadline() - c.now >= timeout);
        REQUIRE(c[1].deadline() - c.now <= UINT32_MAX);
        c.expire(1);
        c.drop();
    }
}

TEST_CASE("A configuration payload with the highest number of servers is refused") {
    if (sizeof(size_t) < 8) {
        return;
    }
    const size_t size = size_t{UINT32_MAX} * 10 + 32; /* room for all, and the header */
    void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return; /* not available on this machine */
    }
    static_cast<unsigned char *>(memory)[0] = 1;
    memset(static_cast<unsigned char *>(memory) + 1, 0xff, 4);
    Cluster c({Draw{.id = 1, .log = "1[1 2 3]"}});
    auto message = draft(2, 1, AppendEntries{.term = 1, .prev = {1, 1}, .log = "1[1 2]"});
    c[1].refuses(RAFT_MALFORMED, event::falsified(event::receive(message), [&](raft_event &e) {
                     e.receive.message->append_entries.entries[0].buf = {memory, size};
                 }));
    REQUIRE(munmap(memory, size) == 0);
}
