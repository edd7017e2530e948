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

/* A term has one leader (figure 3.2, election safety): is this somebody else's claim? */
inline bool contradicts_leader(const Server &s, const raft_message &m, raft_term term) {
    return term == s.term && (s.leads() || (s.leader != 0 && s.leader != m.server_id));
}

inline bool valid_term(raft_term term) { return term > 0 && term <= kLimit; }

/* Where to answer: the address that is kept of the leader, if a configuration has it, or of a
 * member; NULL of others, who may have moved. */
inline const char *kept_address(const Server &s, const raft_message &m) {
    if (m.server_id == s.leader && s.leader_address != nullptr && !s.leader_foreign) {
        return s.leader_address;
    }
    const Configuration *c = s.configuration;
    const raft_server *member = c != nullptr ? c->find(m.server_id) : nullptr;
    return member != nullptr ? member->address : nullptr;
}

/* An answer leaves the end of its message's union unused: a short address fits there. */
inline constexpr size_t kAnswerWords = sizeof(raft_append_entries_result) / 8;
inline constexpr size_t kShortAddress = sizeof raft_message::reserved_union - 8 * kAnswerWords;
static_assert(sizeof(raft_append_entries_result) % 8 == 0 &&
              sizeof(raft_append_entries_result) >= sizeof(raft_request_vote_result));

/* What one answer needs. To a stranger it goes where the message says that it came from; who
 * is the leader now may be a stranger when the answer is made. */
inline void plan_answer(const Server &s, const raft_message &m, Need *need) {
    need->messages += 1;
    if (s.configuration == nullptr || s.configuration->find(m.server_id) == nullptr) {
        const size_t size = strlen(m.server_address) + 1;
        need->bytes += size > kShortAddress ? in_words(size) : 0;
    }
}
inline const char *answer_address(Step &step, const raft_message &m) {
    const char *kept = kept_address(step.server, m);
    if (kept != nullptr) {
        return kept;
    }
    const size_t size = strlen(m.server_address) + 1;
    void *room = size > kShortAddress
                     ? step.out.take(size)
                     : step.out.messages[step.out.n_messages].reserved_union + kAnswerWords;
    return static_cast<const char *>(memcpy(room, m.server_address, size));
}

} // namespace libraft::message
