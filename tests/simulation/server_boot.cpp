/* SPDX-License-Identifier: MIT */
/* Settings, RAFT_START, crash. Allocations may fail here, too. */
#include "../observe/failing_memory.hpp"
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {

/* A setter needs no memory. */
template <class Value>
int Server::attempt(int (*setter)(raft *, Value), std::type_identity_t<Value> value) {
    const bool inject = !sim_.calm && sim_.plan.nomem_ppm != 0 && sim_.random.percent(20);
    if (inject) {
        failing_memory::arm(1, sim_.random.percent(50));
    }
    int rc = setter(handle(), value);
    if (inject && failing_memory::disarm()) {
        throw Violation("memory", "a setter allocates");
    }
    sim_.stats.add(S_SETTER_WITHOUT_MEMORY, inject);
    if (rc == 0 && failures_.prepared()) {
        rc = setter(failures_.clone(), value);
    }
    return rc;
}

void Server::configure() {
    if (!sim_.calm && sim_.plan.nomem_ppm != 0 && sim_.random.percent(20)) {
        failing_memory::arm(1, true);
        int rc = init();
        bool starved = failing_memory::disarm();
        if (starved != (rc == RAFT_NOMEM) || (rc != 0 && raft_current_term(handle()) != 0)) {
            throw Violation("memory", format("raft_init gets %d", rc));
        }
        sim_.stats.add(S_NOMEM_INIT, starved);
        raft_close(handle()); /* harmless, even if raft_init failed */
    }
    int rc = init();
    if (rc != 0) {
        throw Violation("setters", format("raft_init fails with %d", rc));
    }
    tuning_ = sim_.plan.tuning;
    const Tuning &t = tuning_;
    auto seed = static_cast<unsigned>(sim_.random.next());
    rc |= attempt(raft_seed, seed);
    rc |= attempt(raft_set_election_timeout, plan_.election_timeout);
    rc |= attempt(raft_set_heartbeat_timeout, t.heartbeat);
    rc |= attempt(raft_set_install_snapshot_timeout, t.snapshot_timeout);
    rc |= attempt(raft_set_pre_vote, t.pre_vote && codec > kFirst);
    rc |= attempt(raft_set_max_catch_up_rounds, t.catch_up_rounds);
    rc |= attempt(raft_set_max_catch_up_round_duration, t.catch_up_duration);
    rc |= attempt(raft_set_max_inflight_entries, t.inflight);
    rc |= attempt(raft_set_max_message_entries, t.message_entries);
    rc |= attempt(raft_set_max_uncommitted_entries, t.uncommitted);
    rc |= attempt(raft_set_capacity_threshold, static_cast<unsigned short>(t.capacity_threshold));
    rc |= attempt(raft_set_features, transmitted());
    if (sim_.plan.callers.has(C_SLEEP)) {
        rc |= attempt(raft_set_idle_timeout, idle_timeout());
    }
    delay_ = sim_.plan.callers.delay[id];
    if (delay_ != 0 && sim_.broken != Broken::UNSET_DELAY) {
        rc |= attempt(raft_set_election_delay, delay_);
        sim_.stats.add(delay_ == UINT32_MAX ? S_NEVER_LEADS : S_DELAYED);
    }
    if (eager_) {
        rc |= attempt(raft_set_eager_commit, 1);
    }
    if (rc != 0) {
        throw Violation("setters", format("fail with %d", rc));
    }
}

/* Change a setting of a running server, sometimes to an illegal value. */
void Server::change_setting() {
    Random &random = sim_.random;
    Tuning t = tuning_;
    bool legal = random.percent(85);
    unsigned small = legal ? static_cast<unsigned>(random.between(1, 64)) : 0;
    struct {
        int (*setter)(raft *, unsigned);
        unsigned &field;
        bool judged; /* false: every value is legal */
    } const settings[] = {
        {raft_set_heartbeat_timeout, t.heartbeat, true},
        {raft_set_install_snapshot_timeout, t.snapshot_timeout, true},
        {raft_set_max_inflight_entries, t.inflight, true},
        {raft_set_max_catch_up_rounds, t.catch_up_rounds, true},
        {raft_set_max_catch_up_round_duration, t.catch_up_duration, true},
        {raft_set_max_message_entries, t.message_entries, false},
        {raft_set_max_uncommitted_entries, t.uncommitted, false},
        {nullptr, small, false},
    };
    const auto &s = settings[random.below(8)];
    int rc;
    if (s.setter == nullptr) {
        t.pre_vote = codec > kFirst && small % 4 != 0;
        rc = attempt(raft_set_pre_vote, t.pre_vote);
    } else {
        unsigned election = plan_.election_timeout;
        auto between = [&](unsigned low, unsigned high) {
            return static_cast<unsigned>(random.between(low, high));
        };
        /* It must exceed the time that a chunk takes. */
        unsigned least =
            sim_.plan.callers.chunk_write_max != 0 ? sim_.plan.tuning.snapshot_timeout : 200;
        s.field = &s.field == &t.heartbeat
                      ? legal ? between(10, std::max(10U, election / 4)) : election
                  : &s.field == &t.snapshot_timeout
                      ? legal ? between(least, sim_.plan.tuning.snapshot_timeout) : 0
                  : &s.field == &t.catch_up_duration ? 20 * small
                  : &s.field == &t.message_entries   ? small / 4
                                                     : small;
        rc = attempt(s.setter, s.field);
    }
    bool refused = s.judged && !legal;
    if (rc != (refused ? int{RAFT_INVALID} : 0)) {
        throw Violation("setters", format("one of %s gets %d", name(), rc));
    }
    sim_.stats.add(refused ? S_BAD_REQUEST : S_SETTING);
    if (!refused) {
        tuning_ = t;
    }
    View now = view;
    now.capture(handle());
    bool heartbeat = view.leads() && s.setter == raft_set_heartbeat_timeout;
    if ((heartbeat && !asleep_) || (asleep_ && s.setter == nullptr)) {
        view.timeout = now.timeout; /* it takes effect at once */
        view.due_to_wake = now.due_to_wake;
        arm_timer();
    }
    if (const std::string what = view.difference(now); !what.empty()) {
        throw Violation("setters", format("on %s: %s", name(), what.c_str()));
    }
    setting_changed();
}

void Server::boot() {
    if (codec != next_codec) { /* connections are closed while it is down */
        codec = next_codec;
        sim_.network.forget(id);
    }
    if (sim_.plan.upgrades && codec < sim_.plan.newest_codec && !sim_.calm &&
        sim_.random.percent(25)) {
        codec = next_codec = sim_.plan.newest_codec;
        sim_.stats.add(S_UPGRADE);
    }
    sim_.stats.add(S_MOVED, address != next_address);
    address = next_address;
    clock.start(sim_.now, sim_.random.skewed(0, 1000000000), plan_.drift_ppm);
    if (plan_.drift_ppm > 1000 || plan_.drift_ppm < -1000) {
        sim_.stats.add(S_CLOCK_DRIFT);
    }
    configure();
    if (sim_.plan.callers.has(C_UNREAD_START)) {
        unread_start_ = sim_.extra.percent(70);
        unrecorded_ = sim_.extra.percent(30);
        sim_.stats.add(S_UNREAD_START, unread_start_ && disk.log.entries.size() > 1);
        sim_.stats.add(S_UNRECORDED, unrecorded_ && disk.snapshot != nullptr);
    }
    sim_.break_disk(disk);
    part_of_ = 0;
    parts_lost++;
    snapshot_pending_ = 0;
    meta_written_ = meta_durable_ = 0;
    timer_at_ = UINT64_MAX;
    past_ = Past();
    asleep_ = was_asleep_ = false;
    done_.clear();
    std::fill(std::begin(echoes_), std::end(echoes_), Echo());
    machine = Machine();
    load();
    refuse_start();
    raft_event e = start_event(log.first);
    sim_.note(id, "boots: term %llu, vote %llu, log %llu..%llu, snapshot %llu", disk.term,
              disk.vote, log.first, log.last(), snapshot != nullptr ? snapshot->index : 0);
    int rc = step(e);
    if (rc != 0) {
        throw Violation("restart",
                        format("%s: START gets %d (%s)", name(), rc, raft_errmsg(handle())));
    }
    if (up) {
        arm_timer();
    }
}

void Server::down() {
    failures_.forget();
    size_t total = disk.steps();
    size_t keep = sim_.random.percent(30) ? 0 : sim_.random.below(total + 1);
    sim_.stats.add(S_CRASH_TORN, keep > 0 && keep < total);
    Driver::crash(keep);
    held_.clear();
    later_.clear();
    trimmed_.clear();
    withhold_ = false;
    flooded_until_ = 0;
    sim_.stats.add(S_DIED_ASLEEP, asleep_ && view.leads());
    asleep_ = false;
    sim_.judge.forget_unseen(id, disk.term);
    sim_.clients.server_died(id);
    sim_.detect_failure(id);
}

void Server::crash(const char *why) {
    sim_.note(id, "crashes: %s; %zu writes under way", why, disk.queue.size());
    sim_.stats.add(S_CRASH);
    down();
    sim_.restart_later(id);
}

void Server::stop(const char *why) {
    sim_.note(id, "crashes: %s", why);
    if (up) {
        down();
    } else {
        epoch++; /* cancels a scheduled restart */
    }
}

void Server::lose_disk() { disk = Disk(); }

} // namespace sim
