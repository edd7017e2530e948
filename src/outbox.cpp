/* SPDX-License-Identifier: MIT */
#include "outbox.hpp"

namespace libraft {
namespace {

constexpr uint64_t kMost = uint64_t{1} << 40; /* the loose bytes alone count in 32 bits */

} // namespace

bool Outbox::grow(uint64_t size) {
    if (size > kMost || size > SIZE_MAX / 2) {
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

} // namespace libraft
