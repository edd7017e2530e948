/* SPDX-License-Identifier: MIT */
#include "rules/snapshot_transfer.hpp"

#include <algorithm>

namespace libraft::snapshot_transfer {

void send_chunk(Change &change, Peer &p) {
    Server &s = change.server;
    bool chunks = s.announces(RAFT_FEATURE_CHUNKS) && (p.features & RAFT_FEATURE_CHUNKS) != 0;
    if (p.snapshot_index != s.snapshot_index || !chunks) {
        p.snapshot_index = s.snapshot_index;
        p.snapshot_offset = 0;
    }
    p.snapshot_sent_at = s.now;
    p.sent = std::max(p.sent, s.snapshot_index);
    const Configuration *c = s.configuration_at(s.snapshot_index);
    raft_install_snapshot &is =
        change.add_message(RAFT_INSTALL_SNAPSHOT, p.id, p.address).install_snapshot;
    is.version = chunks ? 1 : 0;
    is.term = s.term;
    is.last_index = s.snapshot_index;
    is.last_term = s.log.term_of(s.snapshot_index);
    is.conf = c->view();
    is.conf_index = c->index;
    is.data = {nullptr, 0};
    is.offset = p.snapshot_offset;
    is.last = false;
}

void on_status(Change &change, Peer &p, const raft_append_entries_result &r) {
    const Server &s = change.server;
    const bool ours = r.snapshot_index == p.snapshot_index;
    uint64_t offset = ours ? r.snapshot_offset : 0;
    if (!ours && r.snapshot_index != 0) {
        offset = p.snapshot_offset; /* a late answer about a snapshot that was sent before */
    }
    /* The peer has more, or it lost what it had and refused the chunk that was sent. */
    const bool moved = ours && offset != p.snapshot_offset;
    /* The chunk was sent an election timeout ago, and the peer says that it does not have it. */
    const bool lost = p.snapshot_sent_at + s.settings->election_timeout <= s.now;
    if (moved || lost) {
        p.snapshot_offset = offset;
        send_chunk(change, p);
    }
}

} // namespace libraft::snapshot_transfer
