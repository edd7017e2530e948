/* SPDX-License-Identifier: MIT */
/* The cluster's operator: membership changes, transfers, catch-ups, and illegal requests
 * (illegal_requests.cpp). */
#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

/* A difference of at most one is a change in one step. */
unsigned voter_difference(const Configuration &a, const Configuration &b) {
    unsigned n = 0;
    for (raft_id id = 1; id <= kMaxServers; id++) {
        n += (a.role_of(id) == RAFT_VOTER) != (b.role_of(id) == RAFT_VOTER);
    }
    return n;
}

/* The configuration that a joint one leads to. */
Configuration outcome_of(const Configuration &conf) {
    Configuration next;
    for (const Member &m : conf.members) {
        int role = m.role == RAFT_VOTER_INCOMING     ? static_cast<int>(RAFT_VOTER)
                   : m.role == RAFT_VOTER_TO_STANDBY ? static_cast<int>(RAFT_STANDBY)
                   : m.role == RAFT_VOTER_TO_SPARE   ? static_cast<int>(RAFT_SPARE)
                                                     : m.role;
        if (role != RAFT_VOTER_OUTGOING) {
            next.add(m.id, role, m.address);
        }
    }
    return next;
}

} // namespace

/* Some random changes; the same configuration if no voter would be left. */
Configuration Simulation::mutate(const Configuration &conf) {
    Configuration next = conf;
    size_t changes = random.percent(35) ? 1 : random.between(2, 5);
    for (size_t i = 0; i < changes; i++) {
        raft_id id = random.between(1, plan.servers);
        if (server(id).lost) {
            continue;
        }
        auto it = std::find_if(next.members.begin(), next.members.end(),
                               [id](const Member &m) { return m.id == id; });
        int role =
            random.percent(60) ? static_cast<int>(RAFT_VOTER) : static_cast<int>(random.below(4));
        if (role == 3 || (it == next.members.end() && random.percent(20))) {
            if (it != next.members.end()) {
                next.members.erase(it);
            }
        } else if (it == next.members.end()) {
            next.add(id, role, server(id).next_address);
        } else if (random.percent(25) &&
                   !plan.callers.has(
                       C_MOVES)) { /* its address changes, before or after the server moves */
            it->address = address_of(id, static_cast<unsigned>(random.below(kPorts)));
            server(id).next_address = random.percent(80) ? it->address : server(id).next_address;
        } else {
            it->role = role;
        }
    }
    if (random.percent(25)) { /* several voters: a joint change */
        for (unsigned flips = 0; flips < 3; flips++) {
            size_t i = random.below(next.members.size() + 1);
            if (i < next.members.size()) {
                int &role = next.members[i].role;
                role = role == RAFT_VOTER ? RAFT_STANDBY : RAFT_VOTER;
            }
        }
    }
    return next.voters() > 0 ? next : conf;
}

void Simulation::change_membership(Server &l, const Configuration &next) {
    Configuration now_conf = l.view.conf;
    unsigned difference = voter_difference(now_conf, next);
    bool joint = now_conf.joint();
    if (has_moved_servers() || !keeps_leaders(next)) {
        return;
    }
    bool as_entry = random.percent(25);
    note(l.id, "is asked for configuration %s", next.str().c_str());
    if (random.percent(plan.disturb_percent) &&
        random.percent(30)) { /* no other server hears of it */
        disturb(l, false);
    }
    if (random.percent(30)) { /* while other entries are under way */
        (void)l.submit(std::vector<uint32_t>(random.between(1, 5), kNoOp));
        if (!l.up) {
            return;
        }
    }
    bool force = !as_entry && extra.percent(70);
    int rc = as_entry ? l.submit_change(next) : l.reconfigure(next, force);
    if (rc == RAFT_CANTCHANGE) {
        stats.add(S_CANT_CHANGE);
    } else if (!force && (rc == RAFT_NOCONNECTION || rc == RAFT_BADID)) {
        stats.add(rc == RAFT_BADID ? S_USED_ID : S_NO_CONNECTION);
    } else if (rc == 0) {
        if (joint) {
            throw Violation("membership", "a change is accepted during a joint change");
        }
        stats.add(next.voters() >= now_conf.voters() ? S_CHANGE_ADD : S_CHANGE_REMOVE);
        stats.add(S_CHANGE_SUBMITTED, as_entry);
        stats.add(S_FORCED, force);
        for (const Member &m : next.members) {
            const Member *known = now_conf.find(m.id);
            stats.add(S_CHANGE_ADDRESS, known != nullptr && known->address != m.address);
        }
        if (as_entry && difference > 1) {
            throw Violation("membership", "a submitted entry changes several voters");
        }
    } else if (rc == RAFT_NOTLEADER) {
        stats.add(S_NOT_LEADER);
    } else if (rc == RAFT_NOSPACE || rc == RAFT_BUSY) {
        stats.add(rc == RAFT_BUSY ? S_BUSY : S_NOSPACE);
    } else {
        throw Violation("membership",
                        format("%s refuses %s with %d", l.name(), next.str().c_str(), rc));
    }
}

/* The target of a transfer that has not become leader. */
void Simulation::demote(raft_id id) {
    Server *l = leader();
    if (calm || l == nullptr || l->id == id || recovery_under_way()) {
        return;
    }
    Configuration next = outcome_of(l->view.conf);
    for (Member &m : next.members) {
        m.role = m.id == id ? static_cast<int>(RAFT_STANDBY) : m.role;
    }
    if (next.voters() > 0 && plan.admin_interval != 0) {
        change_membership(*l, next);
    }
}

/* The leader removes itself, and one other voter is left. */
void Simulation::leave_one_voter(Server &l) {
    Configuration next = outcome_of(l.view.conf);
    raft_id successor = 0;
    for (const Member &m : next.members) {
        bool fit = m.role == RAFT_VOTER && m.id != l.id && server(m.id).up;
        successor = fit && (successor == 0 || random.percent(50)) ? m.id : successor;
    }
    if (successor == 0) {
        return;
    }
    for (Member &m : next.members) {
        m.role =
            m.role == RAFT_VOTER && m.id != successor ? static_cast<int>(RAFT_STANDBY) : m.role;
    }
    change_membership(l, next);
}

void Simulation::administrate() {
    if (calm) {
        return;
    }
    schedule(now + random.between(1, 2 * plan.admin_interval), Scheduled::ADMIN, 0, 0);
    Server *l = leader();
    if (l == nullptr || l->view.conf.members.empty() || recovery_under_way() || all_pause()) {
        return;
    }
    if (plan.callers.has(C_DATA_LOSS)) {
        grow(*l);
        return;
    }
    if (trusts_leases() && l->view.conf.voters() <= 3 && random.percent(6)) {
        leave_one_voter(*l);
        return;
    }
    uint64_t choice = random.below(100);
    if (choice < 55) {
        change_membership(*l, mutate(outcome_of(l->view.conf)));
    } else if (choice < 70) {
        raft_id to = random.percent(40) ? 0 : random.between(1, plan.servers);
        ask_transfer(*l, to);
    } else if (choice < 90) {
        raft_id whom = random.between(1, plan.servers);
        for (const Member &m : l->view.conf.members) {
            whom = m.role != RAFT_VOTER && random.percent(50) ? m.id : whom;
        }
        ask_catch_up(*l, whom);
    } else if (choice < 94) {
        request_illegal_configuration(*l, outcome_of(l->view.conf));
    } else {
        ask_any_server();
    }
}

} // namespace sim
