/* SPDX-License-Identifier: MIT */
/* How a server begins and ends: settings, START, crash. Memory may fail here, too. */
#include "server.hpp"

#include "memory.hpp"
#include "world.hpp"

#include <algorithm>

namespace sim {

/* A setter that failed changed nothing and may be called again. */
template <class Setter>
int Server::attempt(Setter set) {
    Twin before;
    bool inject = !w_.calm && w_.plan.nomem_ppm != 0 && w_.random.percent(20);
    if (inject) {
        before.fork(*handle());
        memory::arm(1, w_.random.percent(50));
    }
    int rc = set(handle());
    bool starved = inject && memory::disarm();
    if (rc == RAFT_NOMEM) {
        if (!starved) {
            throw Violation("memory", "RAFT_NOMEM from a setter though no allocation failed");
        }
        w_.stats.add(S_NOMEM_SETTER);
        before.spared(*handle(), name());
        rc = set(handle());
    }
    if (rc == 0 && twin_.handle() != nullptr) {
        rc = set(twin_.handle());
    }
    return rc;
}

void Server::configure() {
    if (!w_.calm && w_.plan.nomem_ppm != 0 && w_.random.percent(20)) {
        memory::arm(1, true);
        int rc = raft_init(handle(), id, address_of(id, port));
        bool starved = memory::disarm();
        if (starved != (rc == RAFT_NOMEM) || (rc != 0 && raft_current_term(handle()) != 0)) {
            throw Violation("memory", format("raft_init gets %d", rc));
        }
        w_.stats.add(S_NOMEM_INIT, starved);
        raft_close(handle()); /* harmless, whatever raft_init said */
    }
    int rc = raft_init(handle(), id, address_of(id, port));
    if (rc != 0) {
        throw Violation("setters", format("raft_init fails with %d", rc));
    }
    tuning_ = w_.plan.tuning;
    const Tuning &t = tuning_;
    auto seed = static_cast<unsigned>(w_.random.next());
    unsigned election = plan_.election_timeout;
    bool pre_vote = t.pre_vote && vintage > kFirst;
    unsigned features = vintage >= kOurs ? plan_.features : 0;
    rc |= attempt([&](raft *r) { return raft_seed(r, seed); });
    rc |= attempt([&](raft *r) { return raft_set_election_timeout(r, election); });
    rc |= attempt([&](raft *r) { return raft_set_heartbeat_timeout(r, t.heartbeat); });
    rc |=
        attempt([&](raft *r) { return raft_set_install_snapshot_timeout(r, t.snapshot_timeout); });
    rc |= attempt([&](raft *r) { return raft_set_pre_vote(r, pre_vote); });
    rc |= attempt([&](raft *r) { return raft_set_max_catch_up_rounds(r, t.catch_up_rounds); });
    rc |= attempt(
        [&](raft *r) { return raft_set_max_catch_up_round_duration(r, t.catch_up_duration); });
    rc |= attempt([&](raft *r) { return raft_set_max_inflight_entries(r, t.inflight); });
    rc |= attempt([&](raft *r) { return raft_set_max_message_entries(r, t.message_entries); });
    rc |= attempt([&](raft *r) { return raft_set_max_uncommitted_entries(r, t.uncommitted); });
    auto threshold = static_cast<unsigned short>(t.capacity_threshold);
    rc |= attempt([&](raft *r) { return raft_set_capacity_threshold(r, threshold); });
    rc |= attempt([&](raft *r) { return raft_set_features(r, features); });
    if (rc != 0) {
        throw Violation("setters", format("fail with %d", rc));
    }
}

/* While it runs; sometimes to what is not allowed. */
void Server::change_setting() {
    Random &random = w_.random;
    Tuning t = tuning_;
    bool legal = random.percent(85);
    unsigned small = legal ? static_cast<unsigned>(random.between(1, 64)) : 0;
    int rc = 0;
    bool judged = true; /* can the value be wrong? */
    switch (random.below(8)) {
        case 0:
            t.heartbeat = legal ? static_cast<unsigned>(
                                      random.between(10, std::max(10U, plan_.election_timeout / 4)))
                                : plan_.election_timeout;
            rc = attempt([&](raft *r) { return raft_set_heartbeat_timeout(r, t.heartbeat); });
            break;
        case 1:
            t.snapshot_timeout =
                legal ? static_cast<unsigned>(random.between(200, w_.plan.tuning.snapshot_timeout))
                      : 0;
            rc = attempt(
                [&](raft *r) { return raft_set_install_snapshot_timeout(r, t.snapshot_timeout); });
            break;
        case 2:
            t.inflight = small;
            rc = attempt([&](raft *r) { return raft_set_max_inflight_entries(r, small); });
            break;
        case 3:
            t.catch_up_rounds = small;
            rc = attempt([&](raft *r) { return raft_set_max_catch_up_rounds(r, small); });
            break;
        case 4:
            t.catch_up_duration = 20 * small;
            rc = attempt(
                [&](raft *r) { return raft_set_max_catch_up_round_duration(r, 20 * small); });
            break;
        case 5:
            judged = false;
            t.message_entries = small / 4;
            rc = attempt([&](raft *r) { return raft_set_max_message_entries(r, small / 4); });
            break;
        case 6:
            judged = false;
            t.uncommitted = small;
            rc = attempt([&](raft *r) { return raft_set_max_uncommitted_entries(r, small); });
            break;
        default:
            judged = false;
            t.pre_vote = vintage > kFirst && small % 4 != 0;
            rc = attempt([&](raft *r) { return raft_set_pre_vote(r, t.pre_vote); });
    }
    bool refused = judged && !legal;
    if (rc != (refused ? int{RAFT_INVALID} : 0)) {
        throw Violation("setters", format("one of %s gets %d", name(), rc));
    }
    w_.stats.add(refused ? S_BAD_REQUEST : S_SETTING);
    if (!refused) {
        tuning_ = t;
    }
    Face now = face;
    now.capture(handle());
    if (const char *what = face.difference(now)) {
        throw Violation("setters", format("%s of %s changed", what, name()));
    }
}

void Server::boot() {
    epoch++;
    up = true;
    if (w_.plan.upgrades && vintage < kOurs && !w_.calm && w_.random.percent(25)) {
        vintage = kOurs;
        w_.stats.add(S_UPGRADE);
    }
    w_.stats.add(S_MOVED, port != next_port);
    port = next_port;
    clock.start(w_.now, w_.random.skewed(0, 1000000000), plan_.drift_ppm);
    if (plan_.drift_ppm > 1000 || plan_.drift_ppm < -1000) {
        w_.stats.add(S_CLOCK_DRIFT);
    }
    configure();
    w_.sabotage_restart(disk);
    if (disk.log.entries.empty()) { /* where the next entry goes */
        disk.log.reset(disk.snapshot != nullptr ? disk.snapshot->index + 1 : 1);
    }
    log = disk.log;
    snap = disk.snapshot;
    previous_snap_ = nullptr;
    machine = Machine();
    if (snap != nullptr) {
        restore(*snap);
    }
    confs_.clear();
    std::fill(std::begin(known_ports_), std::end(known_ports_), 0);
    rebuild_configurations();
    incoming_ = Snapshot();
    chunk_outstanding_ = false;
    half_of_ = 0;
    snapshot_pending_ = 0;
    ticket_ = replaced_by_ = 0;
    meta_written_ = meta_durable_ = 0;
    timer_at_ = UINT64_MAX;
    past_ = Past();
    done_.clear();
    std::fill(std::begin(echoes_), std::end(echoes_), Echo());
    std::fill(std::begin(heard_port_), std::end(heard_port_), -1);
    start();
}

/* What is on the disk, of the log what begins at this index; lent until the next event. */
raft_event Server::start_event(raft_index from, raft_snapshot_metadata *metadata) {
    raft_event e = {};
    e.type = RAFT_START;
    e.start.term = disk.term;
    e.start.voted_for = disk.vote;
    loan_.clear();
    if (snap != nullptr) {
        *metadata = {snap->index, snap->term, loan_.lend(snap->conf), snap->conf_index};
        e.start.metadata = metadata;
    }
    if (!log.entries.empty()) {
        loan_.lend(&log.at(from), static_cast<size_t>(log.last() - from + 1));
        e.start.start_index = from;
        e.start.entries = loan_.entries.data();
        e.start.n_entries = static_cast<unsigned>(loan_.entries.size());
    }
    return e;
}

void Server::start() {
    face = Face();
    face.capture(handle());
    face.term = disk.term; /* START's flags are relative to what it is given */
    face.vote = disk.vote;
    refuse_start();
    raft_snapshot_metadata metadata = {};
    raft_event e = start_event(log.first, &metadata);
    w_.say(id, "boots: term %llu, vote %llu, log %llu..%llu, snapshot %llu", disk.term, disk.vote,
           log.first, log.last(), snap != nullptr ? snap->index : 0);
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
    twin_.forget();
    raft_close(handle());
    if (disk.crash(w_.random)) {
        w_.stats.add(S_CRASH_TORN);
    }
    up = false;
    epoch++;
    for (Held &h : held_) {
        delete h.wire;
    }
    held_.clear();
    w_.judge.forget_unseen(id, disk.term);
    w_.clients.server_died(id);
}

void Server::crash(const char *why) {
    w_.say(id, "crashes: %s; %zu writes under way", why, disk.queue.size());
    w_.stats.add(S_CRASH);
    down();
    w_.restart_later(id);
}

void Server::stop(const char *why) {
    w_.say(id, "crashes: %s", why);
    if (up) {
        down();
    } else {
        epoch++; /* no restart that is under way */
    }
}

void Server::lose_disk() { disk = Disk(); }

} // namespace sim
