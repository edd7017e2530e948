/* SPDX-License-Identifier: MIT */
/* Copies of a server. With state.cpp the only file of the tests here that includes the library's
 * internal headers. */
#include "state.hpp"

#include "state/installation.hpp"
#include "state/server.hpp"
#include "state/tracker.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace observe {

using namespace libraft;

namespace {

template <class T>
T *checked(T *pointer) {
    if (pointer == nullptr) {
        fprintf(stderr, "clone: out of memory\n");
        abort();
    }
    return pointer;
}

void must(bool done) { (void)checked(done ? "" : nullptr); }

Configuration *copy(const Configuration *c) {
    return c != nullptr ? checked(configuration::copy(c->view(), c->index)) : nullptr;
}

char *copy(const char *text) { /* not by strdup(): memory tests count calls of malloc() */
    const size_t size = strlen(text) + 1;
    return static_cast<char *>(memcpy(checked(malloc(size)), text, size));
}

/* The chain, in the same order. */
Configuration *copy_chain(const Configuration *c) {
    Configuration *first = nullptr;
    for (Configuration **link = &first; c != nullptr; c = c->previous) {
        *link = copy(c);
        link = &(*link)->previous;
    }
    return first;
}

/* The address of the copy that corresponds to one of the original. */
const char *translate(const Server &from, const Server &to, const char *address) {
    if (address == nullptr) {
        return nullptr;
    }
    const Configuration *b = to.configuration;
    for (const Configuration *a = from.configuration; a != nullptr; a = a->previous) {
        for (uint32_t i = 0; i < a->n; i++) {
            if (a->servers()[i].address == address) {
                return b->servers()[i].address;
            }
        }
        b = b->previous;
    }
    fprintf(stderr, "clone: server %llu holds an address that is in none of its configurations\n",
            from.id);
    abort();
}

void copy_log(const TermLog &from, TermLog *to) {
    const raft_index base = from.first() - 1;
    must(to->reserve(1));
    to->reset(base, from.term_of(base));
    for (raft_index i = from.first(); i <= from.last();) {
        const raft_term term = from.term_of(i);
        const raft_index end = from.last_agreeable(from.last(), term); /* terms never fall */
        must(to->reserve(1));
        to->append(term, end + 1 - i);
        i = end + 1;
    }
}

template <class T>
void copy_vector(const Vector<T> &from, Vector<T> *to) {
    must(to->reserve(from.size()));
    for (const T &element : from) {
        to->push_back(element);
    }
}

void copy_tracker(const Server &from, Server *to) {
    const Tracker &a = *from.tracker;
    auto *t = new (checked(malloc(sizeof(Tracker)))) Tracker;
    to->tracker.reset(t);
    copy_vector(a.peers, &t->peers);
    copy_vector(a.reads, &t->reads);
    for (Peer &p : t->peers) {
        p.address = translate(from, *to, p.address);
    }
    /* A change under way relies on the memory that it has reserved. */
    must(t->scratch.reserve(a.peers.size()));
    t->answered = a.answered;
    t->tally = a.tally;
    t->round = a.round;
    t->elected_at = a.elected_at;
    t->asked_at = a.asked_at;
    t->sleep_from = a.sleep_from;
    t->slept_at = a.slept_at;
    t->lease_after = a.lease_after;
    t->barrier = a.barrier;
    t->leave.reset(copy(a.leave.get()));
    t->transfer = a.transfer;
    t->catch_up = a.catch_up;
    t->pre_vote = a.pre_vote;
    t->pre_vote_term = a.pre_vote_term;
    t->legacy_grant = a.legacy_grant;
    t->asked_again = a.asked_again;
}

void copy_installation(const Installation &from, Server *to) {
    auto *i = new (checked(malloc(sizeof(Installation)))) Installation;
    i->index = from.index;
    i->term = from.term;
    i->leader_term = from.leader_term;
    i->configuration.reset(copy(from.configuration.get()));
    i->offset = from.offset;
    i->writing = from.writing;
    i->round = from.round;
    i->outstanding = from.outstanding;
    i->last = from.last;
    i->superseded = from.superseded;
    i->wanted = from.wanted;
    to->installation.reset(i);
}

void copy_values(const Server &a, Server *b) {
    static_cast<Facts &>(*b) = a; /* its pointers are replaced later */
    b->snapshot_index = a.snapshot_index;
    b->commit = a.commit;
    b->last_stored = a.last_stored;
    b->matched = a.matched;
    b->now = a.now;
    b->heard_at = a.heard_at;
    b->deadline = a.deadline;
    b->leader_round = a.leader_round;
    b->writes = a.writes;
    b->known_commit = a.known_commit;
    b->tracer = a.tracer;
    b->why = a.why;
    b->random = a.random;
}

} // namespace

struct raft clone(const struct raft &r) {
    const Server &a = *static_cast<const Server *>(r.impl);
    auto *b = static_cast<Server *>(checked(new_server(a.id, a.own_address())));
    copy_values(a, b);
    copy_log(a.log, &b->log);
    b->configuration = copy_chain(a.configuration);
    if (a.leader_address) {
        b->leader_address.reset(copy(a.leader_address.get()));
    }
    if (a.tracker) {
        copy_tracker(a, b);
    }
    if (a.installation) {
        copy_installation(*a.installation, b);
    }
    struct raft copied = r; /* with its settings */
    copied.impl = b;
    return copied;
}

} // namespace observe
