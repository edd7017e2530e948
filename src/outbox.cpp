/* SPDX-License-Identifier: MIT */
#include "outbox.hpp"

namespace libraft {

/* Everything in the block is a multiple of 8 long, so that nothing needs padding. */
static_assert(sizeof(raft_message) % 8 == 0);
static_assert(sizeof(raft_read) % 8 == 0);

namespace {

constexpr uint64_t kEntrySize = (sizeof(raft_entry) + 7) & ~uint64_t{7};
constexpr uint64_t kMost = UINT32_MAX - 64;

} // namespace

bool Outbox::reserve(const Need &need) {
    /* No product below can overflow, and no 32-bit platform is asked for more than it has. */
    if (need.messages > UINT32_MAX || need.entries > UINT32_MAX || need.reads > UINT32_MAX ||
        need.bytes > kMost) {
        return false;
    }
    uint64_t size = need.messages * sizeof(raft_message) + need.entries * kEntrySize +
                    need.reads * sizeof(raft_read) + need.bytes;
    if (size <= capacity_) {
        return true;
    }
    if (size > SIZE_MAX / 2) {
        return false;
    }
    /* Zeroed, so that no message ever carries what the heap held before. */
    void *block = calloc(1, static_cast<size_t>(size));
    if (block == nullptr) {
        return false;
    }
    free(block_);
    block_ = block;
    capacity_ = static_cast<size_t>(size);
    return true;
}

void Outgoing::lay_out(char *block, const Need &need) {
    messages.items = reinterpret_cast<raft_message *>(block);
    block += need.messages * sizeof(raft_message);
    entries.items = reinterpret_cast<raft_entry *>(block);
    block += need.entries * kEntrySize;
    reads.items = reinterpret_cast<raft_read *>(block);
    bytes.items = block + need.reads * sizeof(raft_read);
#ifdef RAFT_INVARIANTS
    messages.room = need.messages;
    entries.room = need.entries;
    reads.room = need.reads;
    bytes.room = need.bytes;
#endif
}

void *Outgoing::take(size_t n) {
    char *taken = bytes.items + bytes.n;
    bytes.n += static_cast<uint32_t>((n + 7) & ~size_t{7});
    INVARIANT(bytes.n <= bytes.room);
    return taken;
}

} // namespace libraft
