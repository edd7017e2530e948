/* SPDX-License-Identifier: MIT */
#include "clone.hpp"

#include "digest.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace proof {

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

char *copy_text(const char *text) {
    const size_t size = strlen(text) + 1;
    auto *copied = static_cast<char *>(checked(malloc(size)));
    memcpy(copied, text, size);
    return copied;
}

/* The chain, in the same order. */
Configuration *copy_chain(const Configuration *c) {
    Configuration *first = nullptr;
    Configuration **link = &first;
    for (; c != nullptr; c = c->previous) {
        *link = checked(configuration::copy(c->view(), c->index));
        link = &(*link)->previous;
    }
    return first;
}

/* An address in the original's memory, as it is in the copy's. */
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

void copy_trail(const Trail &from, Trail *to) {
    const raft_index base = from.first() - 1;
    must(to->reserve(1));
    to->reset(base, from.term_of(base));
    std::vector<std::pair<raft_term, raft_index>> runs;
    for_each_run(from, [&](raft_index begin, raft_index end, raft_term term) {
        const raft_index first = begin > base ? begin : base + 1;
        runs.emplace_back(term, end + 1 - first);
    });
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
        if (run->second > 0) {
            must(to->reserve(1));
            to->append(run->first, run->second);
        }
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
    to->tracker = t;
    copy_vector(a.peers, &t->peers);
    copy_vector(a.reads, &t->reads);
    for (Progress &p : t->peers) {
        p.address = translate(from, *to, p.address);
    }
    /* What a change under way has reserved must be there in the copy as well. */
    must(t->spare.reserve(a.peers.size()));
    t->answered = a.answered;
    t->tally = a.tally;
    t->round = a.round;
    t->elected_at = a.elected_at;
    t->barrier = a.barrier;
    t->leave = a.leave != nullptr ? checked(configuration::copy(a.leave->view(), a.leave->index))
                                  : nullptr;
    t->transfer = a.transfer;
    t->catch_up = a.catch_up;
    t->pre_vote = a.pre_vote;
    t->pre_vote_term = a.pre_vote_term;
    t->legacy_grant = a.legacy_grant;
}

void copy_install(const Install &from, Server *to) {
    auto *i = static_cast<Install *>(checked(malloc(sizeof(Install))));
    *i = from;
    i->configuration =
        checked(configuration::copy(from.configuration->view(), from.configuration->index));
    to->install = i;
}

void copy_scalars(const Server &a, Server *b) {
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
    b->valid_from = a.valid_from;
    b->why = a.why;
    b->random = a.random;
}

} // namespace

Server *clone(const Server &a) {
    auto *b = new (checked(malloc(sizeof(Server)))) Server(a.id);
    copy_scalars(a, b);
    copy_trail(a.trail, &b->trail);
    b->configuration = copy_chain(a.configuration);
    b->leader_address =
        a.leader_foreign ? copy_text(a.leader_address) : translate(a, *b, a.leader_address);
    if (a.settings != &kDefaultSettings) {
        b->settings = new (checked(malloc(sizeof(Settings)))) Settings(*a.settings);
    }
    if (a.tracker != nullptr) {
        copy_tracker(a, b);
    }
    if (a.install != nullptr) {
        copy_install(*a.install, b);
    }
    return b;
}

void destroy(Server *server) {
    if (server != nullptr) {
        server->~Server();
        free(server);
    }
}

struct raft handle(Server *server) {
    struct raft r = {};
    r.id = server->id;
    r.impl = server;
    return r;
}

Server &server_of(const struct raft &r) { return *static_cast<Server *>(r.impl); }

} // namespace proof
