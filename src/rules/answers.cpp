/* SPDX-License-Identifier: MIT */
#include "rules/answers.hpp"

namespace libraft::answers {

void acknowledge(Change &change) {
    if (change.server.leader != 0) {
        write_acknowledgement(change.server, change.out.add_message());
    }
}

void acknowledge_snapshot(Change &change, raft_index index, uint64_t offset) {
    acknowledge(change);
    if (change.out.n_messages > 0) {
        raft_append_entries_result &r =
            change.out.messages[change.out.n_messages - 1].append_entries_result;
        r.snapshot_index = r.version >= 3 ? index : 0;
        r.snapshot_offset = r.version >= 3 ? offset : 0;
    }
}

void reject(Change &change, const raft_message &m, raft_index rejected, raft_index hint) {
    const char *to = address(change, m);
    /* rejected == 0 means success, so that a rejection at index 0 cannot be expressed. A
     * last_log_index of 0 acknowledges nothing. */
    write_result(change.server, change.out.add_message(), m.server_id, to, rejected,
                 rejected != 0 ? hint : 0);
}

const char *known_address(const Server &s, const raft_message &m) {
    if (m.server_id == s.leader && s.leader_is_member) {
        return s.leader_address.get();
    }
    const Configuration *c = s.configuration;
    const raft_server *member = c != nullptr ? c->find(m.server_id) : nullptr;
    return member != nullptr ? member->address : nullptr;
}

void plan(const Server &s, const raft_message &m, Need *need) {
    need->messages += 1;
    /* The leader may be another server, which no configuration has, when the answer is made. */
    if (s.configuration == nullptr || s.configuration->find(m.server_id) == nullptr) {
        const size_t size = strlen(m.server_address) + 1;
        need->bytes += size > kShortAddress ? in_words(size) : 0;
    }
}

const char *address(Change &change, const raft_message &m) {
    const char *known = known_address(change.server, m);
    if (known != nullptr) {
        return known;
    }
    const size_t size = strlen(m.server_address) + 1;
    void *room = size > kShortAddress
                     ? change.out.take(size)
                     : &change.out.messages[change.out.n_messages].reserved_union[kResultWords];
    return static_cast<const char *>(memcpy(room, m.server_address, size));
}

} // namespace libraft::answers
