/* SPDX-License-Identifier: MIT */
#include "failing_memory.hpp"

#include <cstddef>
#ifdef MALLOC_IS_WRAPPED
#include <malloc.h>
#endif

namespace failing_memory {
namespace {

unsigned allocations = 0;
unsigned fail_at = 0;
bool fail_after = false;
bool failed = false;
bool armed = false;
long blocks = 0;
long long held = 0;

std::set<uintptr_t> &mutable_places() {
    static std::set<uintptr_t> set;
    return set;
}

[[maybe_unused]] bool must_fail(const void *caller) {
    if (!armed) {
        return false;
    }
    allocations++;
    if (fail_at == 0 || allocations < fail_at || (allocations > fail_at && !fail_after)) {
        return false;
    }
    failed = true;
    armed = false; /* the set allocates, too */
    mutable_places().insert(reinterpret_cast<uintptr_t>(caller));
    armed = true;
    return true;
}

#ifdef MALLOC_IS_WRAPPED
void gain(void *block) {
    blocks += block != nullptr;
    held += static_cast<long long>(malloc_usable_size(block));
}

void lose(void *block) {
    blocks -= block != nullptr;
    held -= static_cast<long long>(malloc_usable_size(block));
}

void *counted(void *block) {
    gain(block);
    return block;
}
#endif

} // namespace

void arm(unsigned k, bool lasting) {
    allocations = 0;
    fail_at = k;
    fail_after = lasting;
    failed = false;
    armed = true;
}

bool disarm() {
    armed = false;
    return failed;
}

unsigned count() { return allocations; }
long live() { return blocks; }
long long bytes() { return held; }
const std::set<uintptr_t> &places() { return mutable_places(); }

#ifdef MALLOC_IS_WRAPPED
extern "C" {

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size) {
    return must_fail(__builtin_return_address(0)) ? nullptr : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size) {
    return must_fail(__builtin_return_address(0)) ? nullptr : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *block, size_t size) {
    if (must_fail(__builtin_return_address(0))) {
        return nullptr;
    }
    lose(block);
    void *moved = __real_realloc(block, size);
    gain(moved != nullptr ? moved : block);
    return moved;
}

void __wrap_free(void *block) {
    lose(block);
    __real_free(block);
}

} /* extern "C" */
#endif

} // namespace failing_memory
