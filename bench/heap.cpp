/* SPDX-License-Identifier: MIT */
#include "heap.hpp"

#include "library.hpp"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>

namespace bench {

int inside_server = -1;

namespace {

/* The library frees only what it allocated, and only during a call. So only allocations and frees
 * during calls are counted. */
Heap heaps[kCounted];
uint64_t allocated;

Heap &current() { return heaps[static_cast<unsigned>(inside_server) % kCounted]; }

void *gained(void *p) {
    if (p != nullptr && inside_server >= 0) {
        allocated++;
        current().blocks++;
        current().bytes += malloc_usable_size(p);
    }
    return p;
}

void *losing(void *p) {
    if (p != nullptr && inside_server >= 0) {
        current().blocks--;
        current().bytes -= malloc_usable_size(p);
    }
    return p;
}

/* The C library's own functions. Looking them up may itself allocate: memory that is asked for
 * meanwhile comes from here and is never freed. */
char early[4096];
size_t early_used;
bool looking_up;

bool is_early(const void *p) {
    const auto *bytes = static_cast<const char *>(p);
    return bytes >= early && bytes < early + sizeof early;
}

void *take_early(size_t size) {
    size = (size + 15) & ~size_t{15};
    if (size > sizeof early - early_used) {
        abort();
    }
    void *p = early + early_used;
    early_used += size;
    return p;
}

struct Real {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
} real;

template <class F>
void look_up(F *&function, const char *name) {
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(&function, &symbol, sizeof function);
}

bool ready() {
    if (real.free == nullptr && !looking_up) {
        looking_up = true;
        look_up(real.malloc, "malloc");
        look_up(real.calloc, "calloc");
        look_up(real.realloc, "realloc");
        look_up(real.free, "free");
        looking_up = false;
    }
    return !looking_up;
}

} // namespace

Heap heap_of(unsigned server) { return heaps[server % kCounted]; }

uint64_t allocations() { return allocated; }

} // namespace bench

using namespace bench;

extern "C" {

void *malloc(size_t size) { return ready() ? gained(real.malloc(size)) : take_early(size); }

void *calloc(size_t n, size_t size) {
    return ready() ? gained(real.calloc(n, size)) : take_early(n * size); /* static: zero */
}

void *realloc(void *p, size_t size) {
    if (!ready() || is_early(p)) {
        abort();
    }
    return gained(real.realloc(losing(p), size));
}

void free(void *p) {
    if (p != nullptr && !is_early(p) && ready()) {
        real.free(losing(p));
    }
}

} // extern "C"
