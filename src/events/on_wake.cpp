/* SPDX-License-Identifier: MIT */
/* RAFT_WAKE: wake a server that sleeps (rules/sleeping.hpp). */
#include "events/events.hpp"

namespace libraft {

int on_wake(Step &step) {
    (void)step.begin(); /* whatever wakes a server does so when it is accepted */
    return 0;
}

} // namespace libraft
