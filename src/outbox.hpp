/* SPDX-License-Identifier: MIT */
/* The memory behind a step's update. A handler reserves all that its step could hand
 * out, in one block, before it changes anything; filling cannot fail. */
#pragma once

#include "invariant.hpp"

#include <raft.h>

#include <cstdint>
#include <cstdlib>

namespace libraft {

/* What a step could hand out, at most. */
struct Need {
    uint64_t messages = 0;
    uint64_t entries = 0;
    uint64_t reads = 0;
    uint64_t bytes = 0;
};

/* The block; it outlives the step, for the caller reads it until the next one. */
class Outbox {
public:
    Outbox() = default;
    Outbox(const Outbox &) = delete;
    Outbox &operator=(const Outbox &) = delete;
    ~Outbox() { free(block_); }

    [[nodiscard]] bool reserve(const Need &need);
    char *block() { return static_cast<char *>(block_); }

private:
    void *block_ = nullptr;
    size_t capacity_ = 0;
};

/* One kind of thing gathered during a step. */
template <class T>
struct Batch {
    T *items = nullptr;
    uint32_t n = 0;
#ifdef RAFT_INVARIANTS
    uint64_t room = 0;
#endif

    T &add() {
        INVARIANT(n < room);
        return items[n++];
    }
};

/* The update as it is gathered: messages, then entries, reads and loose bytes. */
struct Outgoing {
    Batch<raft_message> messages;
    Batch<raft_entry> entries;
    Batch<raft_read> reads;
    Batch<char> bytes;

    void lay_out(char *block, const Need &need);
    /* Loose bytes, aligned to 8. */
    void *take(size_t n);
};

} // namespace libraft
