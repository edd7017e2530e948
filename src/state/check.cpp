/* SPDX-License-Identifier: MIT */
#include "state/check.hpp"

#ifdef RAFT_INVARIANTS

#include "base/invariant.hpp"
#include "base/untrusted.hpp"
#include "state/installation.hpp"
#include "state/tracker.hpp"

#include <algorithm>

namespace libraft {
namespace {

void check_log(const Server &s) {
    INVARIANT(s.commit <= s.log.last());
    INVARIANT(s.last_stored <= s.log.last());
    INVARIANT(s.matched <= s.log.last());
    INVARIANT(s.snapshot_index <= s.commit);
    INVARIANT(s.log.first() <= s.snapshot_index + 1);
    INVARIANT(s.log.last_term() <= s.term);
}

void check_configurations(const Server &s) {
    raft_index above = s.log.last() + 1;
    for (const Configuration *c = s.configuration; c != nullptr; c = c->previous) {
        INVARIANT(c->index < above && c->n > 0);
        above = c->index;
    }
    const unsigned sets = s.configuration != nullptr ? s.configuration->voter_sets_of(s.id) : 0U;
    INVARIANT(s.own_sets == sets);
    INVARIANT(s.sole_voter ==
              (s.configuration != nullptr && s.configuration->has_sole_voter(s.id)));
}

void check_roles(const Server &s) {
    INVARIANT(bool{s.tracker} == (s.state != RAFT_FOLLOWER));
    INVARIANT(!s.installation || s.state == RAFT_FOLLOWER);
    INVARIANT(s.leader == 0 || s.leads() || s.leader_address);
    INVARIANT(s.leads() == (s.leader == s.id));
    /* A follower that neither may campaign nor knows a leader has nothing to wait for. */
    INVARIANT(s.deadline != kNever || s.asleep || (s.state == RAFT_FOLLOWER && s.leader == 0));
    INVARIANT(s.deadline != kNever || s.asleep || s.own_sets == 0 || s.settings->never_leads() ||
              s.sole_voter || s.last_stored == 0 || s.log.last() < s.known_commit ||
              s.term >= kLimit - 1);
    INVARIANT(!s.leads() || s.has_led);
    INVARIANT(!s.leads() || s.voted_for == s.id);
    INVARIANT(!s.installation || s.installation->configuration);
}

/* The address that a peer names must belong to a configuration that the server holds. */
void check_address(const Server &s, const Peer &p) {
    for (const Configuration *c = s.configuration; c != nullptr; c = c->previous) {
        const raft_server *server = c->find(p.id);
        if (server != nullptr && server->address == p.address) {
            return;
        }
    }
    INVARIANT(false);
}

void check_tracker(const Server &s) {
    const Tracker &t = *s.tracker;
    const Peer *before = nullptr;
    for (const Peer &p : t.peers) {
        INVARIANT(before == nullptr || before->id < p.id);
        before = &p;
        check_address(s, p);
        INVARIANT(p.self == (p.id == s.id));
        INVARIANT(!p.departing || !p.votes());
        if (s.leads()) {
            INVARIANT(p.match <= s.log.last() && (p.self || p.acknowledged() < p.next));
            INVARIANT(p.next <= s.log.last() + 1);
            INVARIANT(p.round <= t.round);
            INVARIANT(!p.chunk_sent || p.is_sent_snapshot());
            INVARIANT(!p.is_sent_snapshot() || s.log.term_of(p.snapshot_index) != 0);
        }
    }
    INVARIANT(t.catch_up.id == 0 || t.find(t.catch_up.id) != nullptr);
    INVARIANT(t.transfer.to == 0 || t.find(t.transfer.to) != nullptr);
    INVARIANT(!s.leads() || t.barrier <= s.log.last());
    INVARIANT(t.answered <= t.reads.size());
    /* Reads that wait for the next round are the last ones. (There may be very many: each step
     * looks at the latest.) */
    const uint32_t newest = t.reads.size();
    bool waits = false;
    for (uint32_t i = std::max(t.answered, newest - std::min(newest, 64U)); i < newest; i++) {
        INVARIANT(!waits || t.reads[i].round == kNextRound);
        waits = t.reads[i].round == kNextRound;
    }
}

/* A server that sleeps has nothing to do, and nothing to wait for. */
void check_sleep(const Server &s) {
    INVARIANT(!s.asleep || (s.leader != 0 && !s.installation));
    INVARIANT(!s.asleep || (s.commit == s.log.last() && s.last_stored == s.log.last()));
    INVARIANT(!s.asleep || s.leads() || s.deadline == kNever || s.deadline <= s.now);
    INVARIANT(!s.asleep || !s.leads() || s.tracker->sleep_from != 0);
}

} // namespace

void check(const Server &s) {
    check_log(s);
    check_sleep(s);
    check_configurations(s);
    check_roles(s);
    if (s.tracker) {
        check_tracker(s);
    }
}

} // namespace libraft

#endif
