/* SPDX-License-Identifier: MIT */
#include "wire.hpp"

#include <algorithm>

namespace sim {
namespace {

/* The highest version that a codec knows. */
unsigned char limit_of(raft_message_type type, unsigned codec) {
    switch (type) {
        case RAFT_APPEND_ENTRIES:
            return codec >= kSleeping ? 2 : codec == kOurs ? 1 : 0;
        case RAFT_INSTALL_SNAPSHOT:
            return codec >= kOurs ? 1 : 0;
        case RAFT_APPEND_ENTRIES_RESULT:
            return codec >= kOurs ? 3 : codec == kPublished ? 2 : codec == kUnmarked ? 1 : 0;
        case RAFT_REQUEST_VOTE:
        case RAFT_REQUEST_VOTE_RESULT:
            return codec >= kPublished ? 2 : codec == kUnmarked ? 1 : 0;
        default:
            return 0;
    }
}

void scramble_result(raft_append_entries_result &r, Random &random) {
    if (r.version < 1) {
        r.features = static_cast<unsigned short>(random.next());
        r.capacity = static_cast<unsigned short>(random.next());
    }
    if (r.version < 3) {
        r.round = random.next();
        r.snapshot_index = random.next();
        r.snapshot_offset = random.next();
    }
}

} // namespace

uint64_t bytes_of(const Entry &e, unsigned entry_bytes) {
    uint64_t own = e.payload->bytes.size();
    if (e.type() != RAFT_COMMAND || entry_bytes == 0) {
        return 24 + own;
    }
    return 24 + own + (e.payload->mark * 0x9e3779b97f4a7c15U >> 40) % entry_bytes;
}

bool strip(raft_message &m, unsigned codec, Random &random) {
    unsigned char limit = limit_of(m.type, codec);
    if (m.type == RAFT_APPEND_ENTRIES && std::min(limit, m.append_entries.version) < 2) {
        m.append_entries.sleep = (m.append_entries.prev_log_index & 1) != 0;
    }
    /* The version is the first field of every message. */
    unsigned char &version = m.request_vote.version;
    if (version <= limit) {
        return false;
    }
    version = limit;
    switch (m.type) {
        case RAFT_REQUEST_VOTE:
            if (version < 1) {
                m.request_vote.disrupt_leader = random.percent(50);
                m.request_vote.pre_vote = random.percent(50);
            }
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            m.request_vote_result.pre_vote = random.percent(50);
            m.request_vote_result.features = static_cast<unsigned short>(random.next());
            m.request_vote_result.capacity = static_cast<unsigned short>(random.next());
            break;
        case RAFT_APPEND_ENTRIES:
            m.append_entries.round = version < 1 ? random.next() : m.append_entries.round;
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            scramble_result(m.append_entries_result, random);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            m.install_snapshot.offset = random.next();
            m.install_snapshot.last = false;
            break;
        default:
            break;
    }
    return true;
}

} // namespace sim
