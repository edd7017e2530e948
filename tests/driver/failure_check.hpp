/* SPDX-License-Identifier: MIT */
/* A step that fails leaves the server as if it had never been called (contract, promise 4): now,
 * and in all that it does from then on. A clone from before it takes the steps that follow, and
 * must do the same. */
#pragma once

#include <raft.h>

namespace driver {

class FailureCheck {
public:
    FailureCheck() = default;
    ~FailureCheck() { forget(); }
    FailureCheck(const FailureCheck &) = delete;
    FailureCheck &operator=(const FailureCheck &) = delete;

    /* The next call may fail: make the clone. */
    void prepare(const raft &r);
    bool prepared() const { return prepared_; }
    /* The call failed: throws a Violation if it changed anything in the full state. */
    void failed(const raft &r);
    /* The call succeeded, or a later one: throws a Violation if the clone does otherwise. Returns
     * whether they were compared. */
    bool succeeded(const raft_event &event, const raft_update &update, const raft &r);
    /* To change its settings, too; null if there is none. */
    raft *clone() { return prepared_ ? &clone_ : nullptr; }
    void forget();

private:
    raft clone_ = {};
    bool prepared_ = false;
    unsigned left_ = 0; /* steps to compare; 0: nothing has failed yet */
};

} // namespace driver
