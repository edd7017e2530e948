/* SPDX-License-Identifier: MIT */
#include "rules/sending.hpp"

#include "rules/snapshot_transfer.hpp"

#include <algorithm>

namespace libraft::sending {
namespace {

constexpr unsigned char kBarrierPayload[8] = {};

/* Upper limit on AppendEntries to one peer per step. It bounds memory when the caller's limit on
 * entries in flight is huge; acknowledgements cause the rest to be sent. */
constexpr uint64_t kMaxMessages = 1024;

void send_append_entries(Change &change, Peer &p, raft_index prev, raft_term prev_term,
                         uint32_t n) {
    write_append_entries(change.server, change.out.add_message(), p, prev, prev_term, n);
}

void send_snapshot(Change &change, Peer &p) {
    INVARIANT(change.server.snapshot_index > 0);
    p.install_snapshot();
    snapshot_transfer::send_chunk(change, p);
}

/* Can a message begin with entry `next`? The term of the entry before it must be known. */
bool find_prev_term(const Server &s, raft_index next, raft_term *prev_term) {
    *prev_term = s.log.term_of(next - 1);
    return *prev_term != 0 || (next == 1 && s.log.first() == 1);
}

/* Send everything new that fits the window, in messages of at most the size that the caller set. */
void pipeline(Change &change, Peer &p) {
    const Server &s = change.server;
    const raft_index end = window_end(s, p);
    for (uint64_t sent = 0; p.next <= end && sent < kMaxMessages; sent++) {
        raft_term prev_term;
        if (!find_prev_term(s, p.next, &prev_term)) {
            send_snapshot(change, p);
            return;
        }
        const raft_index n = std::min<raft_index>(end + 1 - p.next, s.settings->message_limit());
        send_append_entries(change, p, p.next - 1, prev_term, static_cast<uint32_t>(n));
        p.next += n;
    }
}

/* Send one message, and wait for its answer: it is not known where the logs agree. */
void probe(Change &change, Peer &p) {
    const Server &s = change.server;
    raft_term prev_term;
    if (!find_prev_term(s, p.next, &prev_term)) {
        send_snapshot(change, p);
        return;
    }
    const raft_index n =
        std::min<raft_index>(s.log.last() + 1 - p.next, s.settings->max_inflight_entries);
    send_append_entries(
        change, p, p.next - 1, prev_term,
        static_cast<uint32_t>(std::min<raft_index>(n, s.settings->message_limit())));
}

} // namespace

uint64_t messages_for(const Server &s, const Peer &p, raft_index last) {
    uint32_t limit = s.settings->max_message_entries;
    if (limit == 0) {
        return 1;
    }
    uint64_t entries =
        std::min<uint64_t>(last - std::min(p.match, last), s.settings->max_inflight_entries);
    return 1 + std::min(entries / limit, kMaxMessages);
}

uint64_t messages_for_all(const Server &s, raft_index last) {
    const Tracker &t = *s.tracker;
    if (s.settings->max_message_entries == 0) {
        return t.peers.size();
    }
    uint64_t n = 0;
    for (const Peer &p : t.peers) {
        n += messages_for(s, p, last);
    }
    return n;
}

void send_entries(Change &change, Peer &p) {
    if (p.is_pipelined()) {
        pipeline(change, p);
    } else {
        INVARIANT(p.is_probed());
        probe(change, p);
    }
}

void send_heartbeat(Change &change, Peer &p) {
    const Server &s = change.server;
    const raft_index prev = p.is_sent_snapshot() ? s.snapshot_index : p.next - 1;
    raft_term prev_term;
    if (find_prev_term(s, prev + 1, &prev_term)) {
        send_append_entries(change, p, prev, prev_term, 0);
    } else {
        send_snapshot(change, p);
    }
}

void send_to_all(Change &change) {
    for (Peer &p : change.server.tracker->peers) {
        if (p.is_pipelined()) {
            pipeline(change, p);
        }
    }
}

void heartbeat_all(Change &change) {
    for (Peer &p : change.server.tracker->peers) {
        if (p.is_replicated_to()) {
            send_heartbeat(change, p);
        }
    }
}

void append_barrier(Change &change) {
    change.append({0,
                   RAFT_BARRIER,
                   {const_cast<unsigned char *>(kBarrierPayload), sizeof kBarrierPayload},
                   nullptr});
}

} // namespace libraft::sending
