/* SPDX-License-Identifier: MIT */
/* RAFT_SENT: the caller sent a peer fewer entries than the last update asked for. */
#include "events/events.hpp"
#include "rules/sending.hpp"

namespace libraft {

int on_sent(Step &step) {
    const Server &s = step.server;
    const raft_event_sent &event = step.event.sent;
    const Peer *found = s.leads() ? s.tracker->find(event.server_id) : nullptr;
    if (found == nullptr || !found->is_pipelined() || event.index < found->match ||
        event.index >= found->next - 1) {
        return 0;
    }
    Need need;
    need.messages = sending::messages_for(s, *found, s.log.last());
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Peer &p = *change->server.tracker->find(event.server_id);
    p.next = event.index + 1;
    if (event.index >= p.asked()) {
        sending::send(*change, p); /* else nothing of the last message fitted: wait */
    }
    return 0;
}

} // namespace libraft
