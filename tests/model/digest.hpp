/* SPDX-License-Identifier: MIT */
/* A digest of all that a server knows: two servers with equal digests behave alike from
 * now on. For tests only; it looks through the internal headers. */
#pragma once

#include "server.hpp"

#include <compare>
#include <cstdint>

namespace proof {

struct Digest {
    uint64_t high = 0;
    uint64_t low = 0;
    auto operator<=>(const Digest &) const = default;
};

/* Two independent lanes of 64 bits. */
class Hasher {
public:
    void u64(uint64_t value) {
        high_ = mix((high_ ^ value) * 0x9e3779b97f4a7c15U + 0x2545f4914f6cdd1dU);
        low_ = mix((low_ + value) * 0xc2b2ae3d27d4eb4fU ^ 0x165667b19e3779f9U);
    }
    void text(const char *string);
    void digest(const Digest &d) {
        u64(d.high);
        u64(d.low);
    }
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

/* The runs of equal terms, from the last to the first, which begins at the entry before the
 * oldest: its term may be known, too. */
template <class Visit>
void for_each_run(const libraft::Trail &trail, Visit visit) {
    const raft_index floor = trail.first() - 1;
    for (raft_index end = trail.last();;) {
        const raft_term term = trail.term_of(end);
        raft_index begin = end;
        if (term > 0) {
            begin = trail.last_agreeable(end, term - 1) + 1;
            begin = begin > floor ? begin : floor;
        }
        visit(begin, end, term);
        if (begin <= floor) {
            return;
        }
        end = begin - 1;
    }
}

/* Excluded are only: the capacity of buffers, the outbox, what an error said, and the
 * contents of the tracker's spare room. */
Digest digest(const libraft::Server &server, Frame frame);

} // namespace proof
