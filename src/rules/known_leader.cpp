/* SPDX-License-Identifier: MIT */
#include "rules/known_leader.hpp"

#include <utility>

namespace libraft::known_leader {

bool prepare(const Server &s, const char *address, Address *copied) {
    if (s.leader_address && strcmp(s.leader_address.get(), address) == 0) {
        return true;
    }
    const size_t size = strlen(address) + 1;
    copied->reset(static_cast<char *>(malloc(size)));
    if (!*copied) {
        return false;
    }
    memcpy(copied->get(), address, size);
    return true;
}

void set_self(Change &change) {
    change.remember();
    change.server.leader = change.server.id;
}

void set(Change &change, raft_id id, Address &address) {
    Server &s = change.server;
    if (s.leader != id || address) {
        change.remember();
        s.leader = id;
    }
    if (address) {
        change.replace_leader_address(std::move(address));
    }
    INVARIANT(s.leader_address);
}

void forget(Change &change) {
    Server &s = change.server;
    change.remember();
    s.leader = 0;
    s.leader_extended = false;
}

} // namespace libraft::known_leader
