/* SPDX-License-Identifier: MIT */
/* Lower bounds, to compare the figures with. Their names begin with limit_, by which callgrind
 * knows that it has to count them. */
#include "workloads.hpp"

#include <raft.h>

#include <cstdlib>
#include <cstring>

extern "C" {

[[gnu::noinline]] void limit_memcpy(void *to, const void *from, size_t n) {
    memcpy(to, from, n);
    asm volatile("" : : "r"(to) : "memory");
}

[[gnu::noinline]] void limit_malloc(size_t n) {
    void *p = malloc(n);
    asm volatile("" : : "r"(p) : "memory");
    free(p);
}

} // extern "C"

namespace bench {

void add_limits(std::vector<Workload> *workloads) {
    constexpr unsigned kTimes = 1000;
    const auto add = [&](const char *name, std::function<void()> work) {
        workloads->push_back({name, false, [=](Count &c) {
                                  work();
                                  c.begin();
                                  for (unsigned i = 0; i < kTimes; i++) {
                                      work();
                                  }
                                  c.end(kTimes);
                              }});
    };
    static char from[256];
    static char to[256];
    volatile size_t payload = 64;
    volatile size_t message = sizeof(raft_message);
    add("limit/memcpy of a payload", [n = size_t{payload}] { limit_memcpy(to, from, n); });
    add("limit/memcpy of a message", [n = size_t{message}] { limit_memcpy(to, from, n); });
    add("limit/malloc and free of a payload", [n = size_t{payload}] { limit_malloc(n); });
    add("limit/a call that returns at once", [] { (void)raft_current_term(nullptr); });
}

} // namespace bench
