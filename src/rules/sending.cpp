/* SPDX-License-Identifier: MIT */
#include "rules/sending.hpp"

#include "rules/rounds_and_leases.hpp"
#include "rules/snapshot_transfer.hpp"

#include <algorithm>

namespace libraft::sending {
namespace {

constexpr unsigned char kBarrierPayload[8] = {};

/* Upper limit on AppendEntries to one peer per step, whatever the caller's limits are.
 * Acknowledgements cause the rest to be sent. */
constexpr uint64_t kMaxMessages = 1024;

/* The term of an entry, if a message may begin after it. */
bool find_prev_term(const Server &s, raft_index prev, raft_term *term) {
    *term = s.log.term_of(prev);
    return *term != 0 || (prev == 0 && s.log.first() == 1);
}

void send_append_entries(Change &change, Peer &p, raft_index prev, raft_term prev_term,
                         uint32_t n) {
    write_append_entries(change.server, change.out.add_message(), p, prev, prev_term, n);
}

/* Ask a peer in snapshot mode how much it has, or which features. */
void ask(Change &change, Peer &p) {
    const Server &s = change.server;
    send_append_entries(change, p, p.snapshot_index, s.log.term_of(p.snapshot_index), 0);
}

void send_snapshot(Change &change, Peer &p) {
    INVARIANT(change.server.snapshot_index > 0);
    p.install_snapshot(change.server.snapshot_index);
    if (!snapshot_transfer::send_chunk(change, p)) {
        ask(change, p);
    }
}

/* Send everything new that fits the window, in messages of at most the size that the caller set. */
void pipeline(Change &change, Peer &p) {
    const Server &s = change.server;
    /* The second bound differs for a peer that lost data, which has less than its match index. */
    const raft_index end = std::min(
        window_end(s, p), p.acknowledged() + std::min(p.window, s.settings->max_inflight_entries));
    for (uint64_t sent = 0; p.next <= end && sent < kMaxMessages; sent++) {
        raft_term prev_term;
        if (!find_prev_term(s, p.next - 1, &prev_term)) {
            send_snapshot(change, p);
            return;
        }
        const raft_index n = std::min<raft_index>(end + 1 - p.next, s.settings->message_limit());
        send_append_entries(change, p, p.next - 1, prev_term, static_cast<uint32_t>(n));
        p.asked_or_offset = p.next;
        p.next += n;
    }
}

/* Send one message with at most one entry, and wait for its answer: it is not known where the logs
 * agree. */
void probe(Change &change, Peer &p) {
    const Server &s = change.server;
    raft_term prev_term;
    if (find_prev_term(s, p.next - 1, &prev_term)) {
        send_append_entries(change, p, p.next - 1, prev_term, p.next <= s.log.last() ? 1 : 0);
    } else {
        send_snapshot(change, p);
    }
}

} // namespace

uint64_t messages_for(const Server &s, const Peer &p, raft_index last) {
    uint32_t limit = s.settings->max_message_entries;
    if (limit == 0) {
        return 1;
    }
    const uint64_t entries = std::min<uint64_t>(last - std::min(p.acknowledged(), last),
                                                s.settings->max_inflight_entries);
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

raft_index heartbeat_position(const Server &s, const Peer &p) {
    const raft_index known = p.acknowledged();
    raft_term term;
    if (find_prev_term(s, known, &term)) {
        return known;
    }
    const raft_index first = s.log.first();
    /* unreachable: what the peer has was compacted, so that the term before the log is known */
    return s.log.term_of(first - 1) != 0 ? first - 1 : first;
}

void send_heartbeat(Change &change, Peer &p) {
    const Server &s = change.server;
    raft_term prev_term;
    if (p.is_sent_snapshot()) {
        ask(change, p);
    } else if (!find_prev_term(s, p.next - 1, &prev_term)) {
        send_snapshot(change, p);
    } else if (p.is_pipelined()) {
        const raft_index prev = heartbeat_position(s, p);
        send_append_entries(change, p, prev, s.log.term_of(prev), 0);
    } else {
        send_append_entries(change, p, p.next - 1, prev_term, 0);
    }
}

bool is_stalled(const Server &s, const Peer &p, raft_time now) {
    const bool in_flight = p.is_pipelined() ? p.next - 1 > p.acknowledged() : p.is(kStalled);
    const raft_time patience =
        std::max(2 * raft_time{s.settings->heartbeat_timeout}, raft_time{p.patience});
    return in_flight && p.waiting_since + patience <= now && rounds::is_in_contact(s, p, now);
}

/* Unlike a heartbeat, the last message to a peer names the last entry that it was sent, so that its
 * commit index can rise to there whatever it has acknowledged. */
void send_farewell(Change &change, Peer &p) {
    raft_term prev_term;
    if (p.is_pipelined() && find_prev_term(change.server, p.next - 1, &prev_term)) {
        send_append_entries(change, p, p.next - 1, prev_term, 0);
    } else {
        send_heartbeat(change, p);
    }
}

bool is_told(const Change &change, const Peer &p) {
    const Outgoing &out = change.out;
    return std::any_of(out.messages, out.messages + out.n_messages, [&](const raft_message &m) {
        return m.server_id == p.id && m.type != RAFT_REQUEST_VOTE_RESULT &&
               m.type != RAFT_APPEND_ENTRIES_RESULT;
    });
}

void tell_commit(Change &change, raft_index before) {
    const Server &s = change.server;
    /* unreachable: an acknowledgement that ends the leadership is not followed by this */
    if (!s.settings->eager_commit || !s.leads() || s.commit == before) {
        return;
    }
    for (Peer &p : change.server.tracker->peers) {
        if (p.is_pipelined() && !is_told(change, p)) {
            send_heartbeat(change, p);
        }
    }
}

void send_to_all(Change &change) {
    for (Peer &p : change.server.tracker->peers) {
        if (p.is_pipelined()) {
            pipeline(change, p);
        }
    }
}

void append_barrier(Change &change) {
    change.append({0,
                   RAFT_BARRIER,
                   {const_cast<unsigned char *>(kBarrierPayload), sizeof kBarrierPayload},
                   {nullptr}});
}

} // namespace libraft::sending
