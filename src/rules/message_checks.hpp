/* SPDX-License-Identifier: MIT */
/* What no correct server sends. Fields that are newer than a message's version are not read. */
#pragma once

#include "base/untrusted.hpp"
#include "state/server.hpp"

#include <algorithm>

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

/* A term beyond both bounds is refused, so that one forged message cannot use the terms up. No
 * honest cluster gets to kHonestTerms, nor are its members more than kMostElections apart. A server
 * with an empty log accepts any term, so that it can join any cluster. */
inline constexpr raft_term kHonestTerms = 1ULL << 61;
inline constexpr raft_term kMostElections = 1ULL << 32;
inline raft_term highest_term(const Server &s) {
    return s.log.last() == 0
               ? kLimit
               : std::min<raft_term>(std::max(s.term, kHonestTerms) + kMostElections, kLimit);
}

inline bool valid_term(const Server &s, raft_term term) {
    return term > 0 && term <= highest_term(s);
}

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
