/* SPDX-License-Identifier: MIT */
#include "state/term_log.hpp"

#include "base/invariant.hpp"

#include <algorithm>

namespace libraft {

raft_index TermLog::first() const { return empty() ? last_ + 1 : front().index + base_known(); }

raft_term TermLog::earlier_term_of(raft_index index) const {
    const Run *after = std::upper_bound(earlier_.begin(), earlier_.end(), index,
                                        [](raft_index i, const Run &run) { return i < run.index; });
    return after != earlier_.begin() ? after[-1].term : 0;
}

void TermLog::begin_run(raft_term term) {
    INVARIANT(term > back_.term);
    if (!empty()) {
        earlier_.push_back(back_);
    }
    back_ = {last_ + 1, term};
}

void TermLog::truncate(raft_index from) {
    INVARIANT(from >= first());
    if (from > last_) {
        return;
    }
    last_ = from - 1;
    while (back_.index >= from) {
        if (earlier_.empty()) {
            back_ = Run();
            return;
        }
        back_ = earlier_.back();
        earlier_.truncate(earlier_.size() - 1);
    }
}

void TermLog::compact(raft_index first) {
    if (first <= this->first()) {
        return;
    }
    INVARIANT(first <= last_ + 1);
    const raft_index base = first - 1;
    uint32_t dropped = 0;
    while (dropped < earlier_.size() &&
           (dropped + 1 < earlier_.size() ? earlier_[dropped + 1] : back_).index <= base) {
        dropped++;
    }
    earlier_.erase_front(dropped);
    (earlier_.empty() ? back_ : earlier_[0]).index = base;
    earlier_.set_mark(true);
}

void TermLog::reset(raft_index index, raft_term term) {
    earlier_.truncate(0);
    last_ = index;
    earlier_.set_mark(term != 0);
    back_ = term != 0 ? Run{index, term} : Run();
}

raft_index TermLog::last_agreeable(raft_index index, raft_term term) const {
    index = std::min<raft_index>(index, last_);
    if (empty() || index < front().index || term_of(index) <= term) {
        return index;
    }
    /* Terms rise with the runs: the first run with a higher term ends the search. */
    const Run *higher = std::upper_bound(earlier_.begin(), earlier_.end(), term,
                                         [](raft_term t, const Run &run) { return t < run.term; });
    return (higher == earlier_.end() ? back_ : *higher).index - 1;
}

} // namespace libraft
