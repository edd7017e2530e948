/* SPDX-License-Identifier: MIT */
#include "rules/membership.hpp"

#include "rules/changes.hpp"
#include "rules/election_timer.hpp"
#include "rules/sending.hpp"
#include "rules/transitions.hpp"
#include "state/tracker.hpp"

#include <utility>

namespace libraft::membership {
namespace {

[[nodiscard]] int check_founding(Step &step, const raft_configuration &conf) {
    int rv = check(step, conf);
    if (rv != 0) {
        return rv;
    }
    for (unsigned i = 0; i < conf.n; i++) {
        if (conf.servers[i].id == step.server.id) {
            return 0;
        }
    }
    return step.fail(RAFT_BADID, "configuration: this server is not in it");
}

} // namespace

int check(Step &step, const raft_configuration &conf) {
    switch (int rv = configuration::validate(conf, configuration::Roles::kCallers)) {
        case 0:
            return 0;
        case RAFT_BADID:
            return step.fail(rv, "configuration: a server's ID is 0");
        case RAFT_DUPLICATEID:
            return step.fail(rv, "configuration: two servers share an ID");
        case RAFT_DUPLICATEADDRESS:
            return step.fail(rv, "configuration: two servers share an address");
        case RAFT_BADROLE:
            return step.fail(rv, "configuration: a role that callers cannot give");
        case RAFT_NOMEM:
            return step.no_memory();
        default:
            return step.fail(rv, "configuration: no voter, or a server without address");
    }
}

int check_possible(Step &step) {
    const Server &s = step.server;
    const Tracker &t = *s.tracker;
    /* §4.1, with the correction of 2015 for single-server changes: otherwise a change could
     * overtake another leader's change. */
    if (s.commit < t.barrier) {
        return step.fail(RAFT_CANTCHANGE, "nothing of this leader's term is committed yet");
    }
    if (!s.configuration_committed()) {
        return step.fail(RAFT_CANTCHANGE, "a membership change is not committed yet");
    }
    INVARIANT(!s.configuration->joint); /* left in the step that commits it */
    if (t.catch_up.id != 0) {
        return step.fail(RAFT_CANTCHANGE, "a server is being caught up");
    }
    return 0;
}

int append_change(Step &step, Owner<Configuration> next, const raft_entry *entry) {
    const Server &s = step.server;
    Need need;
    need.members = next->n;
    need.messages = sending::messages_for_all(s, s.log.last() + 1) + next->n;
    if (entry != nullptr) {
        need.entries = 1;
    } else {
        changes::plan_payload(*next, &need);
    }
    Owner<Configuration> leave;
    if (next->joint) {
        leave.reset(configuration::leave(*next));
        if (!leave) {
            return step.no_memory();
        }
    }
    known_leader::Address address;
    Change *change =
        known_leader::prepare(s, {next.get()}, &address) ? step.reserve(need) : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    Tracker &t = *change->server.tracker;
    t.leave = std::move(leave);
    changes::install(*change, std::move(next), entry, address);
    for (Peer &p : t.peers) {
        /* A new peer is probed at once, not at the next heartbeat. */
        if (p.is_replicated_to() && (p.is_pipelined() || p.sent == 0)) {
            sending::send(*change, p);
        }
    }
    return 0;
}

int append_alone(Step &step, const raft_configuration &conf, raft_term term, Purpose purpose) {
    int rv = check_founding(step, conf);
    if (rv != 0) {
        return rv;
    }
    const Server &s = step.server;
    Owner<Configuration> c(configuration::copy(conf, s.log.last() + 1));
    if (!c) {
        return step.no_memory();
    }
    Need need;
    need.runs = 1;
    changes::plan_payload(*c, &need);
    known_leader::Address address;
    Change *change = known_leader::prepare(s, {c.get()}, &address) ? step.reserve(need) : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    change->server.installation.reset(); /* the leader that sent half a snapshot is gone */
    if (term > s.term) {
        transitions::adopt_term(*change, term); /* a candidate gives up */
    }
    if (purpose == Purpose::kRecover) {
        /* An entry needs a term of its own: no other server may lead in it. */
        change->remember();
        change->server.voted_for = s.id;
    }
    changes::install(*change, std::move(c), nullptr, address);
    election_timer::restart(change->server);
    return 0;
}

} // namespace libraft::membership
