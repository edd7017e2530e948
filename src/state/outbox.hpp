/* SPDX-License-Identifier: MIT */
/* The memory behind a step's update. A handler reserves everything that its step could put into
 * the update, in one block, before it changes anything. Filling the block cannot fail. */
#pragma once

#include "base/bytes.hpp"
#include "base/invariant.hpp"

#include <raft.h>

#include <cstdint>
#include <cstdlib>

namespace libraft {

/* Everything in the block takes whole words, so that no padding is needed. */
inline constexpr uint64_t kEntrySize = in_words(sizeof(raft_entry));
inline constexpr uint64_t kMessageSize = sizeof(raft_message);
static_assert(kMessageSize % 8 == 0);
static_assert(sizeof(raft_read) % 8 == 0);

/* Upper limits on what a step needs. Counts come from 32-bit lengths, so that their sizes do not
 * overflow 64 bits. */
struct Need {
    uint64_t messages = 0;
    uint64_t entries = 0;
    uint64_t reads = 0;
    uint64_t bytes = 0;
    /* Not in the block: */
    uint64_t runs = 0;    /* of the term log */
    uint32_t members = 0; /* of a configuration that the tracker will follow */
    bool read = false;    /* one more pending read */

    /* Bytes of the block. */
    uint64_t size() const {
        return messages * kMessageSize + entries * kEntrySize + reads * sizeof(raft_read) +
               in_words(bytes);
    }
};

/* The block. It outlives the step: the caller reads it until the next one.
 *
 * A large block is given back when steps have become small: for a number of reservations after it
 * was allocated, and again from time to time, the largest of them is observed. If all of them use
 * less than a quarter of the block, a smaller one replaces it. Meanwhile the block holds nothing
 * for the fast path, so that each step that needs memory reserves it on the general path.
 * Heartbeats, which every group has, always take the general path while the block is large: a
 * caller whose other steps take the fast path gets its memory back, too. */
class Outbox {
public:
    Outbox() = default;
    Outbox(const Outbox &) = delete;
    Outbox &operator=(const Outbox &) = delete;
    ~Outbox();

    /* Sizes are multiples of 8. */
    bool holds(uint64_t size) const { return size / 8 <= capacity_; }
    bool is_large() const { return capacity_ - 1 >= kSmall / 8; } /* or there is none */
    [[nodiscard]] bool reserve(uint64_t size) {
        return (!is_large() && holds(size)) || reserve_slowly(size);
    }
    char *block() { return static_cast<char *>(block_); }
    /* Give the block back. The present step must not use it. */
    void release();

private:
    struct Header;
    static constexpr uint64_t kSmall = 4096;

    Header *header() const;
    [[nodiscard]] bool reserve_slowly(uint64_t size);
    [[nodiscard]] bool grow(uint64_t size);
    [[nodiscard]] bool replace(uint64_t size);
    void release_block();

    void *block_ = nullptr;
    /* In units of 8 bytes; 0 while a large block is observed. */
    uint32_t capacity_ = 0;
};

/* The parts of the block as they are filled: messages, then entries, reads and bytes. */
struct Outgoing {
    raft_message *messages;
    raft_entry *entries;
    raft_read *reads;
    char *bytes;
    uint32_t n_messages = 0;
    uint32_t n_entries = 0;
    uint32_t n_reads = 0;
    uint64_t n_bytes = 0;
#ifdef RAFT_INVARIANTS
    Need room;
#endif

    void lay_out(char *block, const Need &need) {
        messages = reinterpret_cast<raft_message *>(block);
        block += need.messages * kMessageSize;
        entries = reinterpret_cast<raft_entry *>(block);
        block += need.entries * kEntrySize;
        reads = reinterpret_cast<raft_read *>(block);
        bytes = block + need.reads * sizeof(raft_read);
#ifdef RAFT_INVARIANTS
        room = need;
#endif
    }
    raft_message &add_message() {
        INVARIANT(n_messages < room.messages);
        return messages[n_messages++];
    }
    raft_entry &add_entry() {
        INVARIANT(n_entries < room.entries);
        return entries[n_entries++];
    }
    raft_read &add_read() {
        INVARIANT(n_reads < room.reads);
        return reads[n_reads++];
    }
    /* Bytes, aligned to 8. */
    void *take(uint64_t n) {
        char *taken = bytes + n_bytes;
        n_bytes += in_words(n);
        INVARIANT(n_bytes <= room.bytes);
        return taken;
    }
};

} // namespace libraft
