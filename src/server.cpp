/* SPDX-License-Identifier: MIT */
#include "server.hpp"

namespace libraft {

Server::~Server() {
    configuration::release(configuration);
    abandon_install();
    Tracker::destroy(tracker);
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

namespace {

/* Followers know their leader by its configuration, and have something to stand for. */
bool is_steady_follower(const Server &s) {
    return s.leader_address != nullptr && !s.leader_foreign && s.install == nullptr &&
           s.last_stored != 0 && s.trail.last_term() != 0;
}

/* Leaders are busy with nothing but replication, and need no term but their own. */
bool is_steady_leader(const Server &s) {
    const Tracker &t = *s.tracker;
    if (!s.configuration_committed() || s.configuration->joint || t.catch_up.id != 0 ||
        t.transfer.to != 0 || t.pending_reads() > 0) {
        return false;
    }
    for (const Progress &p : t.peers) {
        if (p.departing ||
            (p.mode == RAFT_PROGRESS_PIPELINE && !s.trail.ends_with_run_of(p.next - 1))) {
            return false;
        }
    }
    return true;
}

} // namespace

Steady Server::find_steady() const {
    if (!started || own_sets == 0 || deadline == kNever || settings->tracer != nullptr) {
        return Steady::kNo;
    }
    if (state == RAFT_FOLLOWER) {
        return is_steady_follower(*this) ? Steady::kFollower : Steady::kNo;
    }
    return leads() && is_steady_leader(*this) ? Steady::kLeader : Steady::kNo;
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
