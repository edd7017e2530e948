/* SPDX-License-Identifier: MIT */
#include "rules/transfer.hpp"

namespace libraft::transfer {

void proceed(Change &change, const Peer &p) {
    Server &s = change.server;
    Transfer &transfer = s.tracker->transfer;
    if (transfer.to != p.id || p.match != s.log.last()) {
        return;
    }
    raft_timeout_now &tn = change.add_message(RAFT_TIMEOUT_NOW, p.id, p.address).timeout_now;
    tn.version = 0;
    tn.term = s.term;
    tn.last_log_index = s.log.last();
    tn.last_log_term = s.log.last_term();
    transfer.timeout_now_sent = true;
}

void give_up(Change &change) {
    change.server.tracker->transfer.to = 0;
    change.flags |= RAFT_UPDATE_TRANSFER;
}

void give_up_if_late(Change &change) {
    const Server &s = change.server;
    const Transfer &transfer = s.tracker->transfer;
    if (transfer.to != 0 && transfer.started + s.settings->election_timeout <= s.now) {
        give_up(change);
    }
}

} // namespace libraft::transfer
