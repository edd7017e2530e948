/* SPDX-License-Identifier: MIT */
#include "progress.hpp"

#include <cstdlib>

namespace libraft {
namespace {

/* What is known of a server, in the role that it is given. True: a catch-up is forgotten. */
bool assign(Progress &p, int role, raft_time now) {
    const bool followed = p.follows();
    const bool demoted = role == RAFT_SPARE && p.role != RAFT_SPARE;
    const bool forgotten = demoted && p.catch_up != RAFT_CATCH_UP_NONE;
    if (demoted) {
        p.catch_up = RAFT_CATCH_UP_NONE;
        p.resting = followed;
    }
    p.role = static_cast<uint8_t>(role);
    if (!followed && p.follows()) {
        p.contact = now; /* it could not answer what it was not sent */
    }
    return forgotten;
}

bool by_id(const Progress &a, const Progress &b) { return a.id < b.id; }

} // namespace

bool Tracker::reserve_read() { return reads.reserve(reads.size() + 1); }

PendingRead Tracker::take_read() {
    PendingRead read = reads[answered++];
    /* Answered reads are dropped when they are half of all: amortized constant. */
    if (answered * 2 >= reads.size()) {
        reads.erase_front(answered);
        answered = 0;
    }
    return read;
}

bool Tracker::reserve_members(const Configuration &next) {
    const uint64_t n = uint64_t{next.n} + peers.size();
    return spare.reserve(n) && peers.reserve(n);
}

bool Tracker::adopt(const Configuration &next, raft_id self, raft_index last_index, raft_time now) {
    spare.truncate(0);
    bool forgotten = false;
    for (const raft_server &server : next) {
        Progress p{};
        if (const Progress *known = find(server.id)) {
            p = *known;
            forgotten = assign(p, server.role, now) || forgotten;
        } else {
            p.id = server.id;
            p.role = static_cast<uint8_t>(server.role);
            p.mode = RAFT_PROGRESS_PROBE;
            p.next = last_index + 1;
            p.window = UINT32_MAX;
            p.contact = now;
        }
        p.address = server.address;
        p.ballot = Ballot::of(voter_sets(server.role));
        p.self = server.id == self;
        p.departing = false;
        spare.push_back(p);
    }
    std::sort(spare.begin(), spare.end(), by_id);
    const uint32_t members = spare.size();
    for (Progress p : peers) {
        if (!std::binary_search(spare.begin(), spare.begin() + members, p, by_id)) {
            forgotten = forgotten || (!p.departing && p.catch_up != RAFT_CATCH_UP_NONE);
            p.ballot = Ballot();
            p.departing = true;
            spare.push_back(p);
        }
    }
    std::sort(spare.begin(), spare.end(), by_id);
    peers.swap(spare);
    return forgotten;
}

bool Tracker::has_departing() const {
    return std::any_of(peers.begin(), peers.end(), [](const Progress &p) { return p.departing; });
}

void Tracker::forget_departing() {
    uint32_t kept = 0;
    for (Progress &p : peers) {
        if (p.resting) {
            p.rest();
        }
        if (!p.departing) {
            peers[kept++] = p;
        }
    }
    peers.truncate(kept);
}

void Tracker::destroy(Tracker *t) {
    if (t != nullptr) {
        t->~Tracker();
        free(t);
    }
}

} // namespace libraft
