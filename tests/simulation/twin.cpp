/* SPDX-License-Identifier: MIT */
#include "twin.hpp"

#include "../observe/fields.hpp"
#include "../observe/state.hpp"
#include "types.hpp"

#include <cstring>

namespace sim {
namespace {

using observe::Payloads;
using observe::recorded;
using observe::state;

constexpr unsigned kFollowed = 60; /* steps after a failed one */

} // namespace

void Twin::fork(const raft &of) {
    copy_ = observe::clone(of);
    forked_ = true;
    left_ = 0;
}

void Twin::forget() {
    if (forked_) {
        raft_close(&copy_);
        forked_ = false;
    }
}

void Twin::spared(const raft &real, const char *name) {
    if (!forked_) {
        return;
    }
    left_ = kFollowed;
    if (state(real) != state(copy_)) {
        throw Violation("failed step", format("it left a trace in %s", name));
    }
}

bool Twin::follow(const raft_event &event, const raft_update &update, raft *real,
                  const char *name) {
    if (!forked_) {
        return false;
    }
    if (left_ == 0) { /* nothing failed */
        forget();
        return false;
    }
    raft_event e = event;
    raft_update u;
    memset(&u, 0, sizeof u);
    int rc = raft_step(&copy_, &e, &u);
    if (rc != 0 || recorded(u, Payloads::kPlaces) != recorded(update, Payloads::kPlaces) ||
        state(copy_) != state(*real)) {
        throw Violation("failed step",
                        format("%u steps after one that failed, %s does in event %d what it would "
                               "not have done without",
                               kFollowed - left_, name, event.type));
    }
    if (--left_ == 0) {
        forget();
    }
    return true;
}

} // namespace sim
