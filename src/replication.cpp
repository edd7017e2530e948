/* SPDX-License-Identifier: MIT */
#include "replication.hpp"

#include <algorithm>

namespace libraft::replication {
namespace {

constexpr unsigned kRoundBits = 20; /* rounds within one millisecond */
constexpr unsigned char kBarrierPayload[8] = {};

uint32_t message_limit(const Server &s) {
    uint32_t limit = s.settings->max_message_entries;
    return limit != 0 ? limit : UINT32_MAX;
}

void send_append(Step &step, Progress &p, raft_index prev, uint32_t n) {
    Server &s = step.server;
    bool rounds = s.announces(RAFT_FEATURE_ROUNDS) && (p.features & RAFT_FEATURE_ROUNDS) != 0;
    raft_append_entries &ae =
        step.add_message(RAFT_APPEND_ENTRIES, p.id, p.address).append_entries;
    ae.version = rounds ? 1 : 0;
    ae.term = s.term;
    ae.prev_log_index = prev;
    ae.prev_log_term = s.trail.term_of(prev);
    ae.leader_commit = s.commit;
    ae.entries = nullptr;
    ae.n_entries = n;
    ae.round = rounds ? s.tracker->round : 0;
    p.sent = std::max(p.sent, prev + n);
}

void begin_snapshot(Step &step, Progress &p) {
    INVARIANT(step.server.snapshot_index > 0);
    p.mode = RAFT_PROGRESS_SNAPSHOT;
    send_chunk(step, p);
}

/* One message at a time, until it is known where the logs agree. */
void send_probe(Step &step, Progress &p) {
    Server &s = step.server;
    raft_index n = std::min<raft_index>(s.trail.last() + 1 - p.next,
                                        s.settings->max_inflight_entries);
    send_append(step, p, p.next - 1,
                static_cast<uint32_t>(std::min<raft_index>(n, message_limit(s))));
}

} // namespace

uint64_t messages_for(const Server &s, const Progress &p, raft_index last) {
    uint32_t limit = s.settings->max_message_entries;
    if (limit == 0) {
        return 1;
    }
    uint64_t entries = std::min<uint64_t>(last - std::min(p.match, last),
                                          s.settings->max_inflight_entries);
    return 1 + entries / limit;
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
    Server &s = step.server;
    if (p.mode == RAFT_PROGRESS_SNAPSHOT) {
        return;
    }
    if (p.mode == RAFT_PROGRESS_PROBE) {
        if (s.trail.can_follow(p.next)) {
            send_probe(step, p);
        } else {
            begin_snapshot(step, p);
        }
        return;
    }
    const uint32_t window = std::min(p.window, s.settings->max_inflight_entries);
    const raft_index end = std::min<raft_index>(s.trail.last(), p.match + window);
    if (p.next > end) {
        return;
    }
    if (!s.trail.can_follow(p.next)) {
        begin_snapshot(step, p);
        return;
    }
    const uint32_t limit = message_limit(s);
    do {
        auto n = static_cast<uint32_t>(std::min<raft_index>(end + 1 - p.next, limit));
        send_append(step, p, p.next - 1, n);
        p.next += n;
    } while (p.next <= end);
}

void send_heartbeat(Step &step, Progress &p) {
    Server &s = step.server;
    if (p.mode == RAFT_PROGRESS_SNAPSHOT) {
        send_append(step, p, s.snapshot_index, 0);
    } else if (s.trail.can_follow(p.next)) {
        send_append(step, p, p.next - 1, 0);
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
        if (p.mode == RAFT_PROGRESS_PIPELINE && p.follows()) {
            send(step, p);
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

bool begin_round(Server &s) {
    Tracker &t = *s.tracker;
    uint64_t moment = s.now - t.elected_at + 1;
    uint64_t round = std::max(moment << kRoundBits, t.round + 1);
    if (round >> kRoundBits > moment) {
        return false;
    }
    t.round = round;
    return true;
}

raft_time round_began(const Server &s, uint64_t round) {
    return s.tracker->elected_at + (round >> kRoundBits) - 1;
}

} // namespace libraft::replication
