/* SPDX-License-Identifier: MIT */
#include "network.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {

void Network::split(unsigned set, bool in, bool out) {
    for (raft_id a = 1; a <= sim_.plan.servers; a++) {
        for (raft_id b = 1; b <= sim_.plan.servers; b++) {
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

/* --break: changes of messages that no crash-fault network makes. */
void Network::forge(Wire &wire) {
    raft_message &m = wire.m;
    if (sim_.broken == Broken::FORGED_VOTE && m.type == RAFT_REQUEST_VOTE_RESULT &&
        !m.request_vote_result.pre_vote) {
        m.request_vote_result.vote_granted = true;
    } else if (sim_.broken == Broken::SECOND_LEADER && m.type == RAFT_REQUEST_VOTE_RESULT &&
               !m.request_vote_result.pre_vote) {
        raft_id leader = sim_.judge.leader_of(m.request_vote_result.term);
        m.request_vote_result.vote_granted |= leader != 0 && leader != wire.to;
    } else if (sim_.broken == Broken::FORGED_ACK && m.type == RAFT_APPEND_ENTRIES_RESULT &&
               m.append_entries_result.rejected == 0 && sim_.random.percent(20)) {
        raft_id leader = wire.to;
        m.append_entries_result.last_log_index = sim_.server(leader).log.last();
    } else if (sim_.broken == Broken::FORGED_TERM && m.type == RAFT_APPEND_ENTRIES &&
               sim_.random.ppm(2000)) {
        m.append_entries.term++;
    }
}

void Network::send(Wire *wire) {
    wire->sent = sim_.now;
    wire->number = ++sent_;
    if (sim_.broken != Broken::NONE) {
        forge(*wire);
    }
    bool cut = blocked_[wire->from][wire->to];
    bool lost = (!sim_.calm && sim_.random.ppm(sim_.plan.loss_ppm)) || sim_.drops_for_target(*wire);
    lost = lost || (sim_.broken == Broken::LOST_CHUNKS && wire->m.type == RAFT_INSTALL_SNAPSHOT);
    if (cut || lost) {
        sim_.stats.add(S_LOSS, lost);
        drop(wire);
        return;
    }
    if (holds_back(wire)) {
        return;
    }
    if (!sim_.calm && sim_.random.ppm(sim_.plan.duplicate_ppm)) {
        sim_.stats.add(S_DUPLICATE);
        post(new Wire(*wire));
    }
    if (sim_.broken == Broken::MESSAGE_STORM) {
        for (int copies = 0; copies < 10000; copies++) {
            post(new Wire(*wire));
        }
    }
    echo_later(*wire);
    post(wire);
}

/* In some terms a leader's TimeoutNow arrives only once, late: the transfer is over by then, and
 * its target may have lost its vote. */
bool Network::holds_back(Wire *wire) {
    const raft_message &m = wire->m;
    if (sim_.calm || sim_.plan.duplicate_ppm == 0 || m.type != RAFT_TIMEOUT_NOW) {
        return false;
    }
    Held &held = held_[wire->from];
    bool first = held.term != m.timeout_now.term;
    if (first) {
        held = {m.timeout_now.term, sim_.random.percent(25)};
    }
    if (!held.back) {
        return false;
    }
    if (!first) {
        sim_.stats.add(S_LOSS);
        drop(wire);
        return true;
    }
    Time timeout = sim_.plan.max_election_timeout() * kMs;
    Time delay = sim_.random.between(2 * timeout, 4 * timeout);
    sim_.stats.add(S_LONG_DELAY);
    sim_.schedule(sim_.now + timeout + delay / 4, Scheduled::ADMIN, wire->to, 0);
    sim_.schedule_delivery(sim_.now + delay, wire);
    return true;
}

/* Messages that decide elections are rare, so more of them are duplicated, perhaps into another
 * term. */
void Network::echo_later(const Wire &wire) {
    raft_message_type type = wire.m.type;
    if (sim_.calm || sim_.plan.duplicate_ppm == 0 || !sim_.random.percent(40) ||
        (type != RAFT_TIMEOUT_NOW && type != RAFT_REQUEST_VOTE_RESULT)) {
        return;
    }
    sim_.stats.add(S_DUPLICATE);
    Time latest = 3 * sim_.plan.max_election_timeout() * kMs;
    sim_.schedule_delivery(sim_.now + sim_.random.skewed(0, latest), new Wire(wire));
}

/* Entries and snapshots have a connection of their own, which is ordered, and so slow that smaller
 * messages overtake them. */
void Network::post_slowly(Wire *wire) {
    Time &busy = busy_until_[wire->from][wire->to];
    busy = std::max(busy, sim_.now) + wire->bytes() * kSecond / sim_.plan.callers.bandwidth;
    Time at = busy + sim_.plan.delay_min;
    sim_.stats.add(S_SLOW_CONNECTION, at > sim_.now + sim_.plan.tuning.heartbeat * kMs);
    sim_.schedule_delivery(at, wire);
}

void Network::post(Wire *wire) {
    if (sim_.plan.callers.bandwidth != 0 && wire->is_bulk()) {
        post_slowly(wire);
        return;
    }
    Time delay = sim_.random.between(sim_.plan.delay_min, sim_.plan.delay_max);
    if (!sim_.calm && sim_.random.ppm(sim_.plan.long_delay_ppm)) {
        delay = sim_.random.between(delay, sim_.plan.long_delay);
        sim_.stats.add(S_LONG_DELAY, delay > sim_.plan.max_election_timeout() * kMs);
    }
    Time at = sim_.now + delay;
    Time &latest = latest_[wire->from][wire->to];
    sim_.stats.add(S_REORDER, at < latest);
    latest = std::max(latest, at);
    sim_.schedule_delivery(at, wire);
}

void Network::drop(Wire *wire) {
    if (sim_.trace) {
        sim_.note(wire->from, "message %llu to %s lost: %s",
                  static_cast<unsigned long long>(wire->number), name_of(wire->to),
                  describe(wire->m).c_str());
        sim_.trace_message(*wire, true);
    }
    sim_.stats.add(S_CHUNK_LOST, wire->m.type == RAFT_INSTALL_SNAPSHOT);
    sim_.note_loss(*wire);
    if (!sim_.calm && sim_.random.percent(sim_.plan.unreachable_percent)) {
        sim_.schedule(sim_.now + sim_.random.between(1, 50 * kMs), Scheduled::UNREACHABLE,
                      wire->from, sim_.server(wire->from).epoch, wire->to);
    }
    delete wire;
}

bool Network::is_forgotten(const Wire &wire) const {
    uint64_t n = wire.number;
    bool vote = wire.m.type == RAFT_REQUEST_VOTE || wire.m.type == RAFT_REQUEST_VOTE_RESULT ||
                wire.m.type == RAFT_TIMEOUT_NOW;
    return n <= forgotten_ || n <= closed_[wire.from] || n <= closed_[wire.to] ||
           (vote && (n <= voteless_[wire.from] || n <= voteless_[wire.to]));
}

/* In runs in which servers move, a message goes to the address that it names. */
bool Network::is_misaddressed(const Wire &wire) const {
    return sim_.plan.callers.has(C_MOVES) && wire.destination != sim_.server(wire.to).address;
}

void Network::deliver(Wire *wire) {
    Server &to = sim_.server(wire->to);
    if (to.up && is_misaddressed(*wire)) {
        sim_.stats.add(S_OLD_ADDRESS);
        drop(wire);
        return;
    }
    if (!to.up || is_forgotten(*wire)) {
        drop(wire);
        return;
    }
    std::unique_ptr<Wire> owned(wire);
    sim_.stats.add(S_MESSAGE);
    sim_.stats.add(S_TRANSFER_DONE,
                   wire->m.type == RAFT_REQUEST_VOTE && wire->m.request_vote.disrupt_leader);
    if (sim_.trace) {
        sim_.note(wire->to, "receives %llu from %s: %s",
                  static_cast<unsigned long long>(wire->number), name_of(wire->from),
                  describe(wire->m).c_str());
        sim_.trace_message(*wire, false);
    }
    to.receive(*wire);
}

} // namespace sim
