/* SPDX-License-Identifier: MIT */
#include "membership.hpp"

#include "bytes.hpp"
#include "replication.hpp"
#include "roles.hpp"

namespace libraft::membership {
namespace {

/* Owns a configuration until it is handed on. */
struct Draft {
    Configuration *c = nullptr;
    Draft() = default;
    Draft(const Draft &) = delete;
    Draft &operator=(const Draft &) = delete;
    ~Draft() { configuration::release(c); }
    Configuration *take() {
        Configuration *taken = c;
        c = nullptr;
        return taken;
    }
};

[[nodiscard]] int check(Step &step, const raft_configuration &conf) {
    switch (int rv = configuration::validate(conf, false)) {
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

/* One configuration entry, as this server's own doing, not a leader's. */
[[nodiscard]] int append_alone(Step &step, const raft_configuration &conf, raft_term term,
                               bool founding) {
    Server &s = step.server;
    Draft draft;
    draft.c = configuration::copy(conf, s.trail.last() + 1);
    Need need;
    need.entries = 1;
    need.bytes = configuration::encoded_size(conf);
    if (draft.c == nullptr || !s.trail.reserve(1) || !step.reserve(need)) {
        return step.no_memory();
    }
    s.abandon_install(); /* whoever sent the half that came is gone */
    if (term > s.term) {
        roles::adopt_term(step, term); /* a candidate gives up */
    }
    if (!founding) {
        /* Whoever makes an entry must own its term: nobody else may lead in it. */
        step.remember();
        s.voted_for = s.id;
    }
    const auto size = static_cast<size_t>(need.bytes);
    raft_buffer payload = {step.out.take(size), size};
    configuration::encode(conf, payload.base);
    replication::append_own(step, RAFT_CHANGE, payload);
    roles::push_configuration(step, draft.take());
    roles::restart_election_timer(s);
    return 0;
}

[[nodiscard]] int check_change_possible(Step &step) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    /* §4.1, and the correction of 2015 for single-server changes: another leader's
     * change could otherwise be overtaken. */
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

/* Every server that is sent the log must be able to read a joint configuration. */
bool all_know_joint(const Server &s, const Configuration &joint) {
    if (!s.announces(RAFT_FEATURE_JOINT)) {
        return false;
    }
    for (const raft_server &server : joint) {
        const Progress *p = s.tracker->find(server.id);
        const bool spare = server.role == RAFT_SPARE;
        if (server.id != s.id && !spare &&
            (p == nullptr || (p->features & RAFT_FEATURE_JOINT) == 0)) {
            return false;
        }
    }
    return true;
}

/* Append a change to the leader's log. A payload of the caller's, or our own. */
[[nodiscard]] int append_change(Step &step, Draft &change, const raft_entry *entry) {
    Server &s = step.server;
    Tracker &t = *s.tracker;
    Need need;
    need.entries = 1;
    need.messages = replication::messages_for_all(s, s.trail.last() + 1) + change.c->n;
    if (entry == nullptr) {
        need.bytes = configuration::encoded_size(change.c->view());
    }
    if (!t.reserve_members(*change.c) || !step.reserve(need) ||
        (change.c->joint && !prepare_leave(t, *change.c))) {
        return step.no_memory();
    }
    if (entry == nullptr) {
        const auto size = static_cast<size_t>(need.bytes);
        raft_buffer payload = {step.out.take(size), size};
        configuration::encode(change.c->view(), payload.base);
        replication::append_own(step, RAFT_CHANGE, payload);
    } else {
        step.begin_entries(s.trail.last() + 1);
        s.trail.append(s.term, 1);
        step.add_entry(*entry).term = s.term;
    }
    change.c->index = s.trail.last();
    if (t.adopt(*change.c, s.id, s.trail.last() - 1, s.now)) {
        step.flags |= RAFT_UPDATE_CATCH_UP;
    }
    roles::push_configuration(step, change.take());
    t.tally.restart(t.peers, t.tally.floor());
    for (Progress &p : t.peers) {
        /* A peer that is new is probed at once, not at the next heartbeat. */
        if (p.follows() && (p.mode == RAFT_PROGRESS_PIPELINE || p.sent == 0)) {
            replication::send(step, p);
        }
    }
    return 0;
}

} // namespace

int on_bootstrap(Step &step) {
    Server &s = step.server;
    const raft_configuration &conf = step.event.bootstrap.conf;
    if (s.voted_for != 0 || s.term > 1 || s.trail.last() != 0 || s.snapshot_index != 0 ||
        s.configuration != nullptr || s.install != nullptr) {
        return step.fail(RAFT_CANTBOOTSTRAP, "this server already holds state");
    }
    int rv = check_founding(step, conf);
    return rv != 0 ? rv : append_alone(step, conf, 1, true);
}

int on_recover(Step &step) {
    Server &s = step.server;
    const raft_configuration &conf = step.event.recover.conf;
    if (s.leads()) {
        return step.fail(RAFT_INVALID, "a leader needs no recovery");
    }
    if (!roles::has_term_left(s.term + 1) || s.trail.last() >= kLimit) {
        return step.fail(RAFT_TOOBIG, "there is no higher term or index");
    }
    if (s.install != nullptr && s.install->outstanding) {
        return step.fail(RAFT_BUSY, "a snapshot is being written");
    }
    int rv = check_founding(step, conf);
    return rv != 0 ? rv : append_alone(step, conf, s.term + 1, false);
}

int on_reconfigure(Step &step) {
    Server &s = step.server;
    const raft_configuration &conf = step.event.reconfigure.conf;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "only the leader changes the membership");
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    int rv = check(step, conf);
    if (rv == 0) {
        rv = check_change_possible(step);
    }
    if (rv != 0) {
        return rv;
    }
    if (s.trail.last() + 2 > kLimit) {
        return step.fail(RAFT_TOOBIG, "the log cannot grow any more");
    }
    Draft next;
    next.c = configuration::copy(conf, 0);
    if (next.c == nullptr) {
        return step.no_memory();
    }
    if (configuration::voters_changed(*s.configuration, *next.c) <= 1) {
        return append_change(step, next, nullptr);
    }
    Draft joint;
    joint.c = configuration::join(*s.configuration, *next.c);
    if (joint.c == nullptr) {
        return step.no_memory();
    }
    rv = configuration::validate(joint.c->view(), true);
    if (rv != 0) {
        return rv == RAFT_NOMEM ? step.no_memory()
                                : step.fail(rv, "the old and the new voters share an address");
    }
    if (!all_know_joint(s, *joint.c)) {
        return step.fail(RAFT_CANTCHANGE, "a member does not know joint changes");
    }
    return append_change(step, joint, nullptr);
}

int on_submitted_change(Step &step, const raft_entry &entry) {
    Server &s = step.server;
    int rv = check_change_possible(step);
    if (rv != 0) {
        return rv;
    }
    Draft next;
    rv = configuration::decode(entry.buf, 0, &next.c);
    if (rv != 0) {
        return rv == RAFT_NOMEM ? step.no_memory()
                                : step.fail(rv, "a configuration that cannot be decoded");
    }
    if (next.c->joint) {
        return step.fail(RAFT_BADROLE, "configuration: a role that callers cannot give");
    }
    if (configuration::voters_changed(*s.configuration, *next.c) > 1) {
        return step.fail(RAFT_CANTCHANGE, "more than one voter changes");
    }
    return append_change(step, next, &entry);
}

int on_catch_up(Step &step) {
    Server &s = step.server;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "only the leader catches servers up");
    }
    Tracker &t = *s.tracker;
    Progress *p = t.find(step.event.catch_up.server_id);
    if (p == nullptr || p->departing) {
        return step.fail(RAFT_BADID, "there is no such member");
    }
    if (p->votes()) {
        return step.fail(RAFT_BADROLE, "a voter needs no catching up");
    }
    if (p->self) {
        return step.fail(RAFT_BADID, "the leader has all there is");
    }
    if (t.catch_up.id != 0) {
        return step.fail(RAFT_BUSY, "a server is being caught up");
    }
    Need need;
    need.messages = replication::messages_for(s, *p, s.trail.last());
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    const bool followed = p->follows();
    const uint8_t before = p->catch_up;
    p->catch_up = RAFT_CATCH_UP_RUNNING;
    t.catch_up = {p->id, 1, s.trail.last(), s.now};
    if (!followed) {
        p->contact = s.now;
        replication::send(step, *p);
    }
    catch_up_advanced(step, *p);
    if (p->catch_up != before) {
        step.flags |= RAFT_UPDATE_CATCH_UP;
    } else {
        step.flags &= ~unsigned{RAFT_UPDATE_CATCH_UP}; /* finished again, at once */
    }
    return 0;
}

