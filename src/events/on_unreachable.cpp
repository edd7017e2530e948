/* SPDX-License-Identifier: MIT */
/* RAFT_UNREACHABLE: messages to a peer were lost. */
#include "events/events.hpp"
#include "state/tracker.hpp"

namespace libraft {

int on_unreachable(Step &step) {
    if (!step.server.leads()) {
        return 0;
    }
    Change &change = step.begin();
    Peer *p = change.server.tracker->find(step.event.unreachable.server_id);
    if (p != nullptr && !p->self) {
        p->probe_from(p->match + 1);
    }
    return 0;
}

} // namespace libraft
