/* SPDX-License-Identifier: MIT */
#include "starving.hpp"

#include <cstddef>

namespace {

unsigned countdown = 0;
bool failed = false;

bool must_fail() {
    if (countdown == 0 || --countdown > 0) {
        return false;
    }
    failed = true;
    return true;
}

} // namespace

extern "C" {

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size) { return must_fail() ? nullptr : __real_malloc(size); }

void *__wrap_calloc(size_t n, size_t size) {
    return must_fail() ? nullptr : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size) {
    return must_fail() ? nullptr : __real_realloc(block, size);
}

} /* extern "C" */

namespace fuzz::starving {

void arm(unsigned k) {
    countdown = k;
    failed = false;
}

bool disarm() {
    countdown = 0;
    return failed;
}

} // namespace fuzz::starving
