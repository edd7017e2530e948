/* SPDX-License-Identifier: MIT */
#include "replication.hpp"

#include <algorithm>

namespace libraft::replication {
namespace {

constexpr unsigned char kBarrierPayload[8] = {};

void append(Step &step, Progress &p, raft_index prev, raft_term prev_term, uint32_t n) {
    write_append_entries(step.server, step.out.add_message(), p, prev, prev_term, n);
}

void begin_snapshot(Step &step, Progress &p) {
    INVARIANT(step.server.snapshot_index > 0);
    p.mode = RAFT_PROGRESS_SNAPSHOT;
    send_chunk(step, p);
}

/* Is the entry there, and the term of the one before it known? Then that term is found. */
bool position(const Server &s, raft_index next, raft_term *prev_term) {
    *prev_term = s.trail.term_of(next - 1);
    return *prev_term != 0 || (next == 1 && s.trail.first() == 1);
}

/* Everything new that fits the window, in messages of the caller's size. */
void pipeline(Step &step, Progress &p) {
    const Server &s = step.server;
    const raft_index end = window_end(s, p);
    for (uint64_t sent = 0; p.next <= end && sent < kMostMessages; sent++) {
        raft_term prev_term;
        if (!position(s, p.next, &prev_term)) {
            begin_snapshot(step, p);
            return;
        }
        const raft_index n = std::min<raft_index>(end + 1 - p.next, s.settings->message_limit());
        append(step, p, p.next - 1, prev_term, static_cast<uint32_t>(n));
        p.next += n;
    }
}

/* One message at a time, until it is known where the logs agree. */
void probe(Step &step, Progress &p) {
    const Server &s = step.server;
    raft_term prev_term;
    if (!position(s, p.next, &prev_term)) {
        begin_snapshot(step, p);
        return;
    }
    const raft_index n =
        std::min<raft_index>(s.trail.last() + 1 - p.next, s.settings->max_inflight_entries);
    append(step, p, p.next - 1, prev_term,
           static_cast<uint32_t>(std::min<raft_index>(n, s.settings->message_limit())));
}

} // namespace

uint64_t messages_for(const Server &s, const Progress &p, raft_index last) {
    uint32_t limit = s.settings->max_message_entries;
    if (limit == 0) {
        return 1;
    }
    uint64_t entries =
        std::min<uint64_t>(last - std::min(p.match, last), s.settings->max_inflight_entries);
    return 1 + std::min(entries / limit, kMostMessages);
}

uint64_t messages_for_all(const Server &s, raft_index last) {
    const Tracker &t = *s.tracker;
    if (s.settings->max_message_entries == 0) {
        return t.peers.size();
    }
    uint64_t n = 0;
    for (const Progress &p : t.peers) {
        n += messages_for(s, p, last);
    }
    return n;
}

void send_some(Step &step, Progress &p) {
    if (p.mode == RAFT_PROGRESS_PIPELINE) {
        pipeline(step, p);
    } else {
        INVARIANT(p.mode == RAFT_PROGRESS_PROBE);
        probe(step, p);
    }
}

void send_heartbeat(Step &step, Progress &p) {
    const Server &s = step.server;
    const raft_index prev = p.mode == RAFT_PROGRESS_SNAPSHOT ? s.snapshot_index : p.next - 1;
    raft_term prev_term;
    if (position(s, prev + 1, &prev_term)) {
        append(step, p, prev, prev_term, 0);
    } else {
        begin_snapshot(step, p);
    }
}

void send_chunk(Step &step, Progress &p) {
    Server &s = step.server;
    bool chunks = s.announces(RAFT_FEATURE_CHUNKS) && (p.features & RAFT_FEATURE_CHUNKS) != 0;
    if (p.snapshot_index != s.snapshot_index || !chunks) {
        p.snapshot_index = s.snapshot_index;
        p.snapshot_offset = 0;
    }
    p.snapshot_sent_at = s.now;
    p.sent = std::max(p.sent, s.snapshot_index);
    const Configuration *c = s.configuration_at(s.snapshot_index);
    raft_install_snapshot &is =
        step.add_message(RAFT_INSTALL_SNAPSHOT, p.id, p.address).install_snapshot;
    is.version = chunks ? 1 : 0;
    is.term = s.term;
    is.last_index = s.snapshot_index;
    is.last_term = s.trail.term_of(s.snapshot_index);
    is.conf = c->view();
    is.conf_index = c->index;
    is.data = {nullptr, 0};
    is.offset = p.snapshot_offset;
    is.last = false;
}

void send_to_all(Step &step) {
    for (Progress &p : step.server.tracker->peers) {
        if (p.mode == RAFT_PROGRESS_PIPELINE) {
            pipeline(step, p);
        }
    }
}

void heartbeat_all(Step &step) {
    for (Progress &p : step.server.tracker->peers) {
        if (p.follows()) {
            send_heartbeat(step, p);
        }
    }
}

void append_own(Step &step, raft_entry_type type, const raft_buffer &payload) {
    Server &s = step.server;
    step.begin_entries(s.trail.last() + 1);
    s.trail.append(s.term, 1);
    step.add_entry({s.term, type, payload, nullptr});
}

void append_barrier(Step &step) {
    append_own(step, RAFT_BARRIER,
               {const_cast<unsigned char *>(kBarrierPayload), sizeof kBarrierPayload});
}

raft_time round_began(const Server &s, uint64_t round) {
    return s.tracker->elected_at + (round >> kRoundBits) - 1;
}

} // namespace libraft::replication
