/* SPDX-License-Identifier: MIT */
/* Types of the simulator, besides those of the driver. */
#pragma once

#include "../driver/driver.hpp"
#include "../driver/judge.hpp"
#include "../driver/random.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sim {

using namespace driver;

using Time = uint64_t; /* simulated microseconds */

/* A server's message codec: as first published; with pre-votes, but without a mark on their
 * results; as published today; with this library's own fields; with `sleep`, too. */
enum Codec : unsigned { kFirst, kUnmarked, kPublished, kOurs, kSleeping };

inline constexpr unsigned kMaxServers = 9;
inline constexpr unsigned kKeys = 4;
inline constexpr unsigned kPorts = 3; /* addresses that a server may have */
inline constexpr uint32_t kNoOp = kNoMark;
inline constexpr Time kMs = 1000;
inline constexpr Time kSecond = 1000 * kMs;
inline constexpr Time kMinute = 60 * kSecond;

const char *name_of(raft_id id);
const char *address_of(raft_id id, unsigned port);
/* Another one of the addresses that the server may have. */
const char *other_address(raft_id id, const char *address);

/* The caller's state machine: a few registers. */
struct Machine {
    raft_index applied = 0;
    uint64_t digest = 0; /* of all applied entries */
    uint32_t values[kKeys] = {kNoOp, kNoOp, kNoOp, kNoOp};

    void mix(uint64_t x) {
        digest = (digest ^ x) * 0x9e3779b97f4a7c15U;
        digest ^= digest >> 29;
    }
};

} // namespace sim
