/* SPDX-License-Identifier: MIT */
#include "world.hpp"

#include "../driver/linear.hpp"

#include <algorithm>
#include <cstdarg>

namespace sim {

World::World(uint64_t own_seed, Sabotage sabotaged, Story *story_or_null, Time least_time,
             uint64_t least_steps)
    : seed(own_seed),
      sabotage(sabotaged),
      story(story_or_null),
      plan(own_seed, sabotaged),
      random(own_seed),
      judge(Judge::kComplete),
      network(*this),
      clients(*this),
      least_time_(least_time),
      least_steps_(least_steps) {
    for (raft_id id = 1; id <= plan.servers; id++) {
        servers_.push_back(std::make_unique<Server>(*this, id));
    }
}

World::~World() {
    for (Happening &h : heap_) {
        delete h.wire;
    }
}

void World::schedule(Time at, Happening::Kind kind, raft_id server, uint64_t epoch, uint64_t a,
                     unsigned long long b) {
    if (at == UINT64_MAX) {
        return;
    }
    heap_.push_back({at, ++order_, kind, server, epoch, a, b, nullptr});
    std::push_heap(heap_.begin(), heap_.end());
}

void World::schedule_delivery(Time at, Wire *wire) {
    heap_.push_back({at, ++order_, Happening::DELIVER, wire->to, 0, 0, 0, wire});
    std::push_heap(heap_.begin(), heap_.end());
}

void World::acknowledge_later(raft_id id, raft_index index, unsigned long long ticket, Time delay) {
    schedule(now + delay, Happening::ACK, id, server(id).epoch, index, ticket);
}

void World::restart_later(raft_id id) {
    Time delay = calm ? kMs : random.skewed(10 * kMs, 10 * kSecond);
    schedule(now + delay, Happening::RESTART, id, server(id).epoch);
}

Server *World::leader() {
    Server *best = nullptr;
    for (auto &s : servers_) {
        if (s->up && s->view.leads() && (best == nullptr || s->view.term > best->view.term)) {
            best = s.get();
        }
    }
    return best;
}

void World::entries_leave(const Server &s, raft_index from, bool replaced) {
    for (raft_index i = std::max(from, s.log.first); i <= s.log.last(); i++) {
        const Payload *p = s.log.at(i).payload;
        if (p->mark != kNoOp) {
            clients.removed(p->mark, s.id, replaced);
        }
    }
}

void World::dispatch(const Happening &h) {
    if (h.kind == Happening::CLIENT) {
        clients.wake(static_cast<unsigned>(h.server), h.epoch);
        return;
    }
    if (h.kind == Happening::CHURN) {
        if (h.server != 0) {
            demote(h.server);
        } else {
            churn();
        }
        return;
    }
    if (h.kind == Happening::TROUBLE) {
        make_trouble();
        return;
    }
    if (h.kind == Happening::HEAL) {
        if (!delays_healing()) {
            network.heal();
            say(0, "the network heals");
        }
        return;
    }
    if (h.kind == Happening::OPERATOR) {
        operate();
        return;
    }
    if (h.kind == Happening::DELIVER) {
        network.deliver(h.wire);
        return;
    }
    Server &s = server(h.server);
    if (s.gone || h.epoch != s.epoch || s.up == (h.kind == Happening::RESTART)) {
        return;
    }
    switch (h.kind) {
        case Happening::TIMER:
            s.timer_fired();
            break;
        case Happening::EARLY_TIMER:
            s.timer_early();
            break;
        case Happening::DISK:
            s.disk_done();
            break;
        case Happening::ACK:
            s.acknowledge(h.a, h.b);
            break;
        case Happening::RESTART:
            s.boot();
            if (s.up && s.view.last == 0) {
                found_cluster();
            }
            break;
        case Happening::UNREACHABLE:
            stats.add(S_UNREACHABLE);
            s.unreachable(h.a);
            break;
        case Happening::FLIP:
            go_on_flip(s, h.a);
            break;
        case Happening::UPSET:
            upset(s, h.a != 0);
            break;
        case Happening::CLOCK_RESUMES:
            s.clock.set_drift(now, plan.server[h.server].drift_ppm);
            s.set_clock();
            break;
        default:
            break;
    }
}

bool World::advance() {
    if (heap_.empty()) {
        return false;
    }
    if (heap_.size() > 200000) {
        throw Violation("bounded work",
                        format("%zu things under way, most of them messages", heap_.size()));
    }
    std::pop_heap(heap_.begin(), heap_.end());
    Happening h = heap_.back();
    heap_.pop_back();
    now = std::max(now, h.at);
    dispatch(h);
    if (!calm && random.ppm(plan.timer_early_ppm)) {
        Server &s = server(random.between(1, plan.servers));
        if (s.up) {
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

/* Those that shall bootstrap, and have not, or lost it in a crash. */
void World::found_cluster() {
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

void World::begin() {
    if (story) {
        say(0, "%s", plan.describe().c_str());
    }
    for (auto &s : servers_) {
        s->boot();
    }
    found_cluster();
    clients.begin();
    if (plan.churn_interval != 0) {
        schedule(plan.churn_interval, Happening::CHURN, 0, 0);
    }
    if (plan.disaster != 0) {
        schedule(plan.disaster, Happening::OPERATOR, 0, 0);
    }
    if (plan.troubles != 0) {
        schedule(plan.trouble_interval, Happening::TROUBLE, 0, 0);
    }
}

void World::live_until(Time end) {
    while (!heap_.empty() && heap_.front().at <= end) {
        advance();
    }
    now = std::max(now, end);
}

void World::run() {
    begin();
    Time end = sabotage == Sabotage::SHORT_LIFE ? least_time_ / 2 : least_time_;
    live_until(end);
    while ((stats.n[S_STEP] < least_steps_ || busy_operator()) && end < 20 * least_time_) {
        end += kSecond;
        live_until(end);
        if (end > 5 * least_time_) { /* nothing but trouble, and so no steps */
            plan.troubles = 0;
        }
    }
    if (busy_operator()) {
        throw Violation("recovery", "it never ends");
    }
    if (now < least_time_ || stats.n[S_STEP] < least_steps_) {
        throw Violation("length of a world",
                        format("%llu s, %llu steps", static_cast<unsigned long long>(now / kSecond),
                               static_cast<unsigned long long>(stats.n[S_STEP])));
    }
    end_faults();
    expect_write();
    if (bereave()) {
        expect_write();
    }
    expect_convergence();
    for (auto &s : servers_) {
        if (s->up) {
            s->check_thoroughly();
        }
    }
    check_history();
    stats.add(S_WORLD_SECONDS, now / kSecond);
    stats.add(S_COMMIT, judge.entries_committed);
    stats.add(S_CHANGE_DONE, judge.changes_committed);
}

void World::end_faults() {
    say(0, "the faults stop");
    calm = true;
    if (sabotage != Sabotage::ETERNAL_PARTITION) {
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
        if (s.gone) {
            continue;
        }
        if (!s.up) {
            s.boot();
        } else {
            s.clock.set_drift(now, plan.server[id].drift_ppm);
            s.set_clock();
        }
    }
    found_cluster();
}

/* Old messages and acknowledgements may still come for a while; then elections, and
 * whole snapshots where needed, with some room. */
Time World::patience() const {
    Time bound = plan.long_delay + plan.late_ack_max + 25 * kSecond +
                 40 * plan.max_election_timeout() * kMs + 4 * plan.tuning.snapshot_timeout * kMs;
    Time backlog = 0;
    for (auto &s : servers_) { /* one entry at a time, if need be */
        backlog = std::max<Time>(backlog, s->log.entries.size());
    }
    return bound + backlog * 2 * (plan.delay_max + plan.disk_max);
}

void World::expect_write() {
    Time start = now, bound = patience();
    uint64_t before = clients.writes_done();
    while (clients.writes_done() == before) {
        if (now > start + bound) {
            throw Violation("liveness", format("no write commits within %llu s after the faults",
                                               static_cast<unsigned long long>(bound / kSecond)));
        }
        live_until(now + 100 * kMs);
    }
    live_until(now + kSecond);
}

void World::expect_convergence() {
    clients.stop();
    Time start = now, bound = patience();
    std::string why;
    while (!converged(&why)) {
        if (now > start + bound) {
            throw Violation("liveness",
                            format("no convergence within %llu s after the faults: %s",
                                   static_cast<unsigned long long>(bound / kSecond), why.c_str()));
        }
        live_until(now + 100 * kMs);
    }
    say(0, "all agree");
}

bool World::converged(std::string *why) {
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
        if (m.role != RAFT_SPARE && !s.gone &&
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

void World::check_history() const {
    std::vector<driver::linear::Call> calls[kKeys];
    const std::vector<Op> &ops = clients.history();
    for (uint32_t op = era_begin_; op < ops.size(); op++) {
        const Op &o = ops[op];
        bool write = o.kind == Op::WRITE;
        bool known = o.status == Op::DONE;
        if (o.status == Op::FAILED || (!write && (!known || (o.lease && !trusts_leases())))) {
            continue;
        }
        uint32_t value = write                           ? op
                         : o.value == era_values_[o.key] ? driver::linear::kInitial
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

void World::record_step(const Server &s, const raft_update &u) {
    const View &v = s.view;
    for (uint64_t x :
         {now, uint64_t{s.id}, uint64_t{s.clock.read(now)}, uint64_t{s.event_type},
          uint64_t{u.flags}, uint64_t{v.term}, uint64_t{v.vote}, static_cast<uint64_t>(v.state),
          uint64_t{v.commit}, uint64_t{v.timeout}, uint64_t{v.last}, uint64_t{v.first},
          uint64_t{v.stored}, uint64_t{v.snapshot}, uint64_t{v.leader}, uint64_t{v.conf_index}}) {
        record(x);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        const raft_message &m = u.messages.batch[i];
        record(m.server_id);
        record(m.type);
        record(term_of(m));
    }
}

void World::say(raft_id id, const char *pattern, ...) {
    if (story == nullptr) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, pattern);
    vsnprintf(text, sizeof text, pattern, args);
    va_end(args);
    story->line(now, id, text);
}

void World::story_role(raft_id id, int state, raft_term term) {
    if (story) {
        story->role(now, id, state, term);
    }
}

void World::story_commit(raft_id id, raft_index index) {
    if (story) {
        story->commit(now, id, index);
    }
}

void World::story_message(const Wire &wire) {
    if (story) {
        story->message(wire.sent, now, wire.from, wire.to, wire.m.type);
    }
}

} // namespace sim
