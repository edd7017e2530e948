/* SPDX-License-Identifier: MIT */
/* What a simulated cluster must reach after the last fault: a write commits; all servers agree. */
#include "simulation.hpp"

#include "../driver/linear.hpp"

#include <algorithm>
#include <cstdarg>

namespace sim {

/* A generous bound: delayed messages and acknowledgements, then elections, then whole snapshots. */
Time Simulation::liveness_bound() const {
    Time bound = plan.long_delay + plan.late_ack_max + 25 * kSecond +
                 40 * plan.max_election_timeout() * kMs + 4 * plan.tuning.snapshot_timeout * kMs;
    Time backlog = 0;
    for (auto &s : servers_) { /* perhaps one entry at a time */
        backlog = std::max<Time>(backlog, s->log.entries.size());
    }
    bound += transfer_bound() + plan.callers.late_entries_max;
    uint64_t bytes = backlog * (64 + plan.callers.entry_bytes);
    bound += plan.callers.bandwidth != 0 ? 4 * bytes * kSecond / plan.callers.bandwidth : 0;
    return bound + backlog * 2 * (plan.delay_max + plan.disk_max);
}

/* A leader is elected within so many election timeouts after what is under way has arrived. */
void Simulation::expect_leader() {
    unsigned delay = 0;
    for (raft_id id = 1; id <= plan.servers; id++) {
        delay = std::max(delay, plan.callers.never_leads(id) ? 0 : plan.callers.delay[id]);
    }
    Time bound = plan.long_delay + plan.late_ack_max + plan.callers.chunk_write_max +
                 30 * (plan.max_election_timeout() + delay) * kMs;
    Time start = now;
    while (leader() == nullptr) {
        if (now > start + bound) {
            throw Violation("liveness", format("no leader within %llu ms after the faults",
                                               static_cast<unsigned long long>(bound / kMs)));
        }
        run_until(now + 50 * kMs);
    }
}

void Simulation::expect_write() {
    Time start = now, bound = liveness_bound();
    uint64_t before = clients.writes_done();
    while (clients.writes_done() == before) {
        if (now > start + bound) {
            throw Violation("liveness", format("no write commits within %llu s after the faults",
                                               static_cast<unsigned long long>(bound / kSecond)));
        }
        run_until(now + 100 * kMs);
    }
    run_until(now + kSecond);
}

void Simulation::expect_convergence() {
    clients.stop();
    Time start = now, bound = liveness_bound();
    std::string why;
    while (!converged(&why)) {
        if (now > start + bound) {
            throw Violation("liveness",
                            format("no convergence within %llu s after the faults: %s",
                                   static_cast<unsigned long long>(bound / kSecond), why.c_str()));
        }
        run_until(now + 100 * kMs);
    }
    note(0, "all agree");
}

bool Simulation::converged(std::string *why) {
    Server *l = leader();
    if (l == nullptr) {
        *why = "no leader";
        return false;
    }
    if (l->view.commit != l->view.last || l->view.conf.joint()) {
        *why = format("leader %s has committed %llu of %llu, in %s", l->name(), l->view.commit,
                      l->view.last, l->view.conf.str().c_str());
        return false;
    }
    if (!l->reads.empty()) {
        *why = format("leader %s leaves %zu reads unanswered", l->name(), l->reads.size());
        return false;
    }
    for (const Member &m : l->view.conf.members) {
        Server &s = server(m.id);
        if (m.role != RAFT_SPARE && !s.lost &&
            (s.machine.applied != l->machine.applied || s.machine.digest != l->machine.digest ||
             !(s.view.conf == l->view.conf) || s.view.term != l->view.term)) {
            *why = format("%s applied %llu in %s, leader %s %llu in %s", s.name(),
                          s.machine.applied, s.view.conf.str().c_str(), l->name(),
                          l->machine.applied, l->view.conf.str().c_str());
            return false;
        }
    }
    return true;
}

void Simulation::check_history() const {
    std::vector<driver::linear::Call> calls[kKeys];
    const std::vector<Op> &ops = clients.history();
    for (uint32_t op = history_begin_; op < ops.size(); op++) {
        const Op &o = ops[op];
        bool write = o.kind == Op::WRITE;
        bool known = o.status == Op::DONE;
        if (o.status == Op::FAILED || (!write && (!known || (o.lease && !trusts_leases())))) {
            continue;
        }
        uint32_t value = write                               ? op
                         : o.value == initial_values_[o.key] ? driver::linear::kInitial
                                                             : o.value;
        calls[o.key].push_back(
            {write, value, o.invoked, known ? o.completed : driver::linear::kNever});
    }
    for (unsigned key = 0; key < kKeys; key++) {
        std::string wrong = driver::linear::check(calls[key]);
        if (!wrong.empty()) {
            throw Violation("linearizability", format("register %u: %s", key, wrong.c_str()));
        }
    }
}

} // namespace sim
