/* SPDX-License-Identifier: MIT */
/* The term log: the term of each log entry (§3.5). Payloads stay with the caller. Runs of equal
 * terms are stored, so that ten million entries of three terms take three records. */
#pragma once

#include "base/vector.hpp"

#include <raft.h>

namespace libraft {

class TermLog {
public:
    /* The oldest entry held; last() + 1 if there is none. */
    raft_index first() const;
    raft_index last() const { return last_; }
    raft_term last_term() const { return back_.term; }

    /* The term of an entry held, or of the entry before the first where it is known. 0: unknown. */
    raft_term term_of(raft_index index) const {
        if (index > last_) {
            return 0;
        }
        return index >= back_.index ? back_.term : earlier_term_of(index);
    }

    /* Is the entry at an index in the last run, so that its term is last_term()? */
    bool ends_with_run_of(raft_index index) const { return index >= back_.index; }

    /* Reserve room for this many more runs. */
    [[nodiscard]] bool reserve(uint64_t runs) {
        return earlier_.reserve(earlier_.size() + runs - (empty() && runs > 0));
    }

    /* Append n entries. Needs room for a run if the term differs from the last. */
    void append(raft_term term, raft_index n) {
        if (term != back_.term) {
            begin_run(term);
        }
        last_ += n;
    }

    /* Give back memory that is not needed any more: much of it, or all. */
    void shrink() { earlier_.shrink(); }
    void shrink_to_fit() { earlier_.shrink_to_fit(); }

    /* Remove the entries from an index on. */
    void truncate(raft_index from);

    /* Remove the entries before an index; the term of the last one removed stays known. */
    void compact(raft_index first);

    /* Remove everything: the log now begins after `index`, where a snapshot ends (§5.1). Term 0:
     * the term at `index` is not known. */
    void reset(raft_index index, raft_term term);

    /* The largest index up to `index` whose term is at most `term`. No entry above it can agree
     * with a log that has `term` at `index` (§3.5, last paragraph). */
    raft_index last_agreeable(raft_index index, raft_term term) const;

private:
    struct Run {
        raft_index index = 0; /* first index of the run */
        raft_term term = 0;
    };
    void begin_run(raft_term term);
    /* The last run that begins at or before the index. */
    raft_term earlier_term_of(raft_index index) const;
    const Run &front() const { return earlier_.empty() ? back_ : earlier_[0]; }
    bool empty() const { return back_.term == 0; }

    /* The first run begins at the first entry or, if its base is known, one before it. */
    bool base_known() const { return earlier_.mark(); }

    raft_index last_ = 0;
    Run back_;               /* the last run; term 0: there is none */
    Vector<Run, 1> earlier_; /* those before it */
};

} // namespace libraft
