/* SPDX-License-Identifier: MIT */
/* The members of the cluster, as a configuration entry or a snapshot sets them
 * (§4.1, §4.3), and the payload that carries them in the log. */
#pragma once

#include <raft.h>

#include <cstdint>

namespace libraft {

/* The voter sets that a role belongs to. Outside a joint change a voter belongs to
 * both, so that a decision always asks for a majority of each. */
enum : uint8_t { kNewSet = 1, kOldSet = 2, kBothSets = 3 };

inline uint8_t voter_sets(int role) {
    switch (role) {
        case RAFT_VOTER:
            return kBothSets;
        case RAFT_VOTER_INCOMING:
            return kNewSet;
        case RAFT_VOTER_OUTGOING:
        case RAFT_VOTER_TO_STANDBY:
        case RAFT_VOTER_TO_SPARE:
            return kOldSet;
        default:
            return 0;
    }
}

/* One configuration in one block of memory: the servers follow the struct, their
 * addresses follow them. Linked to the one that it replaced. */
struct Configuration {
    Configuration *previous;
    raft_index index; /* of the entry that set it */
    uint32_t n;
    bool joint;

    raft_server *servers() { return reinterpret_cast<raft_server *>(this + 1); }
    const raft_server *servers() const { return const_cast<Configuration *>(this)->servers(); }
    const raft_server *begin() const { return servers(); }
    const raft_server *end() const { return servers() + n; }
    const raft_server *find(raft_id id) const;
    raft_configuration view() const { return {const_cast<raft_server *>(servers()), n}; }
    uint8_t voter_sets_of(raft_id id) const;
};

namespace configuration {

/* Does a caller's configuration follow the rules? 0, RAFT_BADID, RAFT_DUPLICATEID,
 * RAFT_DUPLICATEADDRESS, RAFT_BADROLE, RAFT_NOMEM, or RAFT_INVALID: no address, no
 * voter. Joint roles are for messages and disks only. */
[[nodiscard]] int validate(const raft_configuration &conf, bool allow_joint);

/* A copy, addresses included; NULL: out of memory. */
[[nodiscard]] Configuration *copy(const raft_configuration &conf, raft_index index);

/* From the payload of a RAFT_CHANGE entry: 0, RAFT_MALFORMED, RAFT_NOMEM, or RAFT_INVALID:
 * well-formed, but nobody votes. */
[[nodiscard]] int decode(const raft_buffer &payload, raft_index index, Configuration **decoded);

/* The payload of a RAFT_CHANGE entry. */
size_t encoded_size(const raft_configuration &conf);
void encode(const raft_configuration &conf, void *payload);

/* Same servers, addresses and roles in the same order. */
bool equal(const Configuration &a, const Configuration &b);

/* How many servers are a voter in one of the two only. */
unsigned voters_changed(const Configuration &from, const Configuration &to);

/* The joint configuration between two (§4.3), and the one that a joint one leads to.
 * NULL: out of memory. */
[[nodiscard]] Configuration *join(const Configuration &from, const Configuration &to);
[[nodiscard]] Configuration *leave(const Configuration &joint);

void release_all(Configuration *list);
inline void release(Configuration *list) {
    if (list != nullptr) {
        release_all(list);
    }
}

} // namespace configuration
} // namespace libraft
