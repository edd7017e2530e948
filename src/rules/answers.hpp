/* SPDX-License-Identifier: MIT */
/* AppendEntries results, and the address that an answer goes to. */
#pragma once

#include "state/installation.hpp"
#include "state/server.hpp"

#include <algorithm>

namespace libraft::answers {

/* Write a result that acknowledges everything up to `last` or, if `rejected` is not 0, rejects
 * that index. */
inline void write_result(const Server &s, raft_message &m, raft_id to, const char *address,
                         raft_index rejected, raft_index last) {
    const bool extended =
        s.leader_extended && s.announces(RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS);
    /* Another leader's snapshot may have other bytes. */
    const Installation *i = extended ? s.installation.get() : nullptr;
    if (i != nullptr && i->leader_term != s.term) {
        i = nullptr;
    }
    m.type = RAFT_APPEND_ENTRIES_RESULT;
    m.server_id = to;
    m.server_address = address;
    raft_append_entries_result &r = m.append_entries_result;
    r.version = extended ? 3 : 2;
    r.term = s.term;
    r.rejected = rejected;
    r.last_log_index = last;
    r.features = s.settings->features;
    r.capacity = s.capacity;
    r.round = extended ? s.leader_round : 0;
    r.snapshot_index = i != nullptr ? i->index : 0;
    r.snapshot_offset = i != nullptr ? i->offset : 0;
}

/* The highest index that may be acknowledged: durable, and matched by this term's leader. */
inline raft_index acknowledgeable(const Server &s) { return std::min(s.last_stored, s.matched); }

/* Write the acknowledgement to the known leader. */
inline void write_acknowledgement(const Server &s, raft_message &m) {
    write_result(s, m, s.leader, s.leader_address.get(), 0, acknowledgeable(s));
}
/* Acknowledge to the leader, if one is known. */
void acknowledge(Change &change);
/* The same, and say how much of which snapshot is durable, so that the leader can resume (§5.1). */
void acknowledge_snapshot(Change &change, raft_index index, uint64_t offset);
/* Refuse a message of an earlier term, which named the position `rejected`. */
void refuse_term(Change &change, const raft_message &m, raft_index rejected);
/* Reject a message of the position `rejected`. A log that may agree ends at `hint`. */
void reject(Change &change, const raft_message &m, raft_index rejected, raft_index hint);

/* The end of an answer's union is unused: a short address fits there. */
inline constexpr size_t kResultWords = sizeof(raft_append_entries_result) / 8;
inline constexpr size_t kShortAddress = sizeof raft_message::reserved_union - 8 * kResultWords;
static_assert(sizeof(raft_append_entries_result) % 8 == 0 &&
              sizeof(raft_append_entries_result) >= sizeof(raft_request_vote_result));

/* What one answer needs. It goes to the address that its message came with: a server that has moved
 * must be answered before a configuration has its new address. */
void plan(const raft_message &m, Need *need);
/* A copy of the address that `m` came with, for the next message, which answers it. */
const char *address(Change &change, const raft_message &m);

} // namespace libraft::answers
