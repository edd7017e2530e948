/* SPDX-License-Identifier: MIT */
#include "state/tracker.hpp"

#include <cstdlib>
#include <new>

namespace libraft {
namespace {

/* Give a known server its role in the latest configuration. Returns whether the status of a
 * catch-up is forgotten. */
bool assign(Peer &p, int role, raft_time now) {
    const bool replicated = p.is_replicated_to();
    const bool demoted = role == RAFT_SPARE && p.role != RAFT_SPARE;
    const bool forgotten = demoted && p.catch_up != RAFT_CATCH_UP_NONE;
    if (demoted) {
        p.catch_up = RAFT_CATCH_UP_NONE;
        p.demotion_pending = replicated;
    }
    p.role = static_cast<uint8_t>(role);
    if (!replicated && p.is_replicated_to()) {
        p.begin_contact(now);
    }
    return forgotten;
}

bool by_id(const Peer &a, const Peer &b) { return a.id < b.id; }

/* Not std::sort(): it takes four times as much code, for arrays of a few elements. */
void sort_by_id(Vector<Peer> &peers) {
    std::make_heap(peers.begin(), peers.end(), by_id);
    std::sort_heap(peers.begin(), peers.end(), by_id);
}

} // namespace

PendingRead Tracker::take_read() {
    PendingRead read = reads[answered++];
    /* Answered reads are dropped when they are half of all, which keeps the cost per read
     * constant. */
    if (answered * 2 >= reads.size()) {
        reads.erase_front(answered);
        answered = 0;
        if (reads.empty()) {
            reads.shrink();
        }
    }
    return read;
}

bool Tracker::reserve_members(uint32_t n) {
    const uint64_t all = uint64_t{n} + peers.size();
    return scratch.reserve(all) && peers.reserve(all);
}

bool Tracker::adopt(const Configuration &next, raft_id self, raft_index last_index, raft_time now) {
    scratch.truncate(0);
    bool forgotten = false;
    for (const raft_server &server : next) {
        Peer p{};
        if (const Peer *known = find(server.id)) {
            p = *known;
            forgotten = assign(p, server.role, now) || forgotten;
        } else {
            p.id = server.id;
            p.role = static_cast<uint8_t>(server.role);
            p.mode = RAFT_PROGRESS_PROBE;
            p.next = last_index + 1;
            p.window = UINT32_MAX;
            p.contact = now;
            p.waiting_since = now;
        }
        p.address = server.address;
        p.ballot = Ballot::of(voter_sets(server.role));
        p.self = server.id == self;
        p.departing = false;
        scratch.push_back(p);
    }
    sort_by_id(scratch);
    const uint32_t members = scratch.size();
    for (Peer p : peers) {
        if (!std::binary_search(scratch.begin(), scratch.begin() + members, p, by_id)) {
            forgotten = forgotten || (!p.departing && p.catch_up != RAFT_CATCH_UP_NONE);
            p.ballot = Ballot();
            p.departing = true;
            scratch.push_back(p);
        }
    }
    sort_by_id(scratch);
    peers.swap(scratch);
    return forgotten;
}

bool Tracker::has_departing() const {
    return std::any_of(peers.begin(), peers.end(), [](const Peer &p) { return p.departing; });
}

void Tracker::forget_departing() {
    uint32_t kept = 0;
    for (Peer &p : peers) {
        if (p.demotion_pending) {
            p.stop();
        }
        if (!p.departing) {
            peers[kept++] = p;
        }
    }
    peers.truncate(kept);
    peers.shrink();
    scratch.truncate(0); /* no other change is under way */
    scratch.shrink();
}

void Tracker::release_spare_memory() {
    INVARIANT(!has_departing() && !leave);
    scratch.truncate(0);
    scratch.shrink_to_fit();
    peers.shrink_to_fit();
    if (pending_reads() == 0) {
        reads.truncate(0);
        answered = 0;
    }
    reads.shrink_to_fit();
}

Tracker *new_tracker(const Configuration &c, raft_id self, raft_index last_index, raft_time now) {
    void *memory = malloc(sizeof(Tracker));
    if (memory == nullptr) {
        return nullptr;
    }
    Owner<Tracker> t(new (memory) Tracker);
    if (!t->reserve_members(c.n)) {
        return nullptr;
    }
    (void)t->adopt(c, self, last_index, now);
    return t.take();
}

void release(Tracker *t) {
    t->~Tracker();
    free(t);
}

uint32_t pending_reads(const Tracker &t) { return t.pending_reads(); }

void release_spare_memory(Tracker &t) { t.release_spare_memory(); }

bool reserve(Tracker &t, const Need &need) {
    return t.reserve_members(need.members) &&
           t.reads.reserve(uint64_t{t.reads.size()} + (need.read ? 1 : 0));
}

} // namespace libraft
