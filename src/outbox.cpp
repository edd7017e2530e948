/* SPDX-License-Identifier: MIT */
#include "outbox.hpp"

namespace libraft {
namespace {

constexpr uint64_t kLarge = 4096;
constexpr uint64_t kMost = uint64_t{1} << 40; /* the loose bytes alone count in 32 bits */

} // namespace

bool Outbox::grow(uint64_t size) {
    if (size > kMost || size > SIZE_MAX / 4) {
        return false;
    }
    /* Small ones are exact, for there may be very many; large ones must not be allocated
     * again and again. */
    if (size > kLarge && size < 2 * uint64_t{capacity_}) {
        size = 2 * uint64_t{capacity_};
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
