/* SPDX-License-Identifier: MIT */
/* One server under trial: each step is first tried on copies of it, with the first
 * allocation failing, the second, and so on until all have. */
#pragma once

#include <raft.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#define REQUIRE(condition) \
    ((condition) ? static_cast<void>(0) : trial::broken(__FILE__, __LINE__, #condition))

namespace trial {

[[noreturn]] void broken(const char *file, int line, const char *what);

/* What was seen, over all trials. */
struct Tally {
    std::map<std::pair<int, int>, unsigned> outcomes; /* (event type, code): how often */
    unsigned steps = 0;
    unsigned failures = 0; /* allocations that failed */
    unsigned deepest = 0;  /* most allocations in one step */
};
Tally &tally();

class Subject {
public:
    /* raft_init() and the settings are under trial as well. */
    Subject(raft_id id, const char *address);
    ~Subject();
    Subject(const Subject &) = delete;
    Subject &operator=(const Subject &) = delete;

    /* All the promises about a step that must end with this code: with memory failing at
     * every allocation, and without. The update is valid until the next call. */
    const raft_update &step(raft_event event, int expected);
    /* A step that is only there to get somewhere. */
    const raft_update &walk(raft_event event);

    /* A setter, called with memory failing, then without. */
    template <class Setter>
    void set(Setter setter, int expected = 0);

    struct raft r = {};
    raft_time now = 1;

private:
    raft_update update_ = {};
};

/* Runs `call` on copies of the raft with failing memory, then on the raft itself. */
void try_call(struct raft *r, int (*call)(struct raft *r, void *context), void *context,
              int expected);

template <class Setter>
void Subject::set(Setter setter, int expected) {
    try_call(
        &r,
        [](struct raft *raft, void *context) { return (*static_cast<Setter *>(context))(raft); },
        &setter, expected);
}

} // namespace trial
