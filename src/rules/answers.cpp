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

void refuse_term(Change &change, const raft_message &m, raft_index rejected) {
    reject(change, m, rejected, change.server.log.last());
    /* The same server may lead the present term: for it, this says nothing about the log. */
    change.out.messages[change.out.n_messages - 1].append_entries_result.round = 0;
}

void plan(const raft_message &m, Need *need) {
    const uint64_t size = uint64_t{strlen(m.server_address)} + 1;
    need->messages += 1;
    need->bytes += size > kShortAddress ? in_words(size) : 0;
}

const char *address(Change &change, const raft_message &m) {
    const size_t size = strlen(m.server_address) + 1;
    void *memory = size > kShortAddress
                       ? change.out.take(size)
                       : &change.out.messages[change.out.n_messages].reserved_union[kResultWords];
    return static_cast<const char *>(memcpy(memory, m.server_address, size));
}

} // namespace libraft::answers
