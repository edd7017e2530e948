/* SPDX-License-Identifier: MIT */
#include "types.hpp"

namespace sim {

const char *name_of(raft_id id) { return id <= kMaxServers ? driver::address_of(id) : "?"; }

const char *address_of(raft_id id, unsigned port) {
    static const char *addresses[kMaxServers + 1][kPorts];
    const char *&address = addresses[id <= kMaxServers ? id : 0][port];
    if (address == nullptr) {
        static const char *const suffixes[kPorts] = {"", ":1", ":22"};
        address = intern((std::string(name_of(id)) + suffixes[port]).c_str());
    }
    return address;
}

const char *other_address(raft_id id, const char *address) {
    unsigned port = 0;
    while (port + 1 < kPorts && address_of(id, port) != address) {
        port++;
    }
    return address_of(id, (port + 1) % kPorts);
}

} // namespace sim
