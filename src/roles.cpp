/* SPDX-License-Identifier: MIT */
#include "roles.hpp"

#include "bytes.hpp"

#include <new>

namespace libraft::roles {
namespace {

void drop_tracker(Step &step) {
    Tracker *t = step.server.tracker;
    while (t->pending_reads() > 0) {
        PendingRead read = t->take_read();
        step.add_read(read.id, read.index, RAFT_LEADERSHIPLOST);
    }
    for (const Progress &p : t->peers) {
        if (!p.departing && p.catch_up != RAFT_CATCH_UP_NONE) {
            step.flags |= RAFT_UPDATE_CATCH_UP;
        }
    }
    if (t->transfer.to != 0) {
        step.flags |= RAFT_UPDATE_TRANSFER;
    }
    Tracker::destroy(t);
    step.server.tracker = nullptr;
}

void drop_leader_address(Step &step) {
    Server &s = step.server;
    step.remember();
    if (s.leader_foreign) {
        /* The first to go is compared when the step ends; one that came and went within
         * the step, nobody has seen. */
        if (step.retired_address == nullptr) {
            step.retired_address = s.leader_address;
        } else {
            free(const_cast<char *>(s.leader_address));
        }
        s.leader_foreign = false;
    }
    s.leader_address = nullptr;
}

void forget_leader(Step &step) {
    Server &s = step.server;
    step.remember();
    drop_leader_address(step);
    s.leader = 0;
    s.leader_extended = false;
}

void accept_leader(Step &step, LeaderName &name) {
    Server &s = step.server;
    s.heard_at = s.now;
    if (s.leader == name.id && name.foreign == nullptr) {
        rearm_election_timer(s);
        return;
    }
    if (s.leader != 0) {
        forget_leader(step);
    }
    step.remember();
    s.leader = name.id;
    s.leader_address = name.foreign;
    s.leader_foreign = name.foreign != nullptr;
    name.foreign = nullptr;
    resolve_leader_address(step);
    rearm_election_timer(s);
}

} // namespace

Tracker *new_tracker(const Server &s) {
    void *memory = malloc(sizeof(Tracker));
    if (memory == nullptr) {
        return nullptr;
    }
    auto *t = new (memory) Tracker;
    if (!t->reserve_members(*s.configuration)) {
        Tracker::destroy(t);
        return nullptr;
    }
    (void)t->adopt(*s.configuration, s.id, s.trail.last(), s.now);
    return t;
}

bool has_term_left(raft_term term) { return term < kLimit - 1; }

bool may_campaign(const Server &s) {
    if (!has_term_left(s.term)) {
        return false; /* only a hostile message can have brought it here */
    }
    if (s.last_stored == 0) {
        return false; /* nothing durable to stand for: a bootstrap under way */
    }
    if (s.own_sets != 0) {
        return true;
    }
    return !s.configuration_committed() && s.configuration->previous != nullptr &&
           s.configuration->previous->voter_sets_of(s.id) != 0;
}

void resolve_leader_address(Step &step) {
    Server &s = step.server;
    if (s.leader == 0) {
        return;
    }
    step.remember();
    if (!s.leader_foreign) {
        s.leader_address = nullptr; /* its configuration may be gone */
    }
    for (const Configuration *c = s.configuration; c != nullptr; c = c->previous) {
        if (const raft_server *server = c->find(s.leader)) {
            drop_leader_address(step);
            s.leader_address = server->address;
            return;
        }
    }
    INVARIANT(s.leader != s.id); /* a leader is, or was before its removal, a member */
    if (!s.leader_foreign) {
        s.leader_address = step.spare_address;
        s.leader_foreign = step.spare_address != nullptr;
        step.spare_address = nullptr;
    }
}

void restart_election_timer(Server &s) {
    s.draw_election_span();
    rearm_election_timer(s);
}

void rearm_election_timer(Server &s) {
    s.deadline = may_campaign(s) ? s.now + s.election_span : kNever;
}

void become_follower(Step &step) {
    Server &s = step.server;
    step.remember();
    if (s.leads()) {
        s.heard_at = s.now; /* a leader hears from itself */
    }
    if (s.tracker != nullptr) {
        drop_tracker(step);
    }
    s.state = RAFT_FOLLOWER;
    forget_leader(step);
    restart_election_timer(s);
}

void adopt_term(Step &step, raft_term term) {
    Server &s = step.server;
    INVARIANT(term > s.term);
    step.remember();
    s.term = term;
    s.voted_for = 0;
    s.matched = 0;
    s.leader_round = 0;
    if (s.state != RAFT_FOLLOWER) {
        become_follower(step);
    } else {
        forget_leader(step);
    }
}

void become_candidate(Step &step, Tracker *tracker) {
    Server &s = step.server;
    step.remember();
    forget_leader(step);
    s.state = RAFT_CANDIDATE;
    if (s.tracker == nullptr) {
        s.tracker = tracker;
    }
    restart_election_timer(s);
}

void become_leader_state(Step &step) {
    Server &s = step.server;
    INVARIANT(s.state == RAFT_CANDIDATE && s.tracker != nullptr);
    step.remember();
    s.state = RAFT_LEADER;
    s.leader = s.id;
    resolve_leader_address(step);
}

void push_configuration(Step &step, Configuration *c) {
    step.remember();
    c->previous = step.server.configuration;
    step.server.configuration = c;
    configuration_changed(step);
}

void configuration_changed(Step &step) {
    Server &s = step.server;
    const unsigned sets = s.configuration != nullptr ? s.configuration->voter_sets_of(s.id) : 0U;
    s.own_sets = sets & kBothSets;
    resolve_leader_address(step);
    if (s.state == RAFT_FOLLOWER) {
        rearm_election_timer(s);
    }
}

bool prepare_leader(const Server &s, const raft_message &m, raft_term term, LeaderName *name) {
    name->id = m.server_id;
    const bool known = m.server_id == s.leader && s.leader_address != nullptr;
    if (known && !s.leader_foreign) {
        return true;
    }
    if (known && term == s.term && strcmp(s.leader_address, m.server_address) == 0) {
        return true;
    }
    if (s.configuration != nullptr && s.configuration->find(m.server_id) != nullptr) {
        return true;
    }
    size_t size = strlen(m.server_address) + 1;
    name->foreign = static_cast<char *>(malloc(size));
    if (name->foreign == nullptr) {
        return false;
    }
    memcpy(name->foreign, m.server_address, size);
    return true;
}

void follow(Step &step, raft_term term, unsigned char version, LeaderName &name) {
    Server &s = step.server;
    if (term > s.term) {
        adopt_term(step, term);
    } else if (s.state != RAFT_FOLLOWER) {
        become_follower(step);
    }
    accept_leader(step, name);
    s.leader_extended = s.leader_extended || version >= 1;
}

} // namespace libraft::roles
