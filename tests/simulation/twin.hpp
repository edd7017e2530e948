/* SPDX-License-Identifier: MIT */
/* A failed step leaves the future as if it had never been called: a copy of the server from
 * before it lives on without it, and must do the same, update for update. */
#pragma once

#include <raft.h>

namespace sim {

class Twin {
public:
    Twin() = default;
    ~Twin() { forget(); }
    Twin(const Twin &) = delete;
    Twin &operator=(const Twin &) = delete;

    /* A copy, in case that the next step fails. */
    void fork(const raft &of);
    bool forked() const { return forked_; }
    /* The step failed. Throws if that left a trace in the full state. */
    void spared(const raft &real, const char *name);
    /* The real one did this. Throws if the copy does otherwise. Returns whether it was compared. */
    bool follow(const raft_event &event, const raft_update &update, raft *real, const char *name);
    raft *handle() { return forked_ ? &copy_ : nullptr; }
    void forget();

private:
    raft copy_ = {};
    bool forked_ = false;
    unsigned left_ = 0; /* steps to follow; 0: nothing has failed yet */
};

} // namespace sim
