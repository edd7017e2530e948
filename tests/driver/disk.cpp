/* SPDX-License-Identifier: MIT */
#include "disk.hpp"

#include <algorithm>

namespace driver {

bool Disk::holds(raft_index index, raft_term of_term) const {
    if (snapshot != nullptr && index <= snapshot->index) {
        return true;
    }
    return log.has(index) && log.at(index).term == of_term;
}

bool Disk::writes(Write::Kind kind) const {
    return std::any_of(queue.begin(), queue.end(),
                       [kind](const Write &w) { return w.kind == kind; });
}

void Disk::apply(const Write &w, size_t n_entries) {
    switch (w.kind) {
        case Write::META:
            term = w.term;
            vote = w.vote;
            break;
        case Write::ENTRIES:
            if (log.empty()) {
                log.reset(w.index);
            }
            log.truncate(w.index);
            log.entries.insert(log.entries.end(), w.entries.begin(),
                               w.entries.begin() + static_cast<long>(n_entries));
            break;
        case Write::CHUNK:
        case Write::SNAPSHOT:
            if (!w.fails && w.snapshot != nullptr &&
                (snapshot == nullptr || snapshot->index < w.snapshot->index)) {
                snapshot = w.snapshot;
            }
            break;
        case Write::TRIM:
            log.drop_before(w.index);
            break;
        case Write::RESET:
            log.reset(w.index);
            break;
    }
}

Write Disk::finish() {
    Write w = std::move(queue.front());
    queue.pop_front();
    apply(w);
    return w;
}

size_t Disk::steps() const {
    size_t total = 0;
    for (const Write &w : queue) {
        total += 1 + w.entries.size();
    }
    return total;
}

void Disk::crash(size_t kept) {
    for (const Write &w : queue) {
        if (kept == 0) {
            break;
        }
        kept--;
        const size_t n = std::min(kept, w.entries.size());
        apply(w, n);
        kept -= n;
    }
    queue.clear();
}

} // namespace driver
