/* SPDX-License-Identifier: MIT */
/* Checks that every message must pass, and the address that an answer goes to. */
#include "rules/answers.hpp"
#include "rules/message_checks.hpp"
#include "server_fixture.hpp"

using namespace libraft;

TEST_CASE("message: an index and its term are both 0 or both positive, and within their limits") {
    REQUIRE(message::valid_position(0, 0, 5));
    REQUIRE(message::valid_position(1, 1, 5));
    REQUIRE(message::valid_position(kLimit, 5, 5));
    REQUIRE_FALSE(message::valid_position(0, 1, 5));
    REQUIRE_FALSE(message::valid_position(1, 0, 5));
    REQUIRE_FALSE(message::valid_position(1, 6, 5)); /* an entry's term is at most the sender's */
    REQUIRE_FALSE(message::valid_position(kLimit + 1, 1, 5));
}

TEST_CASE("message: a term is not far beyond those that an honest cluster reaches") {
    constexpr raft_term kHonest = 1ULL << 61;
    constexpr raft_term kMore = 1ULL << 32;
    TestServer r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}});
    Server &s = r.server();
    REQUIRE_FALSE(message::valid_term(s, 0));
    REQUIRE(message::valid_term(s, 1));
    REQUIRE(message::valid_term(s, kHonest + kMore));
    REQUIRE_FALSE(message::valid_term(s, kHonest + kMore + 1));
    s.term = kHonest + 5;
    REQUIRE(message::valid_term(s, s.term + kMore));
    REQUIRE_FALSE(message::valid_term(s, s.term + kMore + 1));
    s.term = kLimit - 1;
    REQUIRE(message::valid_term(s, kLimit));
    REQUIRE_FALSE(message::valid_term(s, kLimit + 1));
}

TEST_CASE("message: a server with an empty log takes any term") {
    Server s(1);
    REQUIRE_FALSE(message::valid_term(s, 0));
    REQUIRE(message::valid_term(s, kLimit));
    REQUIRE_FALSE(message::valid_term(s, kLimit + 1));
}

TEST_CASE("message: a term has one leader (figure 3.2)") {
    TestServer r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}});
    Server &s = r.server();
    raft_message m{};
    m.server_id = 2;
    REQUIRE_FALSE(message::contradicts_leader(s, m, s.term)); /* no leader is known yet */
    s.leader = 2;
    REQUIRE_FALSE(message::contradicts_leader(s, m, s.term));
    m.server_id = 3;
    REQUIRE(message::contradicts_leader(s, m, s.term));
    REQUIRE_FALSE(message::contradicts_leader(s, m, s.term + 1));
    s.leader = 0;
    TestServer alone({{1, "s1", RAFT_VOTER}});
    REQUIRE(message::contradicts_leader(alone.server(), m, alone.server().term));
}

TEST_CASE("answers: only a long address needs memory of its own, in whole words") {
    raft_message m = {};
    m.server_id = 7;
    const std::string shortest(answers::kShortAddress - 1, 'x'); /* with its NUL it just fits */
    m.server_address = shortest.c_str();
    Need need;
    answers::plan(m, &need);
    REQUIRE(need.messages == 1);
    REQUIRE(need.bytes == 0);
    const std::string longer = shortest + 'x';
    m.server_address = longer.c_str();
    answers::plan(m, &need);
    REQUIRE(need.messages == 2);
    REQUIRE(need.bytes == in_words(longer.size() + 1));
}
