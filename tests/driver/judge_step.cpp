/* SPDX-License-Identifier: MIT */
#include "judge_step.hpp"

#include "../observe/fields.hpp"

#include <algorithm>
#include <cstring>

namespace driver {

void check_untouched(const raft_update &u) {
    if (const char *member = observe::written_unannounced(u)) {
        throw Violation("update members", format("%s was written, but the flags are %s", member,
                                                 describe_flags(u.flags).c_str()));
    }
}

void check_flags(const View &before, const View &after, const raft_event &e, const raft_update &u) {
    constexpr unsigned content =
        RAFT_UPDATE_ENTRIES | RAFT_UPDATE_SNAPSHOT | RAFT_UPDATE_MESSAGES | RAFT_UPDATE_READS;
    const unsigned expected = flags_between(before, after, e.type);
    if ((u.flags & ~content) != expected) {
        throw Violation("update flags", format("event %d: flags %s, changed %s", e.type,
                                               describe_flags(u.flags & ~content).c_str(),
                                               describe_flags(expected).c_str()));
    }
    if ((u.flags & RAFT_UPDATE_MESSAGES && (u.messages.n == 0 || u.messages.batch == nullptr)) ||
        (u.flags & RAFT_UPDATE_READS && (u.reads.n == 0 || u.reads.batch == nullptr))) {
        throw Violation("update flags", "MESSAGES or READS without any");
    }
}

/* Does a server that waits for its election timeout begin to wait anew in this step? So does one
 * that wakes up. A leader that sleeps and has a deadline cannot be told from one that is awake, but
 * when it wakes up, it sends what the deadline is for, and when it falls asleep, a
 * quorum has just confirmed that it leads. */
static bool waits_anew(const View &before, const View &after, const raft_event &e,
                       const raft_update &u) {
    if (before.due_to_wake || (before.leads() && after.leads() && u.flags & RAFT_UPDATE_MESSAGES &&
                               tells_all_members(after, u))) {
        return true;
    }
    const bool gives_up = before.state == RAFT_CANDIDATE && after.state == RAFT_FOLLOWER;
    if (e.type == RAFT_START || e.type == RAFT_CAMPAIGN || after.timeout == kNoDeadline ||
        (after.state != before.state && !gives_up)) {
        return true;
    }
    if (e.type != RAFT_RECEIVE) {
        return false;
    }
    if (before.leads()) {
        return may_fall_asleep(before, after, e);
    }
    const raft_message &m = *e.receive.message;
    if (is(m, RAFT_APPEND_ENTRIES) || is(m, RAFT_INSTALL_SNAPSHOT)) {
        return after.leader == m.server_id;
    }
    if (is(m, RAFT_REQUEST_VOTE)) {
        return after.vote == m.server_id;
    }
    return is(m, RAFT_REQUEST_VOTE_RESULT) && after.state == RAFT_CANDIDATE &&
           after.term > before.term; /* pre-votes won */
}

void check_timeout(const View &before, const View &after, const raft_event &e, const raft_update &u,
                   raft_time now) {
    const bool due = now >= before.timeout;
    if (e.type != RAFT_TIMEOUT) {
        if (due && after.timeout != before.timeout && !waits_anew(before, after, e, u)) {
            throw Violation("timeout", format("event %d at %llu moves a deadline that has passed, "
                                              "from %llu to %llu",
                                              e.type, now, before.timeout, after.timeout));
        }
        return;
    }
    if (after.timeout <= now) {
        throw Violation(
            "timeout", format("RAFT_TIMEOUT at %llu leaves a timeout at %llu", now, after.timeout));
    }
    const std::string changed = before.difference(after);
    if (!due && (u.flags != RAFT_UPDATE_TIMEOUT || !changed.empty())) {
        throw Violation("early timeout",
                        format("at %llu, due at %llu: flags %s, changed %s", e.time, before.timeout,
                               describe_flags(u.flags).c_str(), changed.c_str()));
    }
}

void check_monotonic(const View &before, const View &after) {
    if (after.term < before.term || after.commit < before.commit) {
        throw Violation("monotonic",
                        format("term from %llu to %llu, commit index from %llu to %llu",
                               before.term, after.term, before.commit, after.commit));
    }
}

void check_vote(const View &before, const View &after) {
    if (after.term == before.term && before.vote != 0 && after.vote != before.vote) {
        throw Violation("one vote per term", format("the vote in term %llu changes from %llu to "
                                                    "%llu",
                                                    after.term, before.vote, after.vote));
    }
}

void check_first_index(const View &before, const View &after, const raft_event &e,
                       const raft_update &u) {
    const bool trims = e.type == RAFT_START || e.type == RAFT_SNAPSHOT ||
                       e.type == RAFT_PERSISTED_SNAPSHOT ||
                       (u.flags & RAFT_UPDATE_ENTRIES && before.first > before.last);
    if (after.first != before.first && !trims) {
        throw Violation("first index", format("it changes from %llu to %llu in event %d",
                                              before.first, after.first, e.type));
    }
}

void check_stored(const Driver &s) {
    const raft_index stored = s.view.stored;
    if (s.checks_storage && stored != s.before.stored && stored != 0 && stored <= s.log.last() &&
        !s.disk.holds(stored, s.term_at(stored))) {
        throw Violation("stored",
                        format("%s counts %llu as stored, which is not", s.name(), stored));
    }
}

void check_failed(const View &before, raft *r, const raft_event &e, const raft_update &u, int rc) {
    const char *why = raft_errmsg(r);
    if (u.flags != 0) {
        throw Violation("failed step", format("event %d fails with %d, but flags are %s", e.type,
                                              rc, describe_flags(u.flags).c_str()));
    }
    if (why == nullptr || why[0] == '\0') {
        throw Violation("failed step", "no error message");
    }
    View now = before;
    now.capture(r);
    if (const std::string what = before.difference(now); !what.empty()) {
        throw Violation("failed step", format("event %d fails with %d (%s), but %s", e.type, rc,
                                              why, what.c_str()));
    }
}

void check_leader_address(const Driver &s) {
    const View &v = s.view;
    if (v.leader == 0) {
        return;
    }
    const char *expected = v.leader == s.id ? s.address : s.led_from();
    if (const Member *member = v.conf.find(v.leader)) {
        expected = member->address;
    }
    if (v.leader_address != expected) {
        throw Violation("raft_leader", format("%s says that its leader %llu is at %s, not at %s",
                                              s.name(), v.leader, v.leader_address,
                                              expected == nullptr ? "no address" : expected));
    }
}

void check_change(const Driver &s, raft_index index) {
    const View &before = s.before;
    if (s.event_type != RAFT_SUBMIT && s.event_type != RAFT_RECONFIGURE) {
        if (before.conf.joint() && s.event_type != RAFT_RECOVER &&
            s.view.commit < before.conf_index) {
            throw Violation(
                "membership",
                format("%s leaves a joint configuration that is not committed", s.name()));
        }
        return;
    }
    raft_index own = index;
    while (own > 1 && s.term_at(own - 1) == s.view.term) {
        own--;
    }
    const char *why = own == index || before.commit < own
                          ? "nothing of the leader's term is committed"
                      : before.conf_index > before.commit ? "another one is not committed"
                      : before.conf.joint()               ? "a joint one is under way"
                                                          : nullptr;
    if (why != nullptr) {
        throw Violation("membership", format("%s accepts a change although %s", s.name(), why));
    }
}

void check_configuration(const Driver &s) {
    static const std::pair<raft_index, Configuration> none;
    const auto &latest = s.confs.empty() ? none : s.confs.back();
    if (latest.first != s.view.conf_index || !(latest.second == s.view.conf)) {
        throw Violation("configuration",
                        format("%s is in [%s] of %llu, its log says [%s] of %llu", s.name(),
                               s.view.conf.str().c_str(), s.view.conf_index,
                               latest.second.str().c_str(), latest.first));
    }
}

} // namespace driver
