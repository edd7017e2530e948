/* SPDX-License-Identifier: MIT */
#include "encode.hpp"

#include <raft.h>

#include <string>

namespace bench {

std::vector<char> encode_voters(unsigned servers) {
    std::vector<char> bytes;
    const auto number = [&](unsigned long long value) {
        for (unsigned i = 0; i < 8; i++) {
            bytes.push_back(static_cast<char>(value >> (8 * i)));
        }
    };
    bytes.push_back(1); /* format */
    number(servers);
    for (unsigned i = 0; i < servers; i++) {
        const std::string address = "127.0.0.1:" + std::to_string(9001 + i);
        number(i + 1);
        bytes.insert(bytes.end(), address.begin(), address.end());
        bytes.push_back('\0');
        bytes.push_back(RAFT_VOTER);
    }
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes;
}

} // namespace bench
