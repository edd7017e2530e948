/* SPDX-License-Identifier: MIT */
/* What the tests of the rooms leave open: each case was wrong once, in a mutant, unnoticed. */
#include "catch.hpp"
#include "configuration.hpp"
#include "message.hpp"
#include "outbox.hpp"
#include "quorum.hpp"

#include <string>
#include <vector>

using namespace libraft;

namespace {

Configuration *of(raft_server a, raft_server b)
{
    raft_server servers[] = {a, b};
    return configuration::copy({servers, 2}, 1);
}

}  // namespace

TEST_CASE("details: configurations differ if any server does, the first included")
{
    const raft_server base[] = {{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}};
    Configuration *one = of(base[0], base[1]);
    for (int place : {0, 1}) {
        for (raft_server other : {raft_server{9, base[place].address, RAFT_VOTER},
                                  raft_server{base[place].id, "x", RAFT_VOTER},
                                  raft_server{base[place].id, base[place].address, RAFT_STANDBY}}) {
            Configuration *two = place == 0 ? of(other, base[1]) : of(base[0], other);
            REQUIRE_FALSE(configuration::equal(*one, *two));
            configuration::release(two);
        }
    }
    Configuration *same = of(base[0], base[1]);
    REQUIRE(configuration::equal(*one, *same));
    configuration::release(same);
    configuration::release(one);
}

TEST_CASE("details: what is not needed takes no room")
{
    REQUIRE(Need().size() == 0);
    Need need;
    for (uint64_t bytes : {1, 7, 8}) {
        need.bytes = bytes;
        REQUIRE(need.size() == 8);
    }
    need.bytes = 9;
    REQUIRE(need.size() == 16);
}

TEST_CASE("details: an answer to a stranger needs room for its address only if that is long")
{
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
    REQUIRE(need.bytes == Outgoing::aligned(longer.size() + 1));
}

TEST_CASE("details: a bare majority is one in both sets, with nobody to spare in either")
{
    auto ballots = [](unsigned news, unsigned olds) {
        Ballot b;
        for (unsigned i = 0; i < news; ++i) {
            b += Ballot::of(kNewSet);
        }
        for (unsigned i = 0; i < olds; ++i) {
            b += Ballot::of(kOldSet);
        }
        return b;
    };
    for (unsigned n = 1; n <= 5; ++n) {
        for (unsigned o = 1; o <= 5; ++o) {
            for (unsigned i = 0; i <= n; ++i) {
                for (unsigned j = 0; j <= o; ++j) {
                    REQUIRE(ballots(i, j).is_bare_majority_of(ballots(n, o)) ==
                            (i == n / 2 + 1 && j == o / 2 + 1));
                    REQUIRE(ballots(i, j).is_majority_of(ballots(n, o)) ==
                            (2 * i > n && 2 * j > o));
                }
            }
        }
    }
}

TEST_CASE("details: a number that takes all that is left is read, one that lacks a byte is not")
{
    const unsigned char bytes[8] = {1};
    uint64_t value = 0;
    Reader all(bytes, 8);
    REQUIRE(all.u64(&value));
    REQUIRE(value == 1);
    REQUIRE(all.left() == 0);
    Reader less(bytes, 7);
    REQUIRE_FALSE(less.u64(&value));
}

TEST_CASE("details: a configuration is padded with less than eight bytes")
{
    raft_server server{1, "abcde", RAFT_VOTER}; /* no padding of its own */
    const raft_configuration conf{&server, 1};
    const size_t size = configuration::encoded_size(conf);
    std::vector<unsigned char> payload(size + 8);
    configuration::encode(conf, payload.data());
    Configuration *decoded = nullptr;
    REQUIRE(configuration::decode({payload.data(), size}, 1, &decoded) == 0);
    configuration::release(decoded);
    REQUIRE(configuration::decode({payload.data(), size + 8}, 1, &decoded) == RAFT_MALFORMED);
}
