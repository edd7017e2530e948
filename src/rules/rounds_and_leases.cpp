/* SPDX-License-Identifier: MIT */
#include "rules/rounds_and_leases.hpp"

namespace libraft::rounds {

raft_time began_at(const Server &s, uint64_t round) {
    return s.tracker->elected_at + (round >> kRoundBits) - 1;
}

bool quorum_in_contact(const Server &s) {
    return has_quorum(s.tracker->peers, [&](const Peer &p) { return is_in_contact(s, p, s.now); });
}

bool quorum_echoes(const Server &s) {
    const bool announced = s.announces(RAFT_FEATURE_ROUNDS);
    return has_quorum(s.tracker->peers, [&](const Peer &p) {
        return p.self ||
               (announced && (p.features & RAFT_FEATURE_ROUNDS) != 0 && is_in_contact(s, p, s.now));
    });
}

bool is_confirmed(const Server &s, uint64_t round) {
    return has_quorum(s.tracker->peers, [=](const Peer &p) { return p.self || p.round >= round; });
}

bool holds_lease(const Server &s) {
    const Tracker &t = *s.tracker;
    if (t.transfer.timeout_now_sent) {
        return false;
    }
    const uint64_t lease = uint64_t{s.settings->election_timeout} * 9 / 10;
    return has_quorum(t.peers, [&](const Peer &p) {
        return p.self || (p.round != 0 && began_at(s, p.round) + lease > s.now);
    });
}

} // namespace libraft::rounds
