/* SPDX-License-Identifier: MIT */
/* What no correct server sends. Fields that are newer than a message's version are not read. */
#pragma once

#include "base/untrusted.hpp"
#include "state/server.hpp"

namespace libraft::message {

[[nodiscard]] inline int malformed(Step &step, const char *why) {
    return step.fail(RAFT_MALFORMED, why);
}

/* Every message names its sender. */
[[nodiscard]] inline int check_sender(Step &step, const raft_message &m) {
    if (m.server_id == 0 || m.server_id == step.server.id || m.server_address == nullptr) {
        return malformed(step, "the message has no sender, or this server's own ID");
    }
    return 0;
}

inline bool valid_term(raft_term term) { return term > 0 && term <= kLimit; }

/* An index and its term are both 0 or both not 0. */
inline bool valid_position(raft_index index, raft_term term, raft_term highest) {
    return index <= kLimit && term <= highest && (index == 0) == (term == 0);
}

/* A term has one leader (figure 3.2, election safety): does this message claim another? */
inline bool contradicts_leader(const Server &s, const raft_message &m, raft_term term) {
    return term == s.term && (s.leads() || (s.leader != 0 && s.leader != m.server_id));
}

inline bool is_entry_type(uint32_t type) { return type >= RAFT_COMMAND && type <= RAFT_CHANGE; }

} // namespace libraft::message
