/* SPDX-License-Identifier: MIT */
/* Conditions on every message, and the address of its answer. */
#include "message.hpp"
#include "room.hpp"

using namespace libraft;

TEST_CASE("message: an index and a term come together, within their limits") {
    REQUIRE(message::valid_position(0, 0, 5));
    REQUIRE(message::valid_position(1, 1, 5));
    REQUIRE(message::valid_position(kLimit, 5, 5));
    REQUIRE_FALSE(message::valid_position(0, 1, 5));
    REQUIRE_FALSE(message::valid_position(1, 0, 5));
    REQUIRE_FALSE(message::valid_position(1, 6, 5)); /* no entry has a later term than its sender */
    REQUIRE_FALSE(message::valid_position(kLimit + 1, 1, 5));
    REQUIRE(message::valid_term(1));
    REQUIRE(message::valid_term(kLimit));
    REQUIRE_FALSE(message::valid_term(0));
    REQUIRE_FALSE(message::valid_term(kLimit + 1));
}

TEST_CASE("message: a term has one leader (figure 3.2)") {
    Room r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}});
    Server &s = r.server();
    raft_message m{};
    m.server_id = 2;
    REQUIRE_FALSE(
        message::contradicts_leader(s, m, s.term)); /* no leader of this term is known yet */
    s.leader = 2;
    REQUIRE_FALSE(message::contradicts_leader(s, m, s.term));
    m.server_id = 3;
    REQUIRE(message::contradicts_leader(s, m, s.term));
    REQUIRE_FALSE(message::contradicts_leader(s, m, s.term + 1));
    s.leader = 0;
    Room alone({{1, "s1", RAFT_VOTER}});
    REQUIRE(message::contradicts_leader(alone.server(), m, alone.server().term));
}

TEST_CASE("message: members are answered at the configured address, others at the sender's") {
    Room r({{1, "s1", RAFT_VOTER}, {2, "s2", RAFT_VOTER}});
    raft_message m{};
    m.server_id = 2;
    m.server_address = "elsewhere";
    REQUIRE(std::string(message::kept_address(r.server(), m)) == "s2");
    Need member;
    message::plan_answer(r.server(), m, &member);
    REQUIRE(member.messages == 1);
    REQUIRE(member.bytes == 0);
    m.server_id = 3;
    REQUIRE(message::kept_address(r.server(), m) == nullptr);
    const std::string address(message::kShortAddress, 'x'); /* one byte too long with its NUL */
    m.server_address = address.c_str();
    Need stranger;
    message::plan_answer(r.server(), m, &stranger);
    REQUIRE(stranger.bytes == in_words(address.size() + 1)); /* in whole words */
}

TEST_CASE("message: an answer to an unknown server reserves memory only for a long address") {
    Server s(1);
    raft_message m = {};
    m.server_id = 7;
    const std::string shortest(message::kShortAddress - 1, 'x'); /* with its NUL it just fits */
    m.server_address = shortest.c_str();
    Need need;
    message::plan_answer(s, m, &need);
    REQUIRE(need.messages == 1);
    REQUIRE(need.bytes == 0);
    const std::string longer = shortest + 'x';
    m.server_address = longer.c_str();
    message::plan_answer(s, m, &need);
    REQUIRE(need.messages == 2);
    REQUIRE(need.bytes == in_words(longer.size() + 1));
}
