/* SPDX-License-Identifier: MIT */
/* Requests that must be refused, and the code of each. That a refused request changes nothing is
 * checked after every failed step. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

void expect(const Server &s, const char *what, int rc, std::initializer_list<int> expected) {
    if (std::find(expected.begin(), expected.end(), rc) == expected.end()) {
        throw Violation("request", format("%s answers %s with %d, not %d", s.name(), what, rc,
                                          *expected.begin()));
    }
}

/* While another request of the same kind is under way, a legal one gets RAFT_BUSY, and an illegal
 * one may get it. */
void expect_unless_busy(const Server &s, const char *what, int rc, int right, bool busy) {
    int other = busy ? int{RAFT_BUSY} : right;
    expect(s, what, rc, {right != 0 ? right : other, other});
}

bool catches_up(const View &view) {
    return std::any_of(view.conf.members.begin(), view.conf.members.end(), [&](const Member &m) {
        return view.peer(m.id).catch_up == RAFT_CATCH_UP_RUNNING;
    });
}

} // namespace

/* Its own ID gives a transfer up. A target must have been heard within an election timeout, and may
 * not be one that never leads. */
void Simulation::ask_transfer(Server &l, raft_id to) {
    const Configuration conf = l.view.conf;
    auto fits = [&](const Member &m) { return m.id != l.id && votes_in_new(m.role); };
    bool another = false, in_contact = false, certain = true;
    for (const Member &m : conf.members) {
        Server::Contact contact = l.contact_with(m.id);
        bool fit = fits(m) && !plan.callers.never_leads(m.id) && contact != Server::Contact::NONE;
        another = another || fits(m);
        in_contact = in_contact || fit;
        certain = certain && (!fit || contact == Server::Contact::HEARD);
    }
    note(l.id, "is asked to hand leadership to %s", name_of(to));
    bool busy = l.view.transferee != 0;
    int right = 0, other = 0;
    if (to == 0) {
        right = in_contact ? 0 : int{RAFT_NOTFOUND};
        other = certain && another ? right : int{RAFT_NOTFOUND};
    } else if (to != l.id) {
        Server::Contact contact = l.contact_with(to);
        right = conf.role_of(to) < 0               ? int{RAFT_BADID}
                : !votes_in_new(conf.role_of(to))  ? int{RAFT_BADROLE}
                : contact == Server::Contact::NONE ? int{RAFT_NOCONNECTION}
                                                   : 0;
        other = plan.callers.never_leads(to) && right != RAFT_BADID ? int{RAFT_BADROLE}
                : contact == Server::Contact::BEGUN && right == 0   ? int{RAFT_NOCONNECTION}
                                                                    : right;
    }
    int rc = l.transfer(to);
    if (rc != other) {
        expect_unless_busy(l, "a transfer", rc, right, busy && to != l.id);
    }
    stats.add(rc == 0 ? S_TRANSFER : S_BAD_REQUEST);
}

void Simulation::ask_catch_up(Server &l, raft_id whom) {
    int role = l.view.conf.role_of(whom);
    int right = role < 0 || (whom == l.id && !votes(role)) ? int{RAFT_BADID}
                : votes(role)                              ? int{RAFT_BADROLE}
                                                           : 0;
    bool busy = catches_up(l.view);
    note(l.id, "is asked to catch %s up", name_of(whom));
    int rc = l.catch_up(whom);
    expect_unless_busy(l, "a catch-up", rc, right, busy);
    stats.add(rc == 0 ? S_CATCH_UP : S_BAD_REQUEST);
}

