/* SPDX-License-Identifier: MIT */
/* The members of the cluster, as a configuration entry or a snapshot names them (§4.1, §4.3), and
 * the payload that carries them in the log. */
#pragma once

#include "base/owner.hpp"
#include "state/quorum.hpp"

#include <raft.h>

#include <cstdint>

namespace libraft {

/* One configuration in one block of memory: the servers follow the struct, and their addresses
 * follow the servers. It is linked to the configuration that it replaced. */
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
    /* Does this server alone form a quorum? */
    bool has_sole_voter(raft_id id) const;
};

namespace configuration {

/* Which roles may a configuration hold? Joint roles occur in messages and on disks only. */
enum class Roles : bool { kCallers, kJoint };

/* Returns 0, RAFT_BADID, RAFT_DUPLICATEID, RAFT_DUPLICATEADDRESS, RAFT_BADROLE, RAFT_NOMEM,
 * RAFT_TOOBIG if there are more servers than decode() accepts, or RAFT_INVALID if an address is
 * missing or nobody votes. */
[[nodiscard]] int validate(const raft_configuration &conf, Roles allowed);

/* A copy, addresses included. NULL: out of memory. */
[[nodiscard]] Configuration *copy(const raft_configuration &conf, raft_index index);

/* Decode the payload of a RAFT_CHANGE entry. Returns 0, RAFT_MALFORMED, RAFT_NOMEM, or
 * RAFT_INVALID if the payload is well-formed but nobody votes. */
[[nodiscard]] int decode(const raft_buffer &payload, raft_index index,
                         Owner<Configuration> *decoded);

/* The payload of a RAFT_CHANGE entry. The addresses of a configuration may overlap in the caller's
 * memory, so that the payload need not fit where the configuration does: sizes have 64 bits. */
uint64_t encoded_size(const raft_configuration &conf);
void encode(const raft_configuration &conf, void *payload);

/* The same servers, addresses and roles, in the same order. */
bool equal(const Configuration &a, const Configuration &b);
/* The same in any order: the members are the same. `b` is valid. */
bool same_members(const Configuration &a, const raft_configuration &b);

/* How many servers are a voter in one of the two configurations only. */
unsigned voters_changed(const Configuration &from, const Configuration &to);

/* The joint configuration between two configurations (§4.3), and the configuration that a joint
 * one leads to. NULL: out of memory. */
[[nodiscard]] Configuration *join(const Configuration &from, const Configuration &to);
[[nodiscard]] Configuration *leave(const Configuration &joint);

} // namespace configuration

/* Frees a configuration and those that it replaced. */
void release(Configuration *latest);

} // namespace libraft
