/* SPDX-License-Identifier: MIT */
#include "memory.hpp"

#include <cstdlib>

namespace {
unsigned countdown;
unsigned calls;
bool sticky;
bool failed;

#ifdef SIM_WRAP_MALLOC
bool fails() {
    calls++;
    if (countdown == 0) {
        return false;
    }
    if (--countdown > 0) {
        return false;
    }
    countdown = sticky ? 1 : 0;
    failed = true;
    return true;
}
#endif
} // namespace

#ifdef SIM_WRAP_MALLOC
extern "C" {
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size) { return fails() ? nullptr : __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? nullptr : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t size) { return fails() ? nullptr : __real_realloc(p, size); }
}
#endif

namespace sim::memory {

bool arm(unsigned k, bool persistent) {
    countdown = k;
    sticky = persistent;
    failed = false;
    calls = 0;
#ifdef SIM_WRAP_MALLOC
    return true;
#else
    return false;
#endif
}

bool disarm() {
    countdown = 0;
    return failed;
}

unsigned count() { return calls; }

} // namespace sim::memory
