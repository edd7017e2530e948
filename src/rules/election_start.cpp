/* SPDX-License-Identifier: MIT */
#include "rules/election_start.hpp"

#include "state/tracker.hpp"

namespace libraft::election_start {
namespace {

uint64_t least_timeout(const Settings &settings) {
    return uint64_t{settings.election_timeout} + settings.delay();
}

/* `deadline` is what it would be if the present time were the last one that started it. */
void move(Server &s, bool earlier, raft_time deadline) {
    s.deadline = earlier ? std::min(s.deadline, deadline) : std::max(s.deadline, deadline);
}

void follow_as_leader(Server &s, const Settings &before) {
    const Settings &now = *s.settings;
    if (now.heartbeat_timeout != before.heartbeat_timeout) {
        move(s, now.heartbeat_timeout < before.heartbeat_timeout, s.now + now.heartbeat_timeout);
    }
    if (now.election_timeout > before.election_timeout) {
        /* A lease that has ended must not begin again. */
        s.tracker->lease_after = s.tracker->round;
    }
}

} // namespace

bool may_lead(const Server &s) {
    if (!has_term_left(s.term)) {
        return false; /* only a hostile message can have brought it here */
    }
    if (s.settings->never_leads()) {
        return false;
    }
    if (s.log.last() < s.known_commit) {
        /* §3.6.1: a server without all committed entries wins no election. It could only win by
         * a configuration that is out of date. */
        return false;
    }
    if (s.own_sets != 0) {
        return true;
    }
    return !s.configuration_committed() && s.configuration->previous != nullptr &&
           s.configuration->previous->voter_sets_of(s.id) != 0;
}

void follow_settings(Server &s, const Settings &before) {
    if (s.asleep && !s.may_sleep()) {
        s.deadline = s.now; /* due: the next step wakes it */
    }
    if (s.leads()) {
        /* A leader that sleeps has no heartbeat to move, and waking up ends its lease. */
        if (!s.asleep) {
            follow_as_leader(s, before);
        }
        return;
    }
    const Settings &now = *s.settings;
    if (least_timeout(now) != least_timeout(before)) {
        draw(s);
        if (s.deadline != kNever && !s.asleep) {
            move(s, least_timeout(now) < least_timeout(before), s.now + s.drawn_timeout);
        }
    }
    refresh(s);
}

} // namespace libraft::election_start
