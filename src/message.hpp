/* SPDX-License-Identifier: MIT */
/* Which messages no correct server sends. Fields newer than a message's version are not
 * looked at. */
#pragma once

#include "bytes.hpp"
#include "server.hpp"

namespace libraft::message {

[[nodiscard]] inline int malformed(Step &step, const char *why) {
    return step.fail(RAFT_MALFORMED, why);
}

/* A term comes with an index, and neither without the other. */
inline bool valid_position(raft_index index, raft_term term, raft_term highest) {
    return index <= kLimit && term <= highest && (index == 0) == (term == 0);
}

inline bool valid_term(raft_term term) { return term > 0 && term <= kLimit; }

/* The address to answer a server that is not known to be the leader. */
inline size_t address_space(const raft_message &m) { return strlen(m.server_address) + 8; }
inline const char *answer_address(Step &step, const raft_message &m) {
    const Server &s = step.server;
    if (m.server_id == s.leader && s.leader_address != nullptr) {
        return s.leader_address;
    }
    const Configuration *c = s.configuration;
    const raft_server *member = c != nullptr ? c->find(m.server_id) : nullptr;
    if (member != nullptr) {
        return member->address;
    }
    size_t size = strlen(m.server_address) + 1;
    return static_cast<const char *>(memcpy(step.out.take(size), m.server_address, size));
}

} // namespace libraft::message
