/* SPDX-License-Identifier: MIT */
/* RAFT_PERSISTED_SNAPSHOT: a chunk of a snapshot is durable, or could not be written (§5.1). */
#include "base/untrusted.hpp"
#include "events/events.hpp"
#include "rules/answers.hpp"
#include "rules/changes.hpp"

#include <algorithm>
#include <utility>

namespace libraft {
namespace {

/* The snapshot is durable: it replaces the log (§5.1, figure 5.3). */
void finish(Change &change) {
    Server &s = change.server;
    Owner<Installation> i(s.installation.take());
    (void)changes::roll_back(change, 0);
    s.outdate_writes(); /* those that are not acknowledged belong to the old log */
    s.log.reset(i->index, i->term);
    s.log.shrink();
    s.snapshot_index = i->index;
    s.last_stored = i->index;
    s.commit = std::max(s.commit, i->index);
    s.matched = i->index; /* it is committed: every leader has it */
    changes::push(change, std::move(i->configuration));
}

/* Is the event about the chunk that is being written? */
bool is_outstanding(const Installation &i, const raft_event_persisted_snapshot &event) {
    return i.outstanding && event.metadata.index == i.index && event.metadata.term == i.term &&
           event.offset == i.offset && load_bool(event.last) == i.last;
}

} // namespace

int on_persisted_snapshot(Step &step) {
    const Server &s = step.server;
    const raft_event_persisted_snapshot &event = step.event.persisted_snapshot;
    if (!s.installation) {
        return 0;
    }
    if (event.metadata.index == 0) {
        step.begin().server.installation.reset();
        return 0;
    }
    if (!is_outstanding(*s.installation, event)) {
        return 0;
    }
    const bool last = s.installation->last;
    Need need;
    need.messages = 1;
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Installation &i = *change->server.installation;
    i.outstanding = false;
    i.offset += i.writing;
    if (last) {
        finish(*change);
        answers::acknowledge(*change);
    } else if (i.superseded) {
        const raft_index wanted = i.wanted;
        change->server.installation.reset();
        answers::acknowledge_snapshot(*change, wanted, 0);
    } else {
        answers::acknowledge(*change);
    }
    return 0;
}

} // namespace libraft
