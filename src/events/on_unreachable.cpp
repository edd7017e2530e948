/* SPDX-License-Identifier: MIT */
/* RAFT_UNREACHABLE: messages to a peer were lost. */
#include "events/events.hpp"
#include "state/tracker.hpp"

namespace libraft {
namespace {

/* Nothing is sent before the peer answers a heartbeat. The window closes: each of many reports must
 * not cause a resend of everything. */
void stop_pipelining(const Server &s, Peer &p) {
    p.forget_features(); /* it may come back as an older version */
    if (p.is_pipelined()) {
        p.close_window();
        p.probe_from(p.match + 1);
    } else if (p.is_sent_snapshot() && p.snapshot_index != s.snapshot_index) {
        p.install_snapshot(s.snapshot_index); /* the caller gives up the transfer of an old one */
    }
    p.clear(kStalled);
    p.chunk_sent = false;
}

} // namespace

int on_unreachable(Step &step) {
    if (!step.server.leads()) {
        return 0;
    }
    Change &change = step.begin();
    Peer *p = change.server.tracker->find(step.event.unreachable.server_id);
    if (p != nullptr && !p->self) {
        stop_pipelining(change.server, *p);
    }
    return 0;
}

} // namespace libraft
