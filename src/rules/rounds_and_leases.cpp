/* SPDX-License-Identifier: MIT */
#include "rules/rounds_and_leases.hpp"

namespace libraft::rounds {

raft_time began_at(const Server &s, uint64_t round) {
    return s.tracker->elected_at + (round >> kRoundBits) - 1;
}

bool quorum_in_contact(const Server &s) {
    return has_quorum(s.tracker->peers, [&](const Peer &p) { return is_in_contact(s, p, s.now); });
}

Echoes quorum_echoes(const Server &s) {
    const bool announced = s.announces(RAFT_FEATURE_ROUNDS);
    const auto may_echo = [&](const Peer &p) {
        return p.self || (announced && is_in_contact(s, p, s.now) &&
                          (!p.features_known || (p.features & RAFT_FEATURE_ROUNDS) != 0));
    };
    const auto echoes = [&](const Peer &p) { return p.self || (p.features_known && may_echo(p)); };
    if (has_quorum(s.tracker->peers, echoes)) {
        return Echoes::kYes;
    }
    const bool may = has_quorum(s.tracker->peers, may_echo) || !quorum_in_contact(s);
    return may ? Echoes::kUnknown : Echoes::kNo;
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
        return p.self || (p.round > t.lease_after && began_at(s, p.round) + lease > s.now + 1);
    });
}

} // namespace libraft::rounds
