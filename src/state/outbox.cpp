/* SPDX-License-Identifier: MIT */
#include "state/outbox.hpp"

#include <algorithm>

namespace libraft {
namespace {

constexpr uint64_t kLarge = 4096;
constexpr uint64_t kMost = std::min<uint64_t>(uint64_t{8} * UINT32_MAX, SIZE_MAX / 4);

} // namespace

bool Outbox::grow(uint64_t size) {
    if (size > kMost) {
        return false;
    }
    /* Small blocks have the exact size, because there may be very many servers. Large ones double,
     * so that they are not allocated again and again. */
    const uint64_t twice = std::min(16 * uint64_t{capacity_}, kMost);
    if (size > kLarge && size < twice) {
        size = twice;
    }
    /* Zeroed, so that no message carries what the heap held before. */
    void *block = calloc(1, static_cast<size_t>(size));
    if (block == nullptr) {
        return false;
    }
    free(block_);
    block_ = block;
    capacity_ = static_cast<uint32_t>(size / 8);
    return true;
}

} // namespace libraft
