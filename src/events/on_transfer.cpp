/* SPDX-License-Identifier: MIT */
/* RAFT_TRANSFER: a leader hands leadership over (§3.10). TimeoutNow: the target starts its
 * election. */
#include "events/events.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"
#include "rules/message_checks.hpp"
#include "rules/transfer.hpp"
#include "rules/transitions.hpp"

namespace libraft {
namespace {

bool may_lead(const Peer &p) { return !p.self && (voter_sets(p.role) & kNewSet) != 0; }

/* The voter with the highest match index. NULL: there is no other voter. */
const Peer *most_up_to_date(const Tracker &t) {
    const Peer *best = nullptr;
    for (const Peer &p : t.peers) {
        if (may_lead(p) && p.votes() && (best == nullptr || p.match > best->match)) {
            best = &p;
        }
    }
    return best;
}

[[nodiscard]] int find_target(Step &step, raft_id id, const Peer **target) {
    const Tracker &t = *step.server.tracker;
    if (id == 0) {
        *target = most_up_to_date(t);
        return *target != nullptr ? 0 : step.fail(RAFT_NOTFOUND, "there is no other voter");
    }
    *target = t.find(id);
    if (*target == nullptr || (*target)->departing || (*target)->self) {
        return step.fail(RAFT_BADID, "the target is not another member");
    }
    if (!may_lead(**target)) {
        return step.fail(RAFT_BADROLE, "the target is not a voter");
    }
    return 0;
}

} // namespace

int on_transfer(Step &step) {
    const Server &s = step.server;
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_BUSY, "leadership is being transferred");
    }
    const Peer *target;
    const int rv = find_target(step, step.event.transfer.server_id, &target);
    if (rv != 0) {
        return rv;
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
