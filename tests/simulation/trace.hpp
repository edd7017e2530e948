/* SPDX-License-Identifier: MIT */
/* The trace of a simulation: text, line by line; a drawing; a file for the playground. */
#pragma once

#include "types.hpp"

namespace sim {

class Trace {
public:
    explicit Trace(bool print) : print_(print) {}

    void line(Time at, raft_id id, const char *text);
    void role(Time at, raft_id id, int state, raft_term term);
    void commit(Time at, raft_id id, raft_index index);
    /* What the server answers now. Nothing is kept if that is what was kept last. */
    void server(Time at, raft_id id, const View &view, bool asleep);
    /* It was received, or lost, at that time. */
    void message(Time sent, Time at, raft_id from, raft_id to, const raft_message &m, bool lost);
    void violation(Time at, const char *text);

    /* Draw the last seconds, one lane per server. */
    bool draw(const char *path, unsigned servers, Time seconds, const std::string &title) const;
    /* A line of JSON for each fact but roles and commit indexes, which SERVER has, too. */
    bool write(const char *path, uint64_t seed, unsigned servers) const;

private:
    struct Fact {
        enum Kind { ROLE, COMMIT, MESSAGE, LOST, CRASH, BOOT, NOTE, SERVER, VIOLATION };
        Kind kind;
        Time at;
        Time until; /* of a message */
        raft_id id;
        raft_id to;
        int code;
        unsigned long long number;
        std::string text;
    };

    bool print_;
    std::vector<Fact> facts_;
    struct Kept { /* what was written of a server last */
        std::string answers, members;
    };
    Kept kept_[kMaxServers + 1];
};

} // namespace sim
