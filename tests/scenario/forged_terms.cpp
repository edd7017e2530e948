/* SPDX-License-Identifier: MIT */
/* Messages whose terms no honest cluster reaches. */
#include "catch.hpp"
#include "cluster.hpp"

using namespace scenario;

namespace {
constexpr raft_term limit = 1ULL << 62;
constexpr raft_term honest = 1ULL << 61;
constexpr raft_term more = 1ULL << 32;
} // namespace

TEST_CASE("A forged RequestVote of the last terms changes nothing, and the cluster goes on") {
    Cluster c("1 2 3", 1);
    const RequestVote forged{.term = limit - 1, .last = {99, 9}, .disrupt = true};
    for (raft_id id : {1, 2, 3}) {
        c[id].refuses(RAFT_MALFORMED, id % 3 + 1, forged);
    }
    c[1].submit();
    c.deliver();
    c.run(3000);
    REQUIRE(c.leader() == 1);
    REQUIRE(c[1].term() == 2);
    REQUIRE(c[1].commit() == c[1].last());
}

TEST_CASE("The term of every message has the same upper limit") {
    const raft_term own = GENERATE(raft_term{3}, honest + 7);
    const raft_term highest = std::max(own, honest) + more;
    Cluster c({{.id = 1, .term = own, .log = "1[1 2 3]"}});
    for (raft_term term : {highest + 1, limit - 1, limit, limit + 1, ~0ULL}) {
        c[1].refuses(RAFT_MALFORMED, 2, AppendEntries{.term = term, .prev = {1, 1}});
        c[1].refuses(RAFT_MALFORMED, 2, AppendResult{.term = term});
        c[1].refuses(RAFT_MALFORMED, 2, RequestVote{.term = term, .last = {1, 1}});
        c[1].refuses(RAFT_MALFORMED, 2,
                     RequestVote{.term = term, .last = {1, 1}, .pre_vote = true});
        c[1].refuses(RAFT_MALFORMED, 2, VoteResult{.term = term});
        c[1].refuses(RAFT_MALFORMED, 2, InstallSnapshot{.term = term, .last = {9, 2}});
        c[1].refuses(RAFT_MALFORMED, 2, TimeoutNow{.term = term, .last = {1, 1}});
    }
    SECTION("AppendEntries") { c[1].receive(2, AppendEntries{.term = highest, .prev = {1, 1}}); }
    SECTION("its result") { c[1].receive(2, AppendResult{.term = highest}); }
    SECTION("RequestVote") {
        c.sleep(5000);
        c[1].receive(2, RequestVote{.term = highest, .last = {1, 1}});
    }
    SECTION("its result") { c[1].receive(2, VoteResult{.term = highest}); }
    SECTION("InstallSnapshot") {
        c[1].receive(2, InstallSnapshot{.term = highest, .last = {9, 2}});
    }
    SECTION("TimeoutNow") { c[1].receive(2, TimeoutNow{.term = highest, .last = {1, 1}}); }
    REQUIRE(c[1].term() == highest);
}

TEST_CASE("A server with an empty log joins a cluster of any term") {
    const raft_term term = GENERATE(limit - 9, limit);
    Cluster c({Draw{.id = 1}});
    SECTION("by the log") {
        c[1].receive(2, AppendEntries{.term = term, .log = "1[1s 2]", .commit = 1});
        REQUIRE(c[1].commit() == 1);
    }
    SECTION("by a snapshot") {
        c[1].receive(2, InstallSnapshot{.term = term, .last = {9, 2}, .conf = "1s 2"});
        REQUIRE(c[1].commit() == 9);
    }
    REQUIRE(c[1].term() == term);
    REQUIRE(c[1].leader() == 2);
}
