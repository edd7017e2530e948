/* SPDX-License-Identifier: MIT */
#include "failure_check.hpp"

#include "../observe/fields.hpp"
#include "../observe/state.hpp"
#include "types.hpp"

#include <cstring>

namespace driver {
namespace {

constexpr unsigned kCompared = 60; /* steps after a failed one */

} // namespace

void FailureCheck::prepare(const raft &r) {
    forget();
    clone_ = observe::clone(r);
    prepared_ = true;
    left_ = 0;
}

void FailureCheck::forget() {
    if (prepared_) {
        raft_close(&clone_);
        prepared_ = false;
    }
}

void FailureCheck::failed(const raft &r) {
    if (!prepared_) {
        return;
    }
    left_ = kCompared;
    if (observe::state(r) != observe::state(clone_)) {
        throw Violation("failed step", format("it changed the state of server %llu", r.id));
    }
}

bool FailureCheck::succeeded(const raft_event &event, const raft_update &update, const raft &r) {
    if (!prepared_) {
        return false;
    }
    if (left_ == 0) { /* nothing failed */
        forget();
        return false;
    }
    raft_event e = event;
    raft_update u;
    memset(static_cast<void *>(&u), 0, sizeof u);
    const int rc = raft_step(&clone_, &e, &u);
    const std::string difference =
        observe::recorded(u, observe::Payloads::kPlaces)
            .difference(observe::recorded(update, observe::Payloads::kPlaces));
    if (rc != 0 || !difference.empty() || observe::state(r) != observe::state(clone_)) {
        throw Violation("failed step",
                        format("%u steps after one that failed, server %llu does in event %d what "
                               "it would not have done without: %s",
                               kCompared - left_, r.id, event.type, difference.c_str()));
    }
    if (--left_ == 0) {
        forget();
    }
    return true;
}

} // namespace driver