void catch_up_advanced(Step &step, Progress &p) {
    Server &s = step.server;
    CatchUp &c = s.tracker->catch_up;
    if (c.id != p.id || p.match < c.target) {
        return;
    }
    /* A round faster than an election timeout leaves too little behind to matter. */
    if (p.match == s.trail.last() || s.now - c.started < s.settings->election_timeout) {
        p.catch_up = RAFT_CATCH_UP_FINISHED;
        step.flags |= RAFT_UPDATE_CATCH_UP;
        c = CatchUp();
        return;
    }
    c.rounds++;
    c.target = s.trail.last();
    c.started = s.now;
    check_catch_up(step);
}

void check_catch_up(Step &step) {
    Server &s = step.server;
    CatchUp &c = s.tracker->catch_up;
    if (c.id == 0 || (c.rounds <= s.settings->max_catch_up_rounds &&
                      s.now - c.started <= s.settings->max_catch_up_round_duration)) {
        return;
    }
    Progress &p = *s.tracker->find(c.id);
    p.catch_up = RAFT_CATCH_UP_ABORTED;
    if (!p.follows()) {
        p.rest();
    }
    step.flags |= RAFT_UPDATE_CATCH_UP;
    c = CatchUp();
}

bool prepare_leave(Tracker &t, const Configuration &c) {
    if (t.leave == nullptr) {
        t.leave = configuration::leave(c);
    }
    return t.leave != nullptr;
}

} // namespace libraft::membership
