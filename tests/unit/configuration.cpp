/* SPDX-License-Identifier: MIT */
#include "catch.hpp"
#include "state/configuration.hpp"
#include "base/random.hpp"

#include <cstring>
#include <string>
#include <vector>

using namespace libraft;

namespace {

using Owned = Owner<Configuration>;

struct Drawn {
    std::vector<raft_server> servers;
    std::vector<std::string> addresses;
    raft_configuration view() { return {servers.data(), static_cast<unsigned>(servers.size())}; }
};

/* One server per role: -1 is none. */
Drawn of_roles(const std::vector<int> &roles) {
    Drawn d;
    for (size_t i = 0; i < roles.size(); ++i) {
        d.addresses.push_back("address of " + std::to_string(i));
    }
    for (size_t i = 0; i < roles.size(); ++i) {
        if (roles[i] >= 0) {
            d.servers.push_back({i + 1, d.addresses[i].c_str(), roles[i]});
        }
    }
    return d;
}

std::string encode(raft_configuration conf) {
    std::string payload(configuration::encoded_size(conf), '\x55');
    configuration::encode(conf, payload.data());
    return payload;
}

int decode(const std::string &payload, Owned *out, raft_index index = 9) {
    return configuration::decode({const_cast<char *>(payload.data()), payload.size()}, index, out);
}

template <typename Visit>
void every(size_t n, int low, int high, Visit visit) {
    std::vector<int> roles(n, low);
    for (;;) {
        visit(roles);
        size_t i = 0;
        while (i < n && ++roles[i] > high) {
            roles[i++] = low;
        }
        if (i == n) {
            return;
        }
    }
}

bool has_voter(const std::vector<int> &roles) {
    for (int r : roles) {
        if (r == RAFT_VOTER) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("configuration: the payload is the published encoding, byte by byte") {
    raft_server servers[] = {{0x0102030405060708, "ab", RAFT_VOTER}, {9, "", RAFT_SPARE}};
    const std::string expected(
        "\x01"
        "\x02\0\0\0\0\0\0\0"
        "\x08\x07\x06\x05\x04\x03\x02\x01"
        "ab\0"
        "\x01"
        "\x09\0\0\0\0\0\0\0"
        "\0"
        "\x02"
        "\0",
        32);
    REQUIRE(encode({servers, 2}) == expected);
}

TEST_CASE("configuration: every valid configuration is decoded as it was encoded") {
    every(4, -1, RAFT_VOTER_TO_SPARE, [](const std::vector<int> &roles) {
        Drawn d = of_roles(roles);
        unsigned sets = 0;
        for (const raft_server &s : d.servers) {
            sets |= voter_sets(s.role);
        }
        std::string payload = encode(d.view());
        Owned c;
        int rv = decode(payload, &c);
        if (sets != kBothSets) { /* one of the sets is empty */
            if (rv == 0) {
                FAIL("accepted a configuration without a voter");
            }
            return;
        }
        REQUIRE(rv == 0);
        REQUIRE(payload.size() % 8 == 0);
        REQUIRE(c->index == 9);
        REQUIRE(c->n == d.servers.size());
        bool joint = false;
        for (const raft_server &s : d.servers) {
            const raft_server *found = c->find(s.id);
            REQUIRE(found != nullptr);
            REQUIRE(found->role == s.role);
            REQUIRE(std::strcmp(found->address, s.address) == 0);
            joint = joint || s.role > RAFT_SPARE;
        }
        REQUIRE(c->joint == joint);
        REQUIRE(encode(c->view()) == payload);
    });
}

TEST_CASE("configuration: a truncated or changed payload is refused, or decodes to what it says") {
    Drawn d = of_roles({RAFT_VOTER, RAFT_STANDBY, RAFT_VOTER, RAFT_SPARE});
    const std::string good = encode(d.view());
    Owned c;
    const size_t used = 1 + 8 + 4 * (8 + std::strlen("address of 0") + 1 + 1);
    for (size_t n = 0; n < used; ++n) {
        REQUIRE(decode(good.substr(0, n), &c) == RAFT_MALFORMED);
    }
    REQUIRE(decode(good + std::string(8, '\0'), &c) == RAFT_MALFORMED);
    for (size_t at = 0; at < good.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            int rv = decode(bad, &c);
            if (rv == 0) { /* valid by chance: it must be exactly what was written */
                REQUIRE(encode(c->view()).substr(0, used) == bad.substr(0, used));
            } else {
                REQUIRE((rv == RAFT_MALFORMED || rv == RAFT_INVALID));
            }
        }
    }
}

TEST_CASE("configuration: random bytes that decode encode to the same bytes") {
    Random random(3);
    unsigned decoded = 0;
    for (int i = 0; i < 50000; ++i) {
        std::string payload(random.below(60), '\0');
        for (char &byte : payload) {
            byte = static_cast<char>(random.below(4) == 0 ? random.next() : 0);
        }
        if (!payload.empty()) {
            payload[0] = 1;
        }
        Owned c;
        if (decode(payload, &c) == 0) {
            ++decoded;
            REQUIRE(encode(c->view()).substr(0, payload.size()) ==
                    payload.substr(0, encode(c->view()).size()));
        }
    }
    REQUIRE(decoded < 5000);
}

TEST_CASE("configuration: validate() returns the code of the first error") {
    raft_server good[] = {{1, "a", RAFT_VOTER}, {2, "b", RAFT_STANDBY}, {3, "c", RAFT_SPARE}};
    raft_configuration conf{good, 3};
    REQUIRE(configuration::validate(conf, configuration::Roles::kCallers) == 0);
    auto with = [&](auto change, configuration::Roles joint) {
        raft_server bad[3] = {good[0], good[1], good[2]};
        change(bad);
        return configuration::validate({bad, 3}, joint);
    };
    REQUIRE(with([](raft_server *s) { s[1].id = 0; }, configuration::Roles::kCallers) ==
            RAFT_BADID);
    REQUIRE(with([](raft_server *s) { s[2].id = 1; }, configuration::Roles::kCallers) ==
            RAFT_DUPLICATEID);
    REQUIRE(with([](raft_server *s) { s[2].address = "a"; }, configuration::Roles::kCallers) ==
            RAFT_DUPLICATEADDRESS);
    REQUIRE(with([](raft_server *s) { s[2].address = nullptr; }, configuration::Roles::kCallers) ==
            RAFT_INVALID);
    REQUIRE(with([](raft_server *s) { s[0].role = RAFT_STANDBY; },
                 configuration::Roles::kCallers) == RAFT_INVALID);
    for (int role : {-1, 7, 1000}) {
        REQUIRE(with([=](raft_server *s) { s[2].role = role; }, configuration::Roles::kJoint) ==
                RAFT_BADROLE);
    }
    for (int role = RAFT_VOTER_OUTGOING; role <= RAFT_VOTER_TO_SPARE; ++role) {
        REQUIRE(with([=](raft_server *s) { s[2].role = role; }, configuration::Roles::kCallers) ==
                RAFT_BADROLE);
        REQUIRE(with([=](raft_server *s) { s[2].role = role; }, configuration::Roles::kJoint) == 0);
    }
    REQUIRE(configuration::validate({nullptr, 0}, configuration::Roles::kCallers) == RAFT_INVALID);
    REQUIRE(configuration::validate({nullptr, 2}, configuration::Roles::kCallers) == RAFT_INVALID);
}

/* Every pair of configurations of four servers that have a voter. */
TEST_CASE("configuration: join() counts both voter sets, leave() leads to the new one") {
    std::vector<std::vector<int>> all;
    every(4, -1, RAFT_SPARE, [&](const std::vector<int> &roles) {
        if (has_voter(roles)) {
            all.push_back(roles);
        }
    });
    REQUIRE(all.size() == 4 * 4 * 4 * 4 - 3 * 3 * 3 * 3);
    for (const auto &from : all) {
        Drawn a = of_roles(from);
        Owned old_one(configuration::copy(a.view(), 1));
        for (const auto &to : all) {
            Drawn b = of_roles(to);
            Owned new_one(configuration::copy(b.view(), 2));
            unsigned changed = 0;
            for (size_t i = 0; i < 4; ++i) {
                changed += (from[i] == RAFT_VOTER) != (to[i] == RAFT_VOTER);
            }
            if (configuration::voters_changed(*old_one, *new_one) != changed) {
                FAIL("voters_changed");
            }
            Owned joint(configuration::join(*old_one, *new_one));
            Owned left(configuration::leave(*joint));
            bool right = configuration::equal(*left, *new_one) && !left->joint;
            for (size_t i = 0; i < 4; ++i) {
                const uint8_t sets = joint->voter_sets_of(i + 1);
                right = right && ((sets & kOldSet) != 0) == (from[i] == RAFT_VOTER) &&
                        ((sets & kNewSet) != 0) == (to[i] == RAFT_VOTER);
            }
            if (!right) {
                FAIL("join and leave");
            }
        }
    }
}

TEST_CASE("configuration: a copy does not refer to the original") {
    std::string address = "somewhere";
    raft_server server{1, address.c_str(), RAFT_VOTER};
    Owned c(configuration::copy({&server, 1}, 4));
    address.assign(address.size(), '#');
    server.id = 99;
    REQUIRE(c->find(1) != nullptr);
    REQUIRE(std::string(c->find(1)->address) == "somewhere");
    REQUIRE(c->find(99) == nullptr);
    REQUIRE(c->voter_sets_of(99) == 0);
    REQUIRE(c->index == 4);
    REQUIRE_FALSE(c->joint);
}

TEST_CASE("configuration: equal() compares ID, address and role of every server") {
    const raft_server base[] = {{1, "a", RAFT_VOTER}, {2, "b", RAFT_VOTER}};
    auto of = [](raft_server a, raft_server b) {
        raft_server servers[] = {a, b};
        return Owned(configuration::copy({servers, 2}, 1));
    };
    const Owned one = of(base[0], base[1]);
    for (int place : {0, 1}) {
        for (raft_server other : {raft_server{9, base[place].address, RAFT_VOTER},
                                  raft_server{base[place].id, "x", RAFT_VOTER},
                                  raft_server{base[place].id, base[place].address, RAFT_STANDBY}}) {
            const Owned two = place == 0 ? of(other, base[1]) : of(base[0], other);
            REQUIRE_FALSE(configuration::equal(*one, *two));
        }
    }
    REQUIRE(configuration::equal(*one, *of(base[0], base[1])));
}

TEST_CASE("configuration: what the padding holds does not matter") {
    raft_server server{1, "one", RAFT_VOTER}; /* the example of docs/guide/configuration.rst */
    std::string payload = encode({&server, 1});
    REQUIRE(payload.substr(22) == std::string(2, '\0'));
    payload[22] = '\x7f';
    payload[23] = '\xff';
    Owned decoded;
    REQUIRE(decode(payload, &decoded) == 0);
    REQUIRE(decoded->find(1) != nullptr);
    REQUIRE(decoded->n == 1);
}

TEST_CASE("configuration: padding of eight bytes or more is refused") {
    raft_server server{1, "abcde", RAFT_VOTER}; /* no padding of its own */
    std::string payload = encode({&server, 1});
    Owned decoded;
    REQUIRE(decode(payload, &decoded) == 0);
    payload += std::string(8, '\0');
    REQUIRE(decode(payload, &decoded) == RAFT_MALFORMED);
}
