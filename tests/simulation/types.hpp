/* SPDX-License-Identifier: MIT */
/* What the servers of a simulated cluster hold besides what the driver keeps for them. */
#pragma once

#include "../driver/driver.hpp"
#include "../driver/judge.hpp"
#include "../driver/random.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sim {

using namespace driver;

using Time = uint64_t; /* microseconds of the world */

/* How old a server's message codec is: as first published; one that knows pre-votes, but does not
 * mark the answers to them; today's published one; with our fields. */
enum Vintage : unsigned { kFirst, kUnmarked, kPublished, kOurs };

inline constexpr unsigned kMaxServers = 9;
inline constexpr unsigned kKeys = 4;
inline constexpr unsigned kPorts = 3; /* addresses that a server may have */
inline constexpr uint32_t kNoOp = kNoMark;
inline constexpr Time kMs = 1000;
inline constexpr Time kSecond = 1000 * kMs;

const char *name_of(raft_id id);
const char *address_of(raft_id id, unsigned port);
/* Another address that the server may have. */
const char *other_address(raft_id id, const char *address);

/* The caller's state machine: some registers. */
struct Machine {
    raft_index applied = 0;
    uint64_t digest = 0; /* of everything applied */
    uint32_t values[kKeys] = {kNoOp, kNoOp, kNoOp, kNoOp};

    void mix(uint64_t x) {
        digest = (digest ^ x) * 0x9e3779b97f4a7c15U;
        digest ^= digest >> 29;
    }
};

} // namespace sim
