/* SPDX-License-Identifier: MIT */
/* The trail of the log: which index has which term (§3.5). Payloads stay with the
 * caller. Kept as runs of equal terms, so that ten million entries of three terms
 * cost three records. */
#pragma once

#include "vector.hpp"

#include <raft.h>

namespace libraft {

class Trail {
public:
    /* The oldest entry held, last() + 1 if there is none. */
    raft_index first() const { return runs_.empty() ? last_ + 1 : runs_[0].index + base_known_; }
    raft_index last() const { return last_; }
    raft_term last_term() const { return runs_.empty() ? 0 : runs_.back().term; }

    /* Of an entry held, or of the one before the first where that is known. 0: unknown. */
    raft_term term_of(raft_index index) const;

    /* Room for this many more changes of term. */
    [[nodiscard]] bool reserve(uint64_t runs) { return runs_.reserve(runs_.size() + runs); }

    /* Needs room for one run if the term differs from the last. */
    void append(raft_term term, raft_index n) {
        if (runs_.empty() || runs_.back().term != term) {
            INVARIANT(runs_.empty() || runs_.back().term < term);
            runs_.push_back({last_ + 1, term});
        }
        last_ += n;
    }

    /* Drop the entries from an index on. */
    void truncate(raft_index from);

    /* Drop the entries before an index, remembering the term of the last one dropped. */
    void compact(raft_index first);

    /* Hold nothing but the knowledge that a snapshot ends here (§5.1). Needs room
     * for one run. Term 0: what comes before is not known. */
    void reset(raft_index index, raft_term term);

    /* The largest index up to `index` whose term is at most `term`: nothing above it
     * can agree with a log that has `term` at `index` (§3.5, last paragraph). */
    raft_index last_agreeable(raft_index index, raft_term term) const;

private:
    struct Run {
        raft_index index; /* first index of the run */
        raft_term term;
    };
    uint32_t run_of(raft_index index) const;

    raft_index last_ = 0;
    /* The first run begins at the first entry or, if base_known_, one before it. */
    Vector<Run, 2> runs_;
    bool base_known_ = false;
};

} // namespace libraft
