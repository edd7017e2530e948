/* SPDX-License-Identifier: MIT */
/* RAFT_TRANSFER: a leader hands leadership over (§3.10). TimeoutNow: the target starts its
 * election. */
#include "events/events.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"
#include "rules/message_checks.hpp"
#include "rules/rounds_and_leases.hpp"
#include "rules/transfer.hpp"
#include "rules/transitions.hpp"

namespace libraft {
namespace {

/* May this peer lead the cluster? A removed one may not, nor one that a joint change demotes. */
bool may_lead(const Peer &p) {
    return !p.departing && (voter_sets(p.role) & kNewSet) != 0 &&
           (p.features & RAFT_FEATURE_NEVER_LEADS) == 0;
}

/* Of the voters in contact, the one with the highest match index. NULL: there is none. */
const Peer *most_up_to_date(const Server &s) {
    const Peer *best = nullptr;
    for (const Peer &p : s.tracker->peers) {
        if (!p.self && may_lead(p) && rounds::is_heard(s, p) &&
            (best == nullptr || p.match > best->match)) {
            best = &p;
        }
    }
    return best;
}

[[nodiscard]] int find_target(Step &step, raft_id id, const Peer **target) {
    const Server &s = step.server;
    if (id == 0) {
        *target = most_up_to_date(s);
        return *target != nullptr
                   ? 0
                   : step.fail(RAFT_NOTFOUND, "no other voter that may lead is in contact");
    }
    *target = s.tracker->find(id);
    if (*target == nullptr || (*target)->departing) {
        return step.fail(RAFT_BADID, "the target is not a member");
    }
    if (!may_lead(**target)) {
        return step.fail(RAFT_BADROLE, "the target is not a voter that may lead");
    }
    /* A leader that was just elected has heard from nobody: its own election counts. */
    if (!rounds::is_in_contact(s, **target, s.now)) {
        return step.fail(RAFT_NOCONNECTION, "the target was silent for an election timeout");
    }
    return 0;
}

int give_up(Step &step) {
    if (step.server.tracker->transfer.to != 0) {
        transfer::give_up(step.begin());
    }
    return 0;
}

} // namespace

int on_transfer(Step &step) {
    const Server &s = step.server;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    const raft_id id = step.event.transfer.server_id;
    if (id == s.id) {
        return give_up(step);
    }
    const Peer *target;
    const int rv = find_target(step, id, &target);
    if (rv != 0) {
        return rv;
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_BUSY, "leadership is being transferred");
    }
    Need need;
    need.messages = 1;
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Transfer &transfer = change->server.tracker->transfer;
    transfer.to = target->id;
    transfer.started = s.now;
    change->flags |= RAFT_UPDATE_TRANSFER;
    transfer::proceed(*change, *target);
    return 0;
}

int on_timeout_now(Step &step, const raft_message &m) {
    const Server &s = step.server;
    const raft_timeout_now &tn = m.timeout_now;
    if (!message::valid_term(s, tn.term) ||
        !message::valid_position(tn.last_log_index, tn.last_log_term, tn.term)) {
        return message::malformed(
            step, "TimeoutNow: the term, last_log_index and last_log_term do not fit each other");
    }
    const bool current = tn.term == s.term && s.state == RAFT_FOLLOWER && s.leader == m.server_id;
    /* The leader waits until this server has everything. If some of it was lost, do nothing. */
    const bool ready = s.own_sets != 0 && !s.installation && s.last_stored >= tn.last_log_index &&
                       election_start::may_campaign(s);
    if (tn.term < s.term || (tn.term == s.term && !(current && ready))) {
        return 0;
    }
    elections::Preparation preparation;
    Need need;
    Change *change =
        !current || elections::prepare(s, {}, &preparation, &need) ? step.reserve(need) : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    if (tn.term > s.term) {
        transitions::adopt_term(*change, tn.term);
    } else {
        elections::campaign_with_permission(*change, preparation);
    }
    return 0;
}

} // namespace libraft
