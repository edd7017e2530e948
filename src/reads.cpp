/* SPDX-License-Identifier: MIT */
#include "reads.hpp"

#include "bytes.hpp"
#include "replication.hpp"

#include <algorithm>

namespace libraft::reads {
namespace {

constexpr uint32_t kMaxPending = 65536;

/* Has a quorum echoed a round that began less than 9/10 of an election timeout ago? Then
 * no other server can have been elected yet (§6.4.1): its voters wait that long. */
bool holds_lease(const Server &s) {
    const Tracker &t = *s.tracker;
    if (t.transfer.timeout_now_sent) {
        return false;
    }
    const uint64_t lease = uint64_t{s.settings->election_timeout} * 9 / 10;
    return has_quorum(t.peers, [&](const Progress &p) {
        return p.self || (p.round != 0 && replication::round_began(s, p.round) + lease > s.now);
    });
}

/* Can a quorum confirm a round now? Who was not heard from for an election timeout cannot. */
bool quorum_echoes(const Server &s) {
    const bool rounds = s.announces(RAFT_FEATURE_ROUNDS);
    return has_quorum(s.tracker->peers, [&](const Progress &p) {
        return p.self || (rounds && (p.features & RAFT_FEATURE_ROUNDS) != 0 &&
                          p.contact + s.settings->election_timeout > s.now);
    });
}

bool confirmed(const Server &s, uint64_t round) {
    return has_quorum(s.tracker->peers,
                      [=](const Progress &p) { return p.self || p.round >= round; });
}

} // namespace

int on_read(Step &step) {
    Server &s = step.server;
    const raft_event_read &event = step.event.read;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "only the leader serves reads");
    }
    Tracker &t = *s.tracker;
    if (t.pending_reads() >= kMaxPending) {
        return step.fail(RAFT_BUSY, "too many reads are pending");
    }
    const bool by_round = quorum_echoes(s);
    if (!by_round && t.transfer.to != 0) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    Need need;
    need.reads = 1;
    need.entries = 1;
    need.messages = replication::messages_for_all(s, s.trail.last() + 1);
    if (!t.reserve_read() || !step.reserve(need)) {
        return step.no_memory();
    }
    /* Nothing of this term committed yet: the commit index may be behind what earlier
     * leaders committed, but this leader's barrier is not (§6.4, step 1). */
    const bool own = s.commit >= t.barrier;
    const raft_index index = own ? s.commit : t.barrier;
    if (own && load_bool(event.lease) && holds_lease(s)) {
        step.add_read(event.id, index, 0);
        return 0;
    }
    if (by_round) {
        if (!replication::begin_round(s)) {
            return step.fail(RAFT_BUSY, "too many reads in one millisecond");
        }
        t.reads.push_back({event.id, index, t.round, index});
        for (Progress &p : t.peers) {
            if (p.votes() && p.follows()) {
                replication::send_heartbeat(step, p);
            }
        }
    } else {
        replication::append_barrier(step);
        t.reads.push_back({event.id, index, 0, s.trail.last()});
        replication::send_to_all(step);
    }
    release(step);
    return 0;
}

bool wait_in_vain(const Server &s) {
    const Tracker &t = *s.tracker;
    const auto by_round = [](const PendingRead &read) { return read.round != 0; };
    return t.transfer.to == 0 && !quorum_echoes(s) &&
           std::any_of(t.reads.begin() + t.answered, t.reads.end(), by_round);
}

void wait_for_barrier(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    replication::append_barrier(step);
    for (uint32_t i = t.answered; i < t.reads.size(); i++) {
        if (t.reads[i].round != 0) {
            t.reads[i].round = 0;
            t.reads[i].committed = s.trail.last();
        }
    }
    replication::send_to_all(step);
}

void release(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    uint64_t known = 0; /* a round that is known to be confirmed */
    while (t.pending_reads() > 0) {
        const PendingRead &read = t.reads[t.answered];
        if (read.committed > s.commit) {
            return;
        }
        if (read.round > known) {
            if (!confirmed(s, read.round)) {
                return;
            }
            known = read.round;
        }
        PendingRead ready = t.take_read();
        step.add_read(ready.id, ready.index, 0);
    }
}

} // namespace libraft::reads
