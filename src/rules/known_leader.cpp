/* SPDX-License-Identifier: MIT */
#include "rules/known_leader.hpp"

#include <utility>

namespace libraft::known_leader {
namespace {

const char *find_address(const Configuration *latest, raft_id id, raft_index kept_below) {
    for (const Configuration *c = latest; c != nullptr; c = c->previous) {
        const raft_server *server = c->index < kept_below ? c->find(id) : nullptr;
        if (server != nullptr) {
            return server->address;
        }
    }
    return nullptr;
}

} // namespace

bool prepare(const Server &s, raft_id id, Coming coming, const char *fallback, Address *address) {
    if (id == s.leader && s.leader_is_member && coming.appended == nullptr &&
        s.configuration->index < coming.kept_below) {
        return true; /* the configurations stay, and refresh() has found the address in them */
    }
    const char *found = find_address(coming.appended, id, UINT64_MAX);
    if (found == nullptr) {
        found = find_address(s.configuration, id, coming.kept_below);
    }
    if (found == nullptr) {
        found = fallback;
    }
    if (s.leader_address && strcmp(s.leader_address.get(), found) == 0) {
        return true;
    }
    const size_t size = strlen(found) + 1;
    address->reset(static_cast<char *>(malloc(size)));
    if (!*address) {
        return false;
    }
    memcpy(address->get(), found, size);
    return true;
}

bool prepare(const Server &s, Coming coming, Address *address) {
    return s.leader == 0 || prepare(s, s.leader, coming, s.leader_address.get(), address);
}

void set(Change &change, raft_id id, Address &address) {
    change.remember();
    change.server.leader = id;
    refresh(change, address);
}

void forget(Change &change) {
    Server &s = change.server;
    change.remember();
    s.leader = 0;
    s.leader_extended = false;
    s.leader_is_member = false;
}

void refresh(Change &change, Address &address) {
    Server &s = change.server;
    change.remember();
    if (address) {
        change.replace_leader_address(std::move(address));
    }
    INVARIANT(s.leader == 0 || s.leader_address);
    s.leader_is_member =
        s.leader != 0 && find_address(s.configuration, s.leader, UINT64_MAX) != nullptr;
}

} // namespace libraft::known_leader
