/* SPDX-License-Identifier: MIT */
#include "trail.hpp"

namespace libraft {

/* The run that holds an index not before the first run. */
uint32_t Trail::run_of(raft_index index) const {
    uint32_t low = 0;
    uint32_t high = runs_.size();
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (runs_[middle].index <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

raft_term Trail::term_of(raft_index index) const {
    if (index > last_ || runs_.empty()) {
        return 0;
    }
    if (index >= runs_.back().index) {
        return runs_.back().term;
    }
    if (index < runs_[0].index) {
        return 0;
    }
    return runs_[run_of(index)].term;
}

void Trail::truncate(raft_index from) {
    INVARIANT(from >= first());
    if (from > last_) {
        return;
    }
    last_ = from - 1;
    uint32_t n = runs_.size();
    while (n > 0 && runs_[n - 1].index >= from) {
        n--;
    }
    runs_.truncate(n);
}

void Trail::compact(raft_index first) {
    if (first <= this->first()) {
        return;
    }
    INVARIANT(first <= last_ + 1);
    uint32_t run = run_of(first - 1);
    runs_.erase_front(run);
    runs_[0].index = first - 1;
    base_known_ = true;
}

void Trail::reset(raft_index index, raft_term term) {
    runs_.truncate(0);
    last_ = index;
    base_known_ = term != 0;
    if (base_known_) {
        runs_.push_back({index, term});
    }
}

raft_index Trail::last_agreeable(raft_index index, raft_term term) const {
    if (index > last_) {
        index = last_;
    }
    if (runs_.empty() || index < runs_[0].index) {
        return index;
    }
    uint32_t run = run_of(index);
    if (runs_[run].term <= term) {
        return index;
    }
    /* Terms rise with the runs: find the first run with a higher term. */
    uint32_t low = 0;
    uint32_t high = run;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (runs_[middle].term <= term) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return runs_[low].index - 1;
}

} // namespace libraft
