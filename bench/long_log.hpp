/* SPDX-License-Identifier: MIT */
/* One server, started with a long log. */
#pragma once

#include <raft.h>

#include <vector>

namespace bench {

class LongLog {
public:
    /* The terms have equal numbers of entries; entry 1 is the only configuration. */
    LongLog(unsigned entries, unsigned terms);
    ~LongLog();
    LongLog(const LongLog &) = delete;
    LongLog &operator=(const LongLog &) = delete;

    /* This step is measured. */
    void start();
    /* An AppendEntries without entries, from the leader of a newer term. */
    void receive_empty(raft_index prev);
    raft_term term_of(raft_index index) const { return log_[index - 1].term; }

private:
    void step(raft_event *event);

    struct raft r_ {};
    unsigned terms_;
    raft_time now_ = 1;
    std::vector<char> configuration_;
    std::vector<raft_entry> log_;
};

} // namespace bench