/* Illegal configurations. Another reason to refuse may come first. */
void Simulation::request_illegal_configuration(Server &l, Configuration conf) {
    int right = RAFT_BADID;
    switch (random.below(5)) {
        case 0:
            conf.add(0, RAFT_VOTER);
            break;
        case 1: /* with another address */
            conf.members.push_back(conf.members.front());
            conf.members.back().address =
                other_address(conf.members.front().id, conf.members.front().address);
            right = RAFT_DUPLICATEID;
            break;
        case 2:
            conf.members.front().role = RAFT_VOTER_INCOMING;
            right = RAFT_BADROLE;
            break;
        case 3:
            for (Member &m : conf.members) {
                m.role = RAFT_STANDBY;
            }
            right = RAFT_INVALID;
            break;
        default: {
            raft_id id = 1;
            while (conf.role_of(id) >= 0) {
                id++;
            }
            conf.add(id, RAFT_STANDBY, conf.members.front().address);
            right = RAFT_DUPLICATEADDRESS;
        }
    }
    note(l.id, "is asked for an illegal configuration: %s", conf.str().c_str());
    expect(l, "an illegal configuration", l.reconfigure(conf, true),
           {right, RAFT_CANTCHANGE, RAFT_NOTLEADER});
    stats.add(S_BAD_REQUEST);
}

void Simulation::ask_any_server() {
    Server &s = server(random.between(1, plan.servers));
    if (s.up && s.view.last > 0) {
        note(s.id, "gets an illegal event");
        s.refuse_illegal_events();
        stats.add(S_BAD_REQUEST);
    }
}

void Server::must_refuse(const char *what, raft_event &e, int right) {
    expect(*this, what, step(e), {right});
}

/* Events that are illegal for every server with some state. */
void Server::refuse_illegal_events() {
    loan.clear();
    raft_event e = {};
    switch (sim_.random.below(6)) {
        case 0: {
            Configuration alone({{id, RAFT_VOTER, address}});
            e.type = RAFT_BOOTSTRAP;
            e.bootstrap.conf = loan.lend(alone);
            must_refuse("a second bootstrap", e, RAFT_CANTBOOTSTRAP);
            break;
        }
        case 1: {
            bool old = view.snapshot > 0 && sim_.random.percent(60);
            e.type = RAFT_SNAPSHOT;
            e.snapshot.metadata.index =
                old ? sim_.random.between(1, view.snapshot) : view.commit + 1;
            must_refuse(old ? "an old snapshot" : "a snapshot of what is not committed", e,
                        RAFT_INVALID);
            break;
        }
        case 2:
            e.type = RAFT_CONFIGURATION;
            e.configuration.index = view.commit + 1;
            must_refuse("the commit of a configuration that is not", e, RAFT_INVALID);
            break;
        case 3:
            e.type = RAFT_START;
            must_refuse("a second start", e, RAFT_INVALID);
            break;
        default:
            refuse_contradiction();
    }
}

/* A faulty leader replaces the last committed entry of an earlier term. */
void Server::refuse_contradiction() {
    raft_index at = view.commit;
    while (log.has(at) && term_at(at) == view.term) {
        at--;
    }
    if (view.state != RAFT_FOLLOWER || view.leader == 0 || !log.has(at) || !log.has(at - 1)) {
        return;
    }
    Entry entry{view.term, sim_.payloads.make(RAFT_BARRIER, std::string(8, '\0'))};
    loan.lend(&entry, 1);
    raft_message m = {};
    m.type = RAFT_APPEND_ENTRIES;
    m.server_id = view.leader;
    m.server_address = loan.lend(view.leader_address);
    m.append_entries.term = view.term;
    m.append_entries.prev_log_index = at - 1;
    m.append_entries.prev_log_term = term_at(at - 1);
    m.append_entries.entries = loan.entries.data();
    m.append_entries.n_entries = 1;
    raft_event e = {};
    e.type = RAFT_RECEIVE;
    e.receive.message = &m;
    must_refuse("a conflict with a committed entry", e, RAFT_CORRUPT);
}

/* START with a log that no server can have. */
void Server::refuse_start() {
    raft_index covered = snapshot != nullptr ? snapshot->index : 0;
    if (log.entries.size() < 2 || sim_.calm || !sim_.random.percent(10)) {
        return;
    }
    bool gap = log.last() > covered + 1 && sim_.random.percent(50);
    raft_index from =
        gap ? sim_.random.between(std::max(log.first, covered + 1) + 1, log.last()) : log.first;
    raft_event e = start_event(from);
    loan.entries.back().term += gap ? 0 : disk.term;
    must_refuse(gap ? "a gap in the log" : "an entry of a later term", e, RAFT_CORRUPT);
}

} // namespace sim
