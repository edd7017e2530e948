/* SPDX-License-Identifier: MIT */
#include "state/server.hpp"

#include <new>
#include <utility>

namespace libraft {
namespace {

/* Configurations that the step replaced are kept until it ends, so that pointers can be
 * compared. */
bool same_configuration(const Configuration *a, const Configuration *b) {
    /* unreachable: a configuration is replaced, never removed */
    return a == b ||
           (a != nullptr && b != nullptr && a->index == b->index && configuration::equal(*a, *b));
}

/* The address that raft_leader() returns, given facts and the address of the leader's last
 * message. */
const char *address_told(const Server &s, const Facts &facts, const char *last) {
    if (facts.leader == 0) {
        return nullptr;
    }
    const Configuration *c = facts.configuration;
    const raft_server *member = c != nullptr ? c->find(facts.leader) : nullptr;
    if (member != nullptr) {
        return member->address;
    }
    return facts.leader == s.id ? s.own_address() : last;
}

} // namespace

Server *new_server(raft_id id, const char *address) {
    const size_t length = strlen(address) + 1;
    void *memory = malloc(sizeof(Server) + length);
    if (memory == nullptr) {
        return nullptr;
    }
    auto *s = new (memory) Server(id);
    memcpy(static_cast<void *>(s + 1), address, length);
    return s;
}

void release(Server *s) {
    s->~Server();
    free(s);
}

Server::~Server() {
    release(configuration);
    tracker.reset();
    installation.reset();
}

const char *Server::leader_address_told() const {
    return address_told(*this, *this, leader_address.get());
}

const Configuration *Server::configuration_at(raft_index index) const {
    const Configuration *c = configuration;
    while (c != nullptr && c->index > index) {
        c = c->previous;
    }
    return c;
}

Change *Step::reserve(const Need &need) {
    if (!acquire(need)) [[unlikely]] {
        return nullptr;
    }
    accept();
    return &change_;
}

bool Step::plan_waking(void (*wake)(Change &), uint64_t messages) {
    waking_messages_ = messages;
    wake_ = wake;
    return acquire({}); /* a handler may hand out nothing, and reserve nothing */
}

bool Step::acquire(Need need) {
    Server &s = change_.server;
    need.messages += waking_messages_;
    if (s.tracker) {
        need.reads += pending_reads(*s.tracker);
        if ((need.members > 0 || need.read) && !libraft::reserve(*s.tracker, need)) {
            return false;
        }
    }
    if (!s.outbox.reserve(need.size()) || (need.runs > 0 && !s.log.reserve(need.runs)))
        [[unlikely]] {
        return false;
    }
    change_.out.lay_out(s.outbox.block(), need);
    return true;
}

void Change::remember_disk(raft_term term, raft_id voted_for) {
    remember();
    before_->term = term;
    before_->voted_for = voted_for;
}

void Change::replace_leader_address(Owner<char> address) {
    INVARIANT(!replaced_address_); /* a step learns of one leader */
    replaced_address_ = std::move(server.leader_address);
    server.leader_address = std::move(address);
}

void Change::append(const raft_entry &entry) {
    begin_entries(server.log.last() + 1);
    server.log.append(server.term, 1);
    add_entry(entry).term = server.term;
}

void Change::release_spare_memory() {
    INVARIANT(server.leads());
    libraft::release_spare_memory(*server.tracker);
    server.leader_address.reset(); /* that of an earlier leader */
    server.log.shrink_to_fit();
    if (out.n_messages + out.n_entries + out.n_reads == 0) {
        server.outbox.release();
    }
}

bool Change::leader_has_moved(const Facts &before) const {
    const bool replaced = bool{replaced_address_};
    if (server.leader == 0 || (!replaced && server.configuration == before.configuration)) {
        return false; /* both addresses are known to be the same */
    }
    const char *last = replaced ? replaced_address_.get() : server.leader_address.get();
    return strcmp(server.leader_address_told(), address_told(server, before, last)) != 0;
}

unsigned Change::changed_facts(const Facts &before) const {
    const Server &now = server;
    unsigned changed = 0;
    if (now.term != before.term) {
        changed |= RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR;
    }
    if (now.voted_for != before.voted_for) {
        changed |= RAFT_UPDATE_VOTED_FOR;
    }
    if (now.state != before.state) {
        changed |= RAFT_UPDATE_STATE;
    }
    if (!same_configuration(now.configuration, before.configuration)) {
        changed |= RAFT_UPDATE_CONFIGURATION;
    }
    if (now.leader != before.leader || leader_has_moved(before)) {
        changed |= RAFT_UPDATE_LEADER;
    }
    return changed;
}

#ifdef RAFT_INVARIANTS
bool Change::is_remembered(const Facts &at_begin) const {
    return before_ || changed_facts(at_begin) == 0;
}
#endif

void Change::hand_out() {
    if (out.n_messages > 0) {
        flags |= RAFT_UPDATE_MESSAGES;
        update.messages = {out.messages, out.n_messages};
    }
    if ((flags & RAFT_UPDATE_ENTRIES) != 0) {
        update.entries = {entries_index_, out.entries, out.n_entries, server.writes};
    }
    if (out.n_reads > 0) {
        flags |= RAFT_UPDATE_READS;
        update.reads = {out.reads, out.n_reads};
    }
    if (before_) {
        flags |= changed_facts(*before_);
    }
    update.flags = flags;
}

} // namespace libraft
