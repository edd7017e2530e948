/* SPDX-License-Identifier: MIT */
/* The trace of a simulation for people: text, line by line, or a drawing. */
#pragma once

#include "types.hpp"

namespace sim {

class Trace {
public:
    explicit Trace(bool print) : print_(print) {}

    void line(Time at, raft_id id, const char *text);
    void role(Time at, raft_id id, int state, raft_term term);
    void commit(Time at, raft_id id, raft_index index);
    void message(Time sent, Time received, raft_id from, raft_id to, int type);

    /* Draw the last seconds, one lane per server. */
    bool draw(const char *path, unsigned servers, Time seconds, const std::string &title) const;

private:
    struct Fact {
        enum Kind { ROLE, COMMIT, MESSAGE, CRASH, BOOT, NOTE };
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
};

} // namespace sim
