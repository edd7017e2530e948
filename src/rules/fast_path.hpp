/* SPDX-License-Identifier: MIT */
/* The fast path: five events that a settled cluster steps all the time (AppendEntries, its
 * result, writes that become durable, submissions, heartbeats) each begin with a short piece of
 * code that handles the usual case without the general path's Step and Change. It is the last
 * function of the event's own file and calls the same rule functions. Where its conditions do not
 * hold it changes nothing and calls the general path, which would produce the same update. */
#pragma once

#include "base/untrusted.hpp"
#include "state/server.hpp"

#include <algorithm>

/* One function an event, each with a stack frame of its own. */
#define FAST_PATH [[gnu::noinline]]

namespace libraft::fast_path {

/* The central condition: "nothing unusual is going on". It is computed at the end of each step
 * on the general path, so that the fast paths test one value instead of a dozen. */
FastPath find(const Server &s);

inline raft_time time_of(const Server &s, const raft_event &event) {
    return std::max(event.time, s.now);
}

/* Are the time, and each number whose bits are in `numbers`, within their limit? */
inline bool within_limits(const raft_event &event, uint64_t numbers = 0) {
    return (event.time | numbers) <= kLimit;
}

/* The conditions hold: the step takes place. */
inline void begin(Server &s, const raft_event &event) {
    s.now = time_of(s, event);
    s.capacity = event.capacity;
}

inline raft_message *messages_of(Server &s) {
    return reinterpret_cast<raft_message *>(s.outbox.block());
}
inline raft_entry *entries_of(Server &s) {
    return reinterpret_cast<raft_entry *>(s.outbox.block());
}

inline bool is_plain(uint32_t type) { return type - RAFT_COMMAND <= RAFT_BARRIER - RAFT_COMMAND; }
/* Are all entries commands or barriers? */
inline bool are_plain(const raft_entry *entries, uint32_t n) {
    bool plain = true;
    for (uint32_t i = 0; i < n; i++) {
        plain = plain & is_plain(load_enum(entries[i].type));
    }
    return plain;
}

/* Append entries of the log's last term, which the outbox contains already. */
inline void append(Server &s, raft_update &update, raft_entry *entries, uint32_t n) {
    const raft_index last = s.log.last();
    s.log.append(s.log.last_term(), n);
    update.entries = {last + 1, entries, n, ++s.writes};
}

/* Hand out the messages in [first, end). Returns the flag. */
inline unsigned hand_out(raft_update &update, raft_message *first, const raft_message *end) {
    if (first == end) {
        return 0;
    }
    update.messages = {first, static_cast<unsigned>(end - first)};
    return RAFT_UPDATE_MESSAGES;
}

} // namespace libraft::fast_path
