/* SPDX-License-Identifier: MIT */
#include "rules/membership.hpp"

#include "rules/changes.hpp"
#include "rules/rounds_and_leases.hpp"
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

/* Does this server have the log, but for entries that are in flight? */
bool is_up_to_date(const Server &s, const Peer &p) {
    return p.self || (rounds::is_heard(s, p) && p.is_pipelined() &&
                      s.log.last() - p.match <= s.settings->max_inflight_entries);
}

/* Are the up-to-date servers a majority of the voters of `next`? */
bool can_commit(const Server &s, const Configuration &next) {
    Ballot all;
    Ballot present;
    for (const raft_server &server : next) {
        const Ballot ballot = Ballot::of(voter_sets(server.role));
        const Peer *p = ballot.empty() ? nullptr : s.tracker->find(server.id);
        all += ballot;
        if (p != nullptr && is_up_to_date(s, *p)) {
            present += ballot;
        }
    }
    return present.is_majority_of(all);
}

/* Is this ID in a configuration that this server can still send? If the server behind the ID lost
 * its disk, it would replay that configuration and count its vote in it, although it no longer has
 * what it acknowledged before. */
bool is_in_use(const Server &s, raft_id id) {
    const Configuration *oldest = changes::oldest_in_use(s);
    for (const Configuration *c = s.configuration;; c = c->previous) {
        if (c->find(id) != nullptr) {
            return true;
        }
        if (c == oldest) {
            return false;
        }
    }
}

/* A joint configuration is left as soon as it is committed (§4.3). */
void leave_joint(Change &change) {
    Tracker &t = *change.server.tracker;
    INVARIANT(t.leave);
    changes::install(change, std::move(t.leave), nullptr);
    /* Only a voter of the new set can have been named as the next leader. */
    INVARIANT(t.transfer.to == 0 || change.server.configuration->voter_sets_of(t.transfer.to) != 0);
    sending::send_to_all(change);
}

/* A configuration change committed: send removed servers and new spares one last commit index,
 * drop them from the tracker, and step down if this leader was removed (§4.2.2). */
void finish_change(Change &change) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    const bool removed = s.own_sets == 0;
    for (Peer &p : t.peers) {
        if ((removed || p.departing || p.demotion_pending) && p.is_replicated_to()) {
            sending::send_farewell(change, p);
        }
    }
    if (removed) {
        transitions::become_follower(change);
        return;
    }
    t.forget_departing();
}

} // namespace

int check(Step &step, const raft_configuration &conf) {
    switch (int rv = configuration::validate(conf, configuration::Roles::kCallers)) {
        case 0:
            return 0;
        case RAFT_BADID:
            return step.fail(rv, "configuration: the ID of a server is 0");
        case RAFT_DUPLICATEID:
            return step.fail(rv, "configuration: two servers share an ID");
        case RAFT_DUPLICATEADDRESS:
            return step.fail(rv, "configuration: two servers share an address");
        case RAFT_BADROLE:
            return step.fail(rv, "configuration: a role of joint changes");
        case RAFT_TOOBIG:
            return step.fail(rv, "configuration: there are too many servers");
        case RAFT_NOMEM:
            return step.no_memory();
        default:
            return step.fail(rv, "configuration: there is no voter, or an address is NULL");
    }
}

int check_possible(Step &step) {
    const Server &s = step.server;
    const Tracker &t = *s.tracker;
    /* §4.1, with the correction of 2015 for single-server changes: otherwise a change could
     * overtake another leader's change. */
    if (s.commit < t.barrier) {
        return step.fail(RAFT_CANTCHANGE, "no entry of this leader's term is committed yet");
    }
    if (!s.configuration_committed()) {
        return step.fail(RAFT_CANTCHANGE, "a membership change is not committed yet");
    }
    INVARIANT(!s.configuration->joint); /* left in the step that commits it */
    if (t.catch_up.id != 0) {
        return step.fail(RAFT_CANTCHANGE, "a catch-up is under way");
    }
    return 0;
}

int check_unforced(Step &step, const Configuration &next) {
    const Server &s = step.server;
    const auto up_to_date = [&](const Peer &p) { return is_up_to_date(s, p); };
    if (!has_quorum(s.tracker->peers, up_to_date)) {
        return step.fail(RAFT_NOCONNECTION,
                         "no majority of the voters is in contact and up to date");
    }
    if (!can_commit(s, next)) {
        return step.fail(RAFT_NOCONNECTION,
                         "no majority of the new voters is in contact and up to date");
    }
    for (const raft_server &server : next) {
        if (s.configuration->find(server.id) == nullptr && is_in_use(s, server.id)) {
            return step.fail(RAFT_BADID, "a new server has an ID that the log or a snapshot has");
        }
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
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Tracker &t = *change->server.tracker;
    t.leave = std::move(leave);
    changes::install(*change, std::move(next), entry);
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
    Change *change = step.reserve(need);
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
        change->server.known_commit = 0; /* entries beyond the log are given up */
    }
    changes::install(*change, std::move(c), nullptr);
    return 0;
}

void plan_committed(const Server &s, Need *need) {
    const Configuration &c = *s.configuration;
    need->messages += 2 * sending::messages_for_all(s, s.log.last() + 1);
    need->entries += 1;
    if (c.joint) {
        need->bytes += configuration::encoded_size(c.view());
    }
}

void committed(Change &change, raft_index from) {
    const Server &s = change.server;
    if (!s.configuration_committed()) {
        return;
    }
    if (s.configuration->joint) {
        leave_joint(change);
        /* unreachable: a leader that lost its vote by a committed change does not lead any more */
    } else if (s.configuration->index > from || s.own_sets == 0) {
        finish_change(change);
    }
}

} // namespace libraft::membership
