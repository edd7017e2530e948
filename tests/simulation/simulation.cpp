/* SPDX-License-Identifier: MIT */
#include "simulation.hpp"

#include "../driver/linear.hpp"

#include <algorithm>
#include <cstdarg>

namespace sim {

Simulation::Simulation(uint64_t own_seed, Broken of_broken, const Plan &own_plan,
                       Trace *trace_or_null, Time least_time, uint64_t least_steps)
    : seed(own_seed),
      broken(of_broken),
      trace(trace_or_null),
      plan(own_plan),
      random(own_seed),
      extra(own_seed ^ 0x6578747261U),
      judge(Judge::kComplete),
      network(*this),
      clients(*this),
      least_time_(least_time),
      least_steps_(least_steps) {
    for (raft_id id = 1; id <= plan.servers; id++) {
        servers_.push_back(std::make_unique<Server>(*this, id));
    }
}

Simulation::~Simulation() {
    for (Scheduled &h : heap_) {
        delete h.wire;
    }
}

void Simulation::schedule(Time at, Scheduled::Kind kind, raft_id server, uint64_t epoch, uint64_t a,
                          unsigned long long b) {
    if (at == UINT64_MAX) {
        return;
    }
    heap_.push_back({at, ++order_, kind, server, epoch, a, b, nullptr});
    std::push_heap(heap_.begin(), heap_.end());
}

void Simulation::schedule_delivery(Time at, Wire *wire) {
    heap_.push_back({at, ++order_, Scheduled::DELIVER, wire->to, 0, 0, 0, wire});
    std::push_heap(heap_.begin(), heap_.end());
}

void Simulation::acknowledge_later(raft_id id, raft_index index, unsigned long long ticket,
                                   Time delay) {
    schedule(now + delay, Scheduled::ACK, id, server(id).epoch, index, ticket);
}

void Simulation::restart_later(raft_id id) {
    Time delay = calm ? kMs : random.skewed(10 * kMs, 10 * kSecond);
    schedule(now + delay, Scheduled::RESTART, id, server(id).epoch);
}

Server *Simulation::leader() {
    Server *best = nullptr;
    for (auto &s : servers_) {
        if (s->up && s->view.leads() && (best == nullptr || s->view.term > best->view.term)) {
            best = s.get();
        }
    }
    return best;
}

void Simulation::entries_leave(const Server &s, raft_index from, bool replaced) {
    for (raft_index i = std::max(from, s.log.first); i <= s.log.last(); i++) {
        const Payload *p = s.log.at(i).payload;
        if (p->mark != kNoOp) {
            clients.removed(p->mark, s.id, replaced);
        }
    }
}

void Simulation::dispatch(const Scheduled &h) {
    if (h.kind == Scheduled::CLIENT) {
        clients.wake(static_cast<unsigned>(h.server), h.epoch);
        return;
    }
    if (h.kind == Scheduled::ADMIN) {
        if (h.server != 0) {
            demote(h.server);
        } else {
            administrate();
        }
        return;
    }
    if (h.kind == Scheduled::FAULT) {
        make_fault();
        return;
    }
    if (h.kind == Scheduled::HEAL) {
        if (!delays_healing()) {
            network.heal();
            note(0, "the network heals");
        }
        return;
    }
    if (h.kind == Scheduled::OPERATOR) {
        operator_acts();
        return;
    }
    if (h.kind == Scheduled::ACT) {
        act();
        return;
    }
    if (h.kind == Scheduled::PAUSE) {
        pause();
        return;
    }
    if (h.kind == Scheduled::DETECT) {
        notice_failure(h.server);
        return;
    }
    if (h.kind == Scheduled::RETIME) {
        continue_retiming();
        return;
    }
    if (h.kind == Scheduled::REDIRECT) {
        redirect();
        return;
    }
    if (h.kind == Scheduled::DELIVER) {
        network.deliver(h.wire);
        return;
    }
    Server &s = server(h.server);
    if (s.lost || h.epoch != s.epoch || s.up == (h.kind == Scheduled::RESTART)) {
        return;
    }
    switch (h.kind) {
        case Scheduled::TIMER:
            s.timer_fired();
            break;
        case Scheduled::EARLY_TIMER:
            s.timer_early();
            break;
        case Scheduled::DISK:
            s.disk_done();
            break;
        case Scheduled::ACK:
            s.acknowledge(h.a, h.b);
            break;
        case Scheduled::RESTART:
            s.boot();
            if (s.up && s.view.last == 0) {
                found_cluster();
            }
            break;
        case Scheduled::UNREACHABLE:
            stats.add(S_UNREACHABLE);
            s.unreachable(h.a);
            break;
        case Scheduled::OVERWRITE:
            continue_overwrite(s, h.a);
            break;
        case Scheduled::FLOOD:
            s.flood(h.a);
            break;
        case Scheduled::LATE_ENTRIES:
            s.send_late(h.a);
            break;
        case Scheduled::DISTURB:
            disturb(s, h.a != 0);
            break;
        case Scheduled::CLOCK_RESUMES:
            s.clock.set_drift(now, plan.server[h.server].drift_ppm);
            s.set_clock();
            break;
        default:
            break;
    }
}

bool Simulation::advance() {
    if (heap_.empty()) {
        return false;
    }
    if (heap_.size() > 200000) {
        throw Violation("bounded work",
                        format("%zu events are scheduled, most of them messages", heap_.size()));
    }
    std::pop_heap(heap_.begin(), heap_.end());
    Scheduled h = heap_.back();
    heap_.pop_back();
    now = std::max(now, h.at);
    dispatch(h);
    if (!calm && random.ppm(plan.timer_early_ppm)) {
        Server &s = server(random.between(1, plan.servers));
        if (s.up && !s.flooded()) {
            s.timer_early();
        }
    }
    if (!calm && random.ppm(plan.setting_ppm)) {
        Server &s = server(random.between(1, plan.servers));
        if (s.up) {
            s.change_setting();
        }
    }
    return true;
}

/* Servers that are to bootstrap, and have not, or lost it in a crash. */
void Simulation::found_cluster() {
    if (founding_over_) {
        return;
    }
    for (raft_id id = 1; id <= plan.bootstrapped; id++) {
        Server &s = server(id);
        if (s.up && s.view.last == 0 && s.view.term <= 1 && s.view.vote == 0) {
            int rc = s.bootstrap(plan.initial);
            if (rc != 0) {
                throw Violation("bootstrap", format("%s gets %d", s.name(), rc));
            }
        }
    }
}

void Simulation::begin() {
    if (trace) {
        note(0, "%s", plan.describe().c_str());
    }
    for (auto &s : servers_) {
        s->boot();
    }
    found_cluster();
    clients.begin();
    if (plan.admin_interval != 0) {
        schedule(plan.admin_interval, Scheduled::ADMIN, 0, 0);
    }
    if (plan.disaster != 0) {
        schedule(plan.disaster, Scheduled::OPERATOR, 0, 0);
    }
    if (plan.callers.has(C_MOVES)) {
        schedule(kSecond, Scheduled::REDIRECT, 0, 0);
    }
    if (plan.callers.interval != 0) {
        schedule(plan.callers.interval, Scheduled::ACT, 0, 0);
    }
    if (plan.callers.has(C_SLEEP)) {
        schedule(plan.callers.awake_max, Scheduled::PAUSE, 0, 0);
    }
    if (plan.faults != 0) {
        schedule(plan.fault_interval, Scheduled::FAULT, 0, 0);
    }
}

void Simulation::run_until(Time end) {
    while (!heap_.empty() && heap_.front().at <= end) {
        advance();
    }
    now = std::max(now, end);
}

void Simulation::run() {
    begin();
    Time end = broken == Broken::SHORT_RUN ? least_time_ / 2 : least_time_;
    run_until(end);
    while ((stats.n[S_STEP] < least_steps_ || recovery_under_way()) && end < 20 * least_time_) {
        end += kSecond;
        run_until(end);
        if (end > 5 * least_time_) { /* too many faults for enough steps */
            plan.faults = 0;
            plan.callers.pause_max = 0;
        }
    }
    if (recovery_under_way()) {
        throw Violation("recovery", "it does not end");
    }
    if (now < least_time_ || stats.n[S_STEP] < least_steps_) {
        throw Violation("length of a run",
                        format("%llu s, %llu steps", static_cast<unsigned long long>(now / kSecond),
                               static_cast<unsigned long long>(stats.n[S_STEP])));
    }
    end_faults();
    wake_if_all_sleep();
    expect_leader();
    expect_write();
    move_majority();
    expect_catch_up_under_load();
    if (lose_minority_during_install()) {
        expect_write();
    }
    expect_convergence();
    expect_counted_losses();
    expect_sleep_and_waking();
    for (auto &s : servers_) {
        if (s->up) {
            s->check_thoroughly();
        }
    }
    check_history();
    stats.add(S_SECONDS, now / kSecond);
    stats.add(S_COMMIT, judge.entries_committed);
    stats.add(S_CHANGE_DONE, judge.changes_committed);
}

void Simulation::end_faults() {
    note(0, "the faults stop");
    calm = true;
    paused_until_ = 0;
    if (broken != Broken::PERMANENT_PARTITION) {
        network.heal();
    } else {
        for (raft_id id = 1; id <= plan.servers; id++) {
            network.split(1U << id, true, true);
        }
    }
    for (raft_id id = 1; id <= plan.servers; id++) {
        Server &s = server(id);
        s.capacity = UINT16_MAX;
        s.disk_slowness = 1;
        if (s.lost) {
            continue;
        }
        if (!s.up) {
            s.next_codec = std::max(s.codec, s.next_codec); /* it was not silent for long enough */
            s.boot();
        } else {
            s.clock.set_drift(now, plan.server[id].drift_ppm);
            s.set_clock();
        }
    }
    found_cluster();
}

void Simulation::record_step(const Server &s, const raft_update &u) {
    const View &v = s.view;
    for (uint64_t x :
         {now, uint64_t{s.id}, uint64_t{s.clock.read(now)}, uint64_t{s.event_type},
          uint64_t{u.flags}, uint64_t{v.term}, uint64_t{v.vote}, static_cast<uint64_t>(v.state),
          uint64_t{v.commit}, uint64_t{v.timeout}, uint64_t{v.last}, uint64_t{v.first},
          uint64_t{v.stored}, uint64_t{v.snapshot}, uint64_t{v.leader}, uint64_t{v.conf_index}}) {
        record(x);
    }
    for (const raft_message &m : messages_of(u)) {
        record(m.server_id);
        record(m.type);
        record(term_of(m));
    }
}

void Simulation::note(raft_id id, const char *pattern, ...) {
    if (trace == nullptr) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, pattern);
    vsnprintf(text, sizeof text, pattern, args);
    va_end(args);
    trace->line(now, id, text);
}

void Simulation::note_loss(const Wire &wire) {
    bool answer = wire.m.type == RAFT_APPEND_ENTRIES_RESULT;
    bool bulk = wire.is_bulk();
    if (bulk || answer) {
        server(answer ? wire.to : wire.from).note_loss(answer ? wire.from : wire.to);
    }
    stats.add(S_LOSS_REPORTED, bulk && !calm && plan.unreachable_percent == 100);
}

void Simulation::trace_role(raft_id id, int state, raft_term term) {
    if (trace) {
        trace->role(now, id, state, term);
    }
}

void Simulation::trace_commit(raft_id id, raft_index index) {
    if (trace) {
        trace->commit(now, id, index);
    }
}

void Simulation::trace_server(const Server &s) {
    if (trace) {
        trace->server(now, s.id, s.view, s.asleep());
    }
}

void Simulation::trace_message(const Wire &wire, bool lost) {
    if (trace) {
        trace->message(wire.sent, now, wire.from, wire.to, wire.m, lost);
    }
}

} // namespace sim
