/* SPDX-License-Identifier: MIT */
/* RAFT_RECOVER: a quorum is lost for good, and an operator forces a configuration. */
#include "base/untrusted.hpp"
#include "events/events.hpp"
#include "rules/election_start.hpp"
#include "rules/membership.hpp"
#include "state/installation.hpp"

namespace libraft {
namespace {

/* The lost servers may have used terms that this one has not seen, and may come back after all.
 * A term has one leader (§3.6.3), so that theirs must not be used again. */
constexpr raft_term kTermsOfLostServers = 1ULL << 20;

} // namespace

int on_recover(Step &step) {
    const Server &s = step.server;
    if (s.leads()) {
        return step.fail(RAFT_INVALID, "a leader cannot be recovered");
    }
    const raft_term term = s.term + kTermsOfLostServers;
    if (!election_start::has_term_left(term) || s.log.last() >= kLimit) {
        return step.fail(RAFT_TOOBIG, "the term or the index is at its limit");
    }
    if (s.installation && s.installation->outstanding) {
        return step.fail(RAFT_BUSY, "a snapshot is being installed");
    }
    return membership::append_alone(step, step.event.recover.conf, term,
                                    membership::Purpose::kRecover);
}

} // namespace libraft
