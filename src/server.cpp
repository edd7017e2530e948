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
    free(foreign_address);
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

Step::~Step() {
    configuration::release(retired);
    free(retired_address);
}

bool Step::reserve(Need need) {
    if (server.tracker != nullptr) {
        need.reads += server.tracker->pending_reads();
    }
    if (!server.outbox.reserve(need)) {
        return false;
    }
    out.lay_out(server.outbox.block(), need);
    return true;
}

void Step::begin_entries(raft_index index) {
    if (has_entries) {
        return;
    }
    has_entries = true;
    entries_index = index;
    server.writes++;
    if (index <= server.trail.last()) {
        /* Replaces entries: whatever is still being written of the old ones must not
         * be mistaken for the new ones. */
        server.valid_from = server.writes;
    }
}

} // namespace libraft
