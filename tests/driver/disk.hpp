/* SPDX-License-Identifier: MIT */
/* A disk: what is durable, and the writes that are not yet. Writes become durable in order. */
#pragma once

#include "types.hpp"

namespace driver {

struct Write {
    enum Kind {
        META,     /* term and vote */
        ENTRIES,  /* replace the log from `index` on */
        CHUNK,    /* of a snapshot that is being installed */
        SNAPSHOT, /* one that this server took */
        TRIM,     /* drop the log before `index` */
        RESET     /* drop the whole log; the next entry goes to `index` */
    };
    explicit Write(Kind k) : kind(k) {}

    Kind kind;
    raft_term term = 0; /* META; of a CHUNK: the snapshot's */
    raft_id vote = 0;
    raft_index index = 0; /* of a CHUNK: the snapshot's */
    std::vector<Entry> entries;
    unsigned long long ticket = 0; /* to acknowledge ENTRIES with */
    SnapshotPtr snapshot;          /* SNAPSHOT, and the last CHUNK */
    size_t offset = 0;
    std::string data;
    bool last = false;  /* of a SNAPSHOT: no log before its end is kept */
    bool fails = false; /* CHUNK: the disk reports an error */

    raft_index last_index() const { return index + entries.size() - 1; }
};

class Disk {
public:
    raft_term term = 0;
    raft_id vote = 0;
    Log log;
    SnapshotPtr snapshot;
    std::deque<Write> queue; /* not yet durable */

    bool pristine() const { return term == 0 && log.empty() && snapshot == nullptr; }
    /* Is that entry durable, in the log or under a snapshot? */
    bool holds(raft_index index, raft_term of_term) const;
    /* Is there a write of that kind under way? */
    bool writes(Write::Kind kind) const;

    /* A write, or its first n entries, becomes durable. */
    void apply(const Write &w, size_t n_entries);
    void apply(const Write &w) { apply(w, w.entries.size()); }
    /* Take the oldest write from the queue and make it durable. */
    Write finish();

    /* How many steps the queue consists of: each write is one and has one more per entry. */
    size_t steps() const;
    /* Power failure: the first `kept` steps of the queue become durable, the rest is lost. */
    void crash(size_t kept);
};

} // namespace driver
