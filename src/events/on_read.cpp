/* SPDX-License-Identifier: MIT */
/* RAFT_READ: a linearizable read (§6.4), confirmed by a round, a lease or a barrier. */
#include "base/untrusted.hpp"
#include "events/events.hpp"
#include "rules/read_rounds.hpp"
#include "rules/rounds_and_leases.hpp"

namespace libraft {
namespace {

constexpr uint32_t kMaxPending = 65536;

} // namespace

int on_read(Step &step) {
    const Server &s = step.server;
    const raft_event_read &event = step.event.read;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    if (s.tracker->pending_reads() >= kMaxPending) {
        return step.fail(RAFT_BUSY, "too many reads are pending");
    }
    if (s.tracker->transfer.to != 0 && rounds::quorum_echoes(s) == rounds::Echoes::kNo) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    Need need;
    need.read = true;
    need.reads = 1;
    read_rounds::plan(s, &need);
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Tracker &t = *change->server.tracker;
    /* Before an entry of this term commits, the commit index may be lower than what earlier
     * leaders committed. This leader's barrier is not (§6.4, step 1). */
    const bool own = s.commit >= t.barrier;
    const raft_index index = own ? s.commit : t.barrier;
    if (own && load_bool(event.lease) && rounds::holds_lease(s)) {
        change->add_read(event.id, index, 0);
        return 0;
    }
    t.reads.push_back({event.id, index, kNextRound, index});
    read_rounds::proceed(*change);
    return 0;
}

} // namespace libraft
