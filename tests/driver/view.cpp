/* SPDX-License-Identifier: MIT */
#include "view.hpp"

namespace driver {

void View::capture(raft *r) {
    const bool led = leads();
    const raft_index previous_conf = conf_index;
    const bool slept = asleep();
    ask(r);
    due_to_wake = (due_to_wake || slept) && !asleep();
    if (led != leads() || previous_conf != conf_index) {
        ask_others(r);
    }
    if (!contradiction.empty()) {
        throw Violation("accessors", format("%s on server %llu", contradiction.c_str(), r->id));
    }
}

} // namespace driver
