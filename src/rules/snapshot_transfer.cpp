/* SPDX-License-Identifier: MIT */
#include "rules/snapshot_transfer.hpp"

#include "rules/rounds_and_leases.hpp"

#include <algorithm>

namespace libraft::snapshot_transfer {
namespace {

/* To a peer that does not take chunks, the snapshot is sent as a whole. */
bool takes_chunks(const Server &s, const Peer &p) {
    return (s.settings->features & p.usable() & RAFT_FEATURE_CHUNKS) != 0;
}

bool is_late(const Server &s, const Peer &p) {
    return p.waiting_since + s.settings->snapshot_timeout <= s.now;
}

/* Has the transfer begun, and made progress lately? */
bool is_under_way(const Server &s, const Peer &p) {
    return (p.chunk_sent || p.snapshot_offset() > 0) && !is_late(s, p);
}

void use_newest(const Server &s, Peer &p) {
    if (p.is_sent_snapshot() && p.snapshot_index != s.snapshot_index && !is_under_way(s, p)) {
        p.install_snapshot(s.snapshot_index);
    }
}

/* Is this answer newer than the chunk that was sent? A peer without rounds cannot say so. */
bool is_news(const Server &s, const Peer &p, const raft_append_entries_result &r) {
    return !p.chunk_sent || rounds::is_newer(s, p, r);
}

/* How much of the snapshot does the peer have, as far as this answer tells? It has lost what it
 * had if a new answer says less than an earlier one; answers of earlier rounds do not count
 * then. */
void note_offset(const Server &s, Peer &p, const raft_append_entries_result &r) {
    if (r.version < 3 || r.round < p.believed_from || !takes_chunks(s, p) ||
        (r.snapshot_index != p.snapshot_index && r.snapshot_index != 0)) {
        return; /* it says nothing of this snapshot */
    }
    const uint64_t offset = r.snapshot_index != 0 ? r.snapshot_offset : 0;
    if (offset < p.snapshot_offset() && is_news(s, p, r)) {
        p.believed_from = std::max(p.believed_from, uint64_t{r.round});
    } else if (offset <= p.snapshot_offset()) {
        return;
    }
    p.asked_or_offset = offset;
    p.chunk_sent = false;
}

} // namespace

bool send_chunk(Change &change, Peer &p) {
    Server &s = change.server;
    if (!p.features_known || !rounds::is_in_contact(s, p, s.now)) {
        return false;
    }
    const bool chunks = takes_chunks(s, p);
    if (!chunks) {
        p.asked_or_offset = 0;
    }
    p.chunk_sent = true;
    p.waiting_since = s.now;
    p.sent = std::max(p.sent, p.snapshot_index);
    const Configuration *c = s.configuration_at(p.snapshot_index);
    raft_install_snapshot &is =
        change.add_message(RAFT_INSTALL_SNAPSHOT, p.id, p.address).install_snapshot;
    is.version = chunks ? 1 : 0;
    is.term = s.term;
    is.last_index = p.snapshot_index;
    is.last_term = s.log.term_of(p.snapshot_index);
    is.conf = c->view();
    is.conf_index = c->index;
    is.data = {nullptr, 0};
    is.offset = p.snapshot_offset();
    is.last = false;
    return true;
}

void give_up_if_late(const Server &s, Peer &p) {
    if (is_late(s, p)) {
        p.chunk_sent = false;
    }
    use_newest(s, p);
}

void on_answer(Change &change, Peer &p, const raft_append_entries_result &r) {
    const Server &s = change.server;
    give_up_if_late(s, p);
    note_offset(s, p, r);
    if (!p.chunk_sent) {
        (void)send_chunk(change, p);
    }
}

void use_newest(Server &s) {
    if (!s.tracker) {
        return;
    }
    for (Peer &p : s.tracker->peers) {
        use_newest(s, p);
    }
}

raft_index oldest(const Server &s) {
    raft_index least = s.snapshot_index;
    if (s.tracker) {
        for (const Peer &p : s.tracker->peers) {
            if (p.is_sent_snapshot()) {
                least = std::min(least, p.snapshot_index);
            }
        }
    }
    return least;
}

} // namespace libraft::snapshot_transfer
