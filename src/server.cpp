/* SPDX-License-Identifier: MIT */
#include "server.hpp"

namespace libraft {

Server::~Server() {
    configuration::release(configuration);
    abandon_install();
    if (tracker != nullptr) {
        tracker->~Tracker();
        free(tracker);
    }
    if (settings != &kDefaultSettings) {
        free(const_cast<Settings *>(settings));
    }
    if (leader_foreign) {
        free(const_cast<char *>(leader_address));
    }
}

void Server::abandon_install() {
    if (install != nullptr) {
        configuration::release(install->configuration);
        free(install);
        install = nullptr;
    }
}

const Configuration *Server::configuration_at(raft_index index) const {
    const Configuration *c = configuration;
    while (c != nullptr && c->index > index) {
        c = c->previous;
    }
    return c;
}

bool Step::keep_leader_address(const char *address) {
    if (address == nullptr || spare_address != nullptr) {
        return true;
    }
    const size_t size = strlen(address) + 1;
    spare_address = static_cast<char *>(malloc(size));
    if (spare_address == nullptr) {
        return false;
    }
    memcpy(spare_address, address, size);
    return true;
}

void Step::release_retired() {
    free(spare_address);
    configuration::release(retired);
    free(const_cast<char *>(retired_address));
}

} // namespace libraft
