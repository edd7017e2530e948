/* SPDX-License-Identifier: MIT */
/* RAFT_SNAPSHOT: the caller took a snapshot, and the log before it can be compacted (§5.1). */
#include "events/events.hpp"
#include "rules/changes.hpp"
#include "rules/snapshot_transfer.hpp"
#include "state/tracker.hpp"

#include <algorithm>

namespace libraft {
namespace {

/* Remove the configurations that no log entry and no snapshot has. */
void drop_configurations(Change &change) {
    const Configuration *oldest = changes::oldest_in_use(change.server);
    Configuration *c = change.server.configuration;
    while (c != oldest) {
        c = c->previous;
    }
    while (c->previous != nullptr) {
        Configuration *older = c->previous;
        c->previous = older->previous;
        change.retire(older);
    }
}

} // namespace

int on_snapshot(Step &step) {
    const raft_event_snapshot &event = step.event.snapshot;
    const raft_index index = event.metadata.index;
    if (index > step.server.commit) {
        return step.fail(RAFT_INVALID, "the snapshot covers entries that are not committed");
    }
    if (index <= step.server.snapshot_index) {
        return step.fail(RAFT_INVALID, "the snapshot is not newer than the last one");
    }
    Change &change = step.begin();
    Server &s = change.server;
    s.snapshot_index = index;
    s.last_stored = std::max(s.last_stored, index); /* durable as part of the snapshot */
    snapshot_transfer::use_newest(s);
    const raft_index oldest = snapshot_transfer::oldest(s);
    /* A peer that gets an older snapshot needs the log from there on. */
    const raft_index kept = std::min<raft_index>(event.trailing, index);
    s.log.compact(std::min(index - kept, oldest) + 1);
    s.log.shrink();
    if (!s.tracker || !s.tracker->has_departing()) {
        drop_configurations(change);
    } /* else an older configuration has the addresses of servers that are being removed */
    return 0;
}

} // namespace libraft
