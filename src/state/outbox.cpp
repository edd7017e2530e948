/* SPDX-License-Identifier: MIT */
#include "state/outbox.hpp"

#include <algorithm>

namespace libraft {
namespace {

constexpr uint64_t kMost = std::min<uint64_t>(uint64_t{8} * UINT32_MAX, SIZE_MAX / 4);
constexpr uint64_t kLeast = 512; /* of a smaller block: enough for a leader of a small cluster */

/* Reservations that are observed before a large block is replaced or kept, and those between two
 * such periods. */
constexpr uint32_t kObserved = 8;
constexpr uint32_t kUnobserved = 8;

} // namespace

/* Precedes a large block. */
struct Outbox::Header {
    uint32_t capacity;     /* in units of 8 bytes */
    uint32_t most;         /* the largest reservation in this period of observation */
    uint32_t reservations; /* since the period began */
    uint32_t reserved;
};

Outbox::Header *Outbox::header() const {
    return is_large() && block_ != nullptr ? static_cast<Header *>(block_) - 1 : nullptr;
}

Outbox::~Outbox() { release_block(); }

void Outbox::release_block() {
    Header *h = header();
    free(h != nullptr ? h : block_);
}

void Outbox::release() {
    release_block();
    block_ = nullptr;
    capacity_ = 0;
}

bool Outbox::reserve_slowly(uint64_t size) {
    Header *h = header();
    if (h == nullptr) {
        return holds(size) || grow(size);
    }
    if (size / 8 > h->capacity) {
        return grow(size);
    }
    h->most = std::max(h->most, static_cast<uint32_t>(size / 8));
    h->reservations++;
    if (h->reservations == kObserved) {
        capacity_ = h->capacity;
        if (h->most < h->capacity / 4) {
            (void)replace(std::max<uint64_t>(uint64_t{8} * h->most, kLeast));
        }
    } else if (h->reservations == kObserved + kUnobserved) {
        h->reservations = 0;
        h->most = 0;
        capacity_ = 0;
    }
    return true;
}

bool Outbox::grow(uint64_t size) {
    const Header *h = header();
    const uint64_t capacity = h != nullptr ? h->capacity : capacity_;
    if (size > kMost) {
        return false;
    }
    /* Small blocks have the exact size, because there may be very many servers. Large ones double,
     * so that they are not allocated again and again. */
    const uint64_t twice = std::min(16 * capacity, kMost);
    if (size > kSmall && size < twice) {
        size = twice;
    }
    return replace(size);
}

bool Outbox::replace(uint64_t size) {
    const bool large = size > kSmall;
    const uint64_t in_front = large ? sizeof(Header) : 0;
    /* Zeroed, so that no message carries what the heap held before. */
    void *memory = calloc(1, static_cast<size_t>(in_front + size));
    if (memory == nullptr) {
        return false;
    }
    release_block();
    if (large) {
        auto *h = static_cast<Header *>(memory);
        h->capacity = static_cast<uint32_t>(size / 8);
        block_ = h + 1;
        capacity_ = 0;
    } else {
        block_ = memory;
        capacity_ = static_cast<uint32_t>(size / 8);
    }
    return true;
}

} // namespace libraft
