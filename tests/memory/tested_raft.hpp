/* SPDX-License-Identifier: MIT */
/* A raft whose steps are first tried on clones of it: with the first allocation failing, with the
 * second, and so on until each has failed. */
#pragma once

#include <raft.h>

#include <map>
#include <utility>

#define REQUIRE(condition) \
    ((condition) ? static_cast<void>(0) : memory::fail(__FILE__, __LINE__, #condition))

namespace memory {

[[noreturn]] void fail(const char *file, int line, const char *what);

/* Of the whole program. */
struct Tally {
    std::map<std::pair<int, int>, unsigned> outcomes; /* (event type, code): how often */
    unsigned steps = 0;
    unsigned failures = 0; /* allocations that failed */
    unsigned deepest = 0;  /* most allocations in one step */
};
Tally &tally();

class TestedRaft {
public:
    /* raft_init() is tried with failing memory as well. */
    explicit TestedRaft(raft_id id = 1);
    ~TestedRaft() { raft_close(&r); }
    TestedRaft(const TestedRaft &) = delete;
    TestedRaft &operator=(const TestedRaft &) = delete;

    /* Checks all promises about a step that ends with this code if memory lasts. The update is
     * valid until the next call. */
    const raft_update &step(raft_event event, int expected = 0);
    /* A step that only prepares others: tried once, and must succeed. */
    const raft_update &prepare(raft_event event);
    /* A setter, which must not allocate. */
    template <class Setter>
    void set(Setter setter, int expected = 0) {
        try_call([](struct raft *raft, void *set) { return (*static_cast<Setter *>(set))(raft); },
                 &setter, expected);
    }

    struct raft r = {};
    raft_time now = 1;

private:
    void try_call(int (*call)(struct raft *r, void *context), void *context, int expected);

    raft_update update_ = {};
};

} // namespace memory
