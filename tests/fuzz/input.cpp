/* SPDX-License-Identifier: MIT */
#include "input.hpp"

namespace fuzz {

uint64_t Input::number(struct raft *r) {
    const uint8_t choice = u8();
    if (choice < 128) {
        return choice % 16;
    }
    const uint64_t near = static_cast<uint64_t>(choice % 3) - 1; /* one less, equal, one more */
    switch ((choice - 128) / 8) {
        case 0:
        case 1:
            return raft_last_index(r) + near;
        case 2:
        case 3:
            return raft_commit_index(r) + near;
        case 4:
        case 5:
            return raft_current_term(r) + near;
        case 6:
            return raft_first_index(r) + near;
        case 7:
            return raft_snapshot_index(r) + near;
        case 8:
            return raft_last_stored(r) + near;
        case 9:
            return raft_term_of(r, raft_last_index(r)) + near;
        case 10:
            return (1ULL << 62) + near;
        case 11:
            return UINT64_MAX - (choice % 4);
        case 12:
            return 1ULL << (u8() % 64);
        case 13:
            return u16();
        case 14: /* the highest term that a message may have, on a server that is not near it */
            return (1ULL << 61) + (1ULL << 32) + near;
        default:
            return u64();
    }
}

} // namespace fuzz
