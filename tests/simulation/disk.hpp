/* SPDX-License-Identifier: MIT */
/* A disk: what is durable, and the writes that are not yet, which reach it in order.
 * A crash keeps any prefix of them. */
#pragma once

#include "random.hpp"
#include "types.hpp"

#include <deque>

namespace sim {

struct Write {
    enum Kind { META, ENTRIES, CHUNK, SNAPSHOT, TRIM, RESET };
    explicit Write(Kind k) : kind(k) {}

    Kind kind;
    /* META */
    raft_term term = 0;
    raft_id vote = 0;
    /* ENTRIES, TRIM (first index kept), RESET (next index) */
    raft_index index = 0;
    std::vector<Entry> entries;
    unsigned long long ticket = 0;
    /* SNAPSHOT, and the last CHUNK */
    SnapshotPtr snapshot;
    /* CHUNK */
    raft_index chunk_index = 0;
    raft_term chunk_term = 0;
    size_t offset = 0;
    bool last = false; /* of a SNAPSHOT: nothing before its end is kept */
    bool fails = false;

    static Write meta(raft_term term, raft_id vote) {
        Write w{META};
        w.term = term;
        w.vote = vote;
        return w;
    }
};

class Disk {
public:
    raft_term term = 0;
    raft_id vote = 0;
    Log log;
    SnapshotPtr snapshot;
    std::deque<Write> queue; /* not yet durable */

    bool pristine() const { return term == 0 && log.entries.empty() && snapshot == nullptr; }

    /* Is that entry durable, in the log or under a snapshot? */
    bool holds(raft_index index, raft_term of_term) const {
        if (snapshot != nullptr && index <= snapshot->index) {
            return true;
        }
        return log.has(index) && log.at(index).term == of_term;
    }

    /* The first write in the queue, or the first n entries of it, becomes durable. */
    void apply(const Write &w, size_t n_entries) {
        switch (w.kind) {
            case Write::META:
                term = w.term;
                vote = w.vote;
                break;
            case Write::ENTRIES:
                if (log.entries.empty()) {
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
    void apply(const Write &w) { apply(w, w.entries.size()); }

    /* The power goes: keep any prefix of what was under way. Returns whether that was
     * a part of it: neither all nor nothing. */
    bool crash(Random &random) {
        size_t total = 0;
        for (const Write &w : queue) {
            total += 1 + w.entries.size();
        }
        size_t keep = random.percent(30) ? 0 : random.below(total + 1);
        size_t left = keep;
        for (const Write &w : queue) {
            if (left == 0) {
                break;
            }
            left--;
            size_t n = left < w.entries.size() ? left : w.entries.size();
            apply(w, n);
            left -= n;
        }
        queue.clear();
        return keep > 0 && keep < total;
    }
};

} // namespace sim
