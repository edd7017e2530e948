/* SPDX-License-Identifier: MIT */
#include "network.hpp"

#include "world.hpp"

#include <algorithm>

namespace sim {

void Network::split(unsigned set, bool in, bool out) {
    for (raft_id a = 1; a <= w_.plan.servers; a++) {
        for (raft_id b = 1; b <= w_.plan.servers; b++) {
            bool a_in = set >> a & 1, b_in = set >> b & 1;
            blocked_[a][b] |= (a_in && !b_in && out) || (!a_in && b_in && in);
        }
    }
}

void Network::heal() {
    for (auto &row : blocked_) {
        std::fill(std::begin(row), std::end(row), false);
    }
}

/* Sabotage: what no crash-fault network does. */
void Network::forge(Wire &wire) {
    raft_message &m = wire.m;
    if (w_.sabotage == Sabotage::FORGED_VOTE && m.type == RAFT_REQUEST_VOTE_RESULT &&
        !m.request_vote_result.pre_vote) {
        m.request_vote_result.vote_granted = true;
    } else if (w_.sabotage == Sabotage::SECOND_LEADER && m.type == RAFT_REQUEST_VOTE_RESULT &&
               !m.request_vote_result.pre_vote) {
        raft_id leader = w_.judge.leader_of(m.request_vote_result.term);
        m.request_vote_result.vote_granted |= leader != 0 && leader != wire.to;
    } else if (w_.sabotage == Sabotage::FORGED_ACK && m.type == RAFT_APPEND_ENTRIES_RESULT &&
               m.append_entries_result.rejected == 0 && w_.random.percent(20)) {
        raft_id leader = wire.to;
        m.append_entries_result.last_log_index = w_.server(leader).log.last();
    } else if (w_.sabotage == Sabotage::FORGED_TERM && m.type == RAFT_APPEND_ENTRIES &&
               w_.random.ppm(2000)) {
        m.append_entries.term++;
    }
}

void Network::send(Wire *wire) {
    wire->sent = w_.now;
    wire->number = ++sent_;
    if (w_.sabotage != Sabotage::NONE) {
        forge(*wire);
    }
    bool cut = blocked_[wire->from][wire->to];
    bool lost = (!w_.calm && w_.random.ppm(w_.plan.loss_ppm)) || w_.thwarts(*wire);
    if (cut || lost) {
        w_.stats.add(S_LOSS, lost);
        drop(wire);
        return;
    }
    if (holds_back(wire)) {
        return;
    }
    if (!w_.calm && w_.random.ppm(w_.plan.duplicate_ppm)) {
        w_.stats.add(S_DUPLICATE);
        post(new Wire(*wire));
    }
    if (w_.sabotage == Sabotage::STORM) {
        post(new Wire(*wire));
        post(new Wire(*wire));
    }
    echo_later(*wire);
    post(wire);
}

/* In some terms a leader's TimeoutNow comes but once, when it is wanted no more and its target may
 * have no vote any more. */
bool Network::holds_back(Wire *wire) {
    const raft_message &m = wire->m;
    if (w_.calm || w_.plan.duplicate_ppm == 0 || m.type != RAFT_TIMEOUT_NOW) {
        return false;
    }
    Held &held = held_[wire->from];
    bool first = held.term != m.timeout_now.term;
    if (first) {
        held = {m.timeout_now.term, w_.random.percent(25)};
    }
    if (!held.back) {
        return false;
    }
    if (!first) {
        w_.stats.add(S_LOSS);
        drop(wire);
        return true;
    }
    Time timeout = w_.plan.max_election_timeout() * kMs;
    Time delay = w_.random.between(2 * timeout, 4 * timeout);
    w_.stats.add(S_LONG_DELAY);
    w_.schedule(w_.now + timeout + delay / 4, Happening::CHURN, wire->to, 0);
    w_.schedule_delivery(w_.now + delay, wire);
    return true;
}

/* What decides elections is rare: more of it comes a second time, in another term perhaps. */
void Network::echo_later(const Wire &wire) {
    raft_message_type type = wire.m.type;
    if (w_.calm || w_.plan.duplicate_ppm == 0 || !w_.random.percent(40) ||
        (type != RAFT_TIMEOUT_NOW && type != RAFT_REQUEST_VOTE_RESULT)) {
        return;
    }
    w_.stats.add(S_DUPLICATE);
    Time latest = 3 * w_.plan.max_election_timeout() * kMs;
    w_.schedule_delivery(w_.now + w_.random.skewed(0, latest), new Wire(wire));
}

void Network::post(Wire *wire) {
    Time delay = w_.random.between(w_.plan.delay_min, w_.plan.delay_max);
    if (!w_.calm && w_.random.ppm(w_.plan.long_delay_ppm)) {
        delay = w_.random.between(delay, w_.plan.long_delay);
        w_.stats.add(S_LONG_DELAY, delay > w_.plan.max_election_timeout() * kMs);
    }
    Time at = w_.now + delay;
    Time &latest = latest_[wire->from][wire->to];
    w_.stats.add(S_REORDER, at < latest);
    latest = std::max(latest, at);
    w_.schedule_delivery(at, wire);
}

void Network::drop(Wire *wire) {
    if (w_.story) {
        w_.say(wire->from, "message %llu to %s lost: %s",
               static_cast<unsigned long long>(wire->number), name_of(wire->to),
               describe(wire->m).c_str());
    }
    w_.stats.add(S_CHUNK_LOST, wire->m.type == RAFT_INSTALL_SNAPSHOT);
    if (!w_.calm && w_.random.percent(w_.plan.unreachable_percent)) {
        w_.schedule(w_.now + w_.random.between(1, 50 * kMs), Happening::UNREACHABLE, wire->from,
                    w_.server(wire->from).epoch, wire->to);
    }
    delete wire;
}

void Network::deliver(Wire *wire) {
    Server &to = w_.server(wire->to);
    if (!to.up || wire->number <= forgotten_) {
        drop(wire);
        return;
    }
    std::unique_ptr<Wire> owned(wire);
    w_.stats.add(S_MESSAGE);
    w_.stats.add(S_TRANSFER_DONE,
                 wire->m.type == RAFT_REQUEST_VOTE && wire->m.request_vote.disrupt_leader);
    if (w_.story) {
        w_.say(wire->to, "receives %llu from %s: %s", static_cast<unsigned long long>(wire->number),
               name_of(wire->from), describe(wire->m).c_str());
        w_.story_message(*wire);
    }
    to.receive(*wire);
}

} // namespace sim
