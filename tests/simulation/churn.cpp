/* SPDX-License-Identifier: MIT */
/* The operator of a world: changes the membership, hands leadership over, and asks for
 * what is not allowed (nonsense.cpp). */
#include "world.hpp"

#include <algorithm>

namespace sim {
namespace {

/* Does the library do it in one step? */
unsigned voter_difference(const Configuration &a, const Configuration &b) {
    unsigned n = 0;
    for (raft_id id = 1; id <= kMaxServers; id++) {
        n += (a.role_of(id) == RAFT_VOTER) != (b.role_of(id) == RAFT_VOTER);
    }
    return n;
}

/* What a joint configuration leads to. */
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

/* A configuration some changes away; its own voters again if none would be left. */
Configuration World::mutate(const Configuration &conf) {
    Configuration next = conf;
    size_t changes = random.percent(35) ? 1 : random.between(2, 5);
    for (size_t i = 0; i < changes; i++) {
        raft_id id = random.between(1, plan.servers);
        if (server(id).gone) {
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
            next.add(id, role, server(id).address);
        } else if (random.percent(25)) { /* it moves, before or after the change */
            it->address = address_of(id, static_cast<unsigned>(random.below(kPorts)));
            server(id).next_address = random.percent(80) ? it->address : server(id).next_address;
        } else {
            it->role = role;
        }
    }
    if (random.percent(25)) { /* of several voters: a joint change */
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

void World::change_membership(Server &l, const Configuration &next) {
    Configuration now_conf = l.view.conf;
    unsigned difference = voter_difference(now_conf, next);
    bool joint = now_conf.joint();
    bool as_entry = random.percent(25);
    say(l.id, "is asked for configuration %s", next.str().c_str());
    if (random.percent(plan.upset_percent) && random.percent(30)) { /* nobody will hear of it */
        upset(l, false);
    }
    if (random.percent(30)) { /* it comes while others are under way */
        (void)l.submit(std::vector<uint32_t>(random.between(1, 5), kNoOp));
        if (!l.up) {
            return;
        }
    }
    int rc = as_entry ? l.submit_change(next) : l.reconfigure(next);
    if (rc == RAFT_CANTCHANGE) {
        stats.add(S_CANT_CHANGE);
    } else if (rc == 0) {
        if (joint) {
            throw Violation("membership", "a change while a joint one is under way");
        }
        stats.add(next.voters() >= now_conf.voters() ? S_CHANGE_ADD : S_CHANGE_REMOVE);
        stats.add(S_CHANGE_SUBMITTED, as_entry);
        for (const Member &m : next.members) {
            const Member *known = now_conf.find(m.id);
            stats.add(S_CHANGE_ADDRESS, known != nullptr && known->address != m.address);
        }
        if (as_entry && difference > 1) {
            throw Violation("membership", "several voters changed in one step");
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

/* What leadership was to be handed to, and has not got. */
void World::demote(raft_id id) {
    Server *l = leader();
    if (calm || l == nullptr || l->id == id || busy_operator()) {
        return;
    }
    Configuration next = outcome_of(l->view.conf);
    for (Member &m : next.members) {
        m.role = m.id == id ? static_cast<int>(RAFT_STANDBY) : m.role;
    }
    if (next.voters() > 0 && plan.churn_interval != 0) {
        change_membership(*l, next);
    }
}

/* The leader goes, and one other voter is left. */
void World::abdicate(Server &l) {
    Configuration next = outcome_of(l.view.conf);
    raft_id heir = 0;
    for (const Member &m : next.members) {
        bool fit = m.role == RAFT_VOTER && m.id != l.id && server(m.id).up;
        heir = fit && (heir == 0 || random.percent(50)) ? m.id : heir;
    }
    if (heir == 0) {
        return;
    }
    for (Member &m : next.members) {
        m.role = m.role == RAFT_VOTER && m.id != heir ? static_cast<int>(RAFT_STANDBY) : m.role;
    }
    change_membership(l, next);
}

void World::churn() {
    if (calm) {
        return;
    }
    schedule(now + random.between(1, 2 * plan.churn_interval), Happening::CHURN, 0, 0);
    Server *l = leader();
    if (l == nullptr || l->view.conf.members.empty() || busy_operator()) {
        return;
    }
    if (trusts_leases() && l->view.conf.voters() <= 3 && random.percent(6)) {
        abdicate(*l);
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
        request_nonsense(*l, outcome_of(l->view.conf));
    } else {
        ask_of_anyone();
    }
}

} // namespace sim
