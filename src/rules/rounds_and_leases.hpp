/* SPDX-License-Identifier: MIT */
/* Rounds confirm leadership: the leader sends a round's number with its heartbeats, and a peer
 * that echoes it followed this leader after the round began (§6.4). Also what follows from
 * them: contact with a quorum (§6.2) and leases (§6.4.1). */
#pragma once

#include "base/untrusted.hpp"
#include "state/server.hpp"
#include "state/tracker.hpp"

#include <algorithm>

namespace libraft::rounds {

/* A round's number carries the time of its beginning, so that an echo tells how old it is. */
inline constexpr unsigned kRoundBits = 20; /* number of the round within its millisecond */

/* Numbers end at kLimit, 139 years after the election. Rounds that begin later seem to have begun
 * then: their echoes give no lease. */
inline constexpr uint64_t kLastMoment = (kLimit >> kRoundBits) - 1;

/* Begin a round. False: there are too many in this millisecond. */
[[nodiscard]] inline bool begin(Server &s) {
    Tracker &t = *s.tracker;
    const uint64_t moment = std::min<uint64_t>(s.now - t.elected_at + 1, kLastMoment);
    const uint64_t first = moment << kRoundBits;
    const uint64_t round = first > t.round ? first : t.round + 1;
    if (round >> kRoundBits > moment) {
        return false;
    }
    t.round = round;
    return true;
}
raft_time began_at(const Server &s, uint64_t round);

/* Does this answer echo a round that began after the peer made progress, or was sent a chunk? Then
 * it is newer than that. (Rounds of the same millisecond are taken to be earlier.) */
inline bool is_newer(const Server &s, const Peer &p, const raft_append_entries_result &r) {
    /* unreachable: results of earlier versions are not asked about */
    return r.version >= 3 && r.round != 0 && began_at(s, r.round) > p.waiting_since;
}

/* Was this peer heard from within an election timeout before `now`? A leader hears from itself. The
 * time that a leader sleeps does not count. */
inline bool is_in_contact(const Server &s, const Peer &p, raft_time now) {
    return p.self ||
           p.contact + s.settings->election_timeout > (s.asleep ? s.tracker->slept_at : now);
}
/* The same, but the time before its first answer or vote of this term does not count as contact. */
inline bool is_heard(const Server &s, const Peer &p) {
    return p.self || ((p.answered || p.granted) && is_in_contact(s, p, s.now));
}
/* Is the leader in contact with a quorum? If not, it steps down (§6.2). */
bool quorum_in_contact(const Server &s);
/* Can a quorum confirm a round now?
 * kUnknown: the answers to the next heartbeat tell. Either the features of a peer that is needed
 *           are not known, or too few voters are in contact, and the leader may step down.
 * kNo:      without the peers that lack rounds there is no quorum. */
enum class Echoes : uint8_t { kYes, kUnknown, kNo };
Echoes quorum_echoes(const Server &s);
/* Has a quorum echoed this round or a later one? */
bool is_confirmed(const Server &s, uint64_t round);
/* Has a quorum echoed a round that began less than 9/10 of an election timeout ago, less one
 * millisecond? Then no other server can have been elected: a voter gives no vote for an election
 * timeout (§6.4.1). The tenth allows for clocks that drift, the millisecond for clocks that are
 * rounded. */
bool holds_lease(const Server &s);

} // namespace libraft::rounds
