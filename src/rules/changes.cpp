/* SPDX-License-Identifier: MIT */
#include "rules/changes.hpp"

#include "rules/snapshot_transfer.hpp"
#include "state/tracker.hpp"

#include <utility>

namespace libraft::changes {
namespace {

raft_buffer make_payload(Change &change, const Configuration &c) {
    const raft_configuration view = c.view();
    raft_buffer payload;
    payload.len = static_cast<size_t>(configuration::encoded_size(view)); /* it is reserved */
    payload.base = change.out.take(payload.len);
    configuration::encode(view, payload.base);
    return payload;
}

} // namespace

void configuration_changed(Change &change) {
    Server &s = change.server;
    const unsigned sets = s.configuration != nullptr ? s.configuration->voter_sets_of(s.id) : 0U;
    change.remember();
    s.own_sets = sets & kBothSets;
    s.sole_voter = s.configuration != nullptr && s.configuration->has_sole_voter(s.id);
    s.has_led = s.leads();
}

void push(Change &change, Owner<Configuration> c) {
    change.remember();
    c->previous = change.server.configuration;
    change.server.configuration = c.take();
    configuration_changed(change);
}

bool roll_back(Change &change, raft_index from) {
    Server &s = change.server;
    bool rolled_back = false;
    while (s.configuration != nullptr && s.configuration->index >= from) {
        change.remember();
        Configuration *c = s.configuration;
        s.configuration = c->previous;
        change.retire(c);
        rolled_back = true;
    }
    return rolled_back;
}

const Configuration *oldest_in_use(const Server &s) {
    const raft_index snapshot = snapshot_transfer::oldest(s);
    const Configuration *c = s.configuration;
    while (c->previous != nullptr && (c->index > snapshot || c->previous->index >= s.log.first())) {
        c = c->previous;
    }
    return c;
}

void plan_payload(const Configuration &c, Need *need) {
    need->entries += 1;
    need->bytes += configuration::encoded_size(c.view());
}

void install(Change &change, Owner<Configuration> c, const raft_entry *entry) {
    Server &s = change.server;
    if (entry != nullptr) {
        change.append(*entry);
    } else {
        change.append({0, RAFT_CHANGE, make_payload(change, *c), {nullptr}});
    }
    c->index = s.log.last();
    if (s.tracker) {
        Tracker &t = *s.tracker;
        if (t.adopt(*c, s.id, s.log.last() - 1, s.now)) {
            change.flags |= RAFT_UPDATE_CATCH_UP;
        }
        t.tally.restart(t.peers, t.tally.floor());
    }
    push(change, std::move(c));
}

} // namespace libraft::changes
