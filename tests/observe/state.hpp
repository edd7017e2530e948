/* SPDX-License-Identifier: MIT */
/* What no accessor tells: copies of a raft and digests of its whole state. Only clone.cpp and
 * state.cpp include the library's internal headers. */
#pragma once

#include <raft.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace observe {

/* A deep copy, to try several futures of one state; raft_close() releases it. Its buffers are as
 * small as their contents allow. Aborts with a message if an address in the original points to no
 * memory that the original owns, for such a pointer dangles. */
struct raft clone(const struct raft &r);

struct Digest {
    uint64_t high = 0;
    uint64_t low = 0;
    auto operator<=>(const Digest &) const = default;
};

/* Two independent lanes of 64 bits. */
class Hasher {
public:
    void add(uint64_t value) {
        high_ = mix((high_ ^ value) * 0x9e3779b97f4a7c15U + 0x2545f4914f6cdd1dU);
        low_ = mix((low_ + value) * 0xc2b2ae3d27d4eb4fU ^ 0x165667b19e3779f9U);
    }
    void add(const char *text);
    Digest finish() const { return {high_, low_}; }

private:
    static uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93U;
        return z ^ (z >> 29);
    }
    uint64_t high_ = 0x243f6a8885a308d3U;
    uint64_t low_ = 0x13198a2e03707344U;
};

enum class Frame {
    kExact,    /* every field as it is */
    kRelative, /* times as ages, as far as they can matter; tickets as differences; no generator */
};

/* Two rafts with equal digests behave alike from now on. Left out are only the capacity of buffers,
 * the memory of the last update, the text of the last error and scratch memory. */
Digest state(const struct raft &r, Frame frame = Frame::kExact);

/* Times that the bounded model check needs and no accessor tells. */
struct Clock {
    raft_time now;
    raft_time heard_at; /* from a leader */
    raft_time deadline; /* the largest value: none; may have passed */
    bool may_campaign;  /* when its deadline passes */
    raft_time slept_at; /* of a leader that is asleep; else 0 */
};
Clock clock_of(const struct raft &r);
/* Does it sleep? No accessor tells that of a leader that has a deadline. */
bool is_asleep(const struct raft &r);

/* The memory of a server, for the test of state(): one object and those of its bits that state()
 * must see. Pointers and classes with private members are masked out. */
struct Part {
    const char *name;
    unsigned char *base;
    std::vector<unsigned char> mask;
};
std::vector<Part> parts(struct raft *r);

/* One step of the general path, even if the fast path could take the event. */
int step_on_general_path(struct raft *r, raft_event *event, raft_update *update);
/* Could the next event take the fast path? A fresh clone has no memory for an update, without
 * which it never does: it gets some. */
bool may_take_fast_path(struct raft *r, size_t memory);
/* How many steps took the general path. Counted only where invariants are checked; elsewhere 0. */
uint64_t general_steps(const struct raft &r);
/* For a negative test: move the deadline one millisecond away. */
void delay_deadline(struct raft *r);

} // namespace observe
