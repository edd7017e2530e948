/* SPDX-License-Identifier: MIT */
/* The trail of the log: which index has which term (§3.5). Payloads stay with the
 * caller. Kept as runs of equal terms, so that ten million entries of three terms
 * cost three records. */
#pragma once

#include "vector.hpp"

#include <raft.h>

#include <algorithm>

namespace libraft {

class Trail {
public:
    /* The oldest entry held, last() + 1 if there is none. */
    raft_index first() const;
    raft_index last() const { return last_; }
    raft_term last_term() const { return back_.term; }

    /* Of an entry held, or of the one before the first where that is known. 0: unknown. */
    raft_term term_of(raft_index index) const {
        if (index > last_) {
            return 0;
        }
        return index >= back_.index ? back_.term : earlier_term_of(index);
    }

    /* Is the entry at an index in the last run, so that its term is the last one? */
    bool ends_with_run_of(raft_index index) const { return index >= back_.index; }

    /* Room for this many more runs. */
    [[nodiscard]] bool reserve(uint64_t runs) {
        return earlier_.reserve(earlier_.size() + runs - (empty() && runs > 0));
    }

    /* Needs room for one run if the term differs from the last. */
    void append(raft_term term, raft_index n) {
        if (term != back_.term) {
            begin_run(term);
        }
        set_last(last_ + n);
    }

    /* Drop the entries from an index on. */
    void truncate(raft_index from);

    /* Drop the entries before an index, remembering the term of the last one dropped. */
    void compact(raft_index first);

    /* Hold nothing but the knowledge that a snapshot ends here (§5.1). Term 0: what comes
     * before is not known. */
    void reset(raft_index index, raft_term term);

    /* The largest index up to `index` whose term is at most `term`: nothing above it
     * can agree with a log that has `term` at `index` (§3.5, last paragraph). */
    raft_index last_agreeable(raft_index index, raft_term term) const;

private:
    struct Run {
        raft_index index = 0; /* first index of the run */
        raft_term term = 0;
    };
    void begin_run(raft_term term);
    /* The last run that begins at or before the index. */
    raft_term earlier_term_of(raft_index index) const {
        const Run *after =
            std::upper_bound(earlier_.begin(), earlier_.end(), index,
                             [](raft_index i, const Run &run) { return i < run.index; });
        return after != earlier_.begin() ? after[-1].term : 0;
    }
    const Run &front() const { return earlier_.empty() ? back_ : earlier_[0]; }
    bool empty() const { return back_.term == 0; }

    void set_last(raft_index last) { last_ = last & (~0ULL >> 1); }

    raft_index last_ : 63 = 0;
    /* The first run begins at the first entry or, if its base is known, one before it. */
    bool base_known_ : 1 = false;
    Run back_;               /* the last run; term 0: there is none */
    Vector<Run, 1> earlier_; /* those before it */
};

} // namespace libraft
