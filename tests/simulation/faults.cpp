/* SPDX-License-Identifier: MIT */
/* The faults that a simulation injects, by its plan. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {

void Simulation::make_fault() {
    if (calm) {
        return;
    }
    schedule(now + random.between(1, 2 * plan.fault_interval), Scheduled::FAULT, 0, 0);
    unsigned kind = 1U << random.below(F_KINDS);
    if ((plan.faults & kind) == 0) {
        return;
    }
    switch (kind) {
        case F_CRASH:
            crash_some();
            break;
        case F_CRASH_ALL:
            crash_all();
            break;
        case F_PARTITION:
        case F_ONE_WAY:
        case F_ISOLATE_LEADER:
            cut_network(kind);
            break;
        case F_DISK_SLOW:
        case F_DISK_STALL:
            disturb_disk(kind);
            break;
        case F_CAPACITY:
            disturb_capacity();
            break;
        case F_OVERWRITE:
            begin_overwrite();
            break;
        default:
            disturb_clock(kind);
    }
}

void Simulation::crash_some() {
    Server *l = leader();
    Server &s = l != nullptr && random.percent(50) ? *l : server(random.between(1, plan.servers));
    if (s.up) {
        s.crash("power");
    }
}

void Simulation::crash_all() {
    stats.add(S_CRASH_ALL);
    for (auto &s : servers_) {
        if (s->up) {
            s->crash("power everywhere");
        }
    }
}

/* Crash a server, or isolate it for a while. */
void Simulation::disturb(Server &s, bool crash) {
    if (calm || recovery_under_way()) {
        return;
    }
    if (crash) {
        s.crash("at a bad moment");
        return;
    }
    note(s.id, "is isolated");
    stats.add(S_PARTITION);
    network.split(1U << s.id, true, true);
    schedule(now + random.skewed(200 * kMs, 8 * kSecond), Scheduled::HEAL, 0, 0);
}

void Simulation::disturb_soon(raft_id id, unsigned percent, Time within) {
    if (!calm && random.percent(plan.disturb_percent) && random.percent(percent)) {
        schedule(now + random.between(0, within), Scheduled::DISTURB, id, server(id).epoch,
                 random.percent(60));
    }
}

/* A leader reaches only one server, its witness. Then both are isolated until another server leads,
 * which reaches only the old leader: that drops entries that the witness still has, and that are
 * committed later. */
void Simulation::begin_overwrite() {
    Server *l = leader();
    if (l == nullptr || recovery_under_way() || l->view.conf.voters() < 5) {
        return;
    }
    raft_id witness = l->view.conf.members[random.below(l->view.conf.members.size())].id;
    if (witness == l->id || l->view.conf.role_of(witness) != RAFT_VOTER) {
        return;
    }
    for (raft_id id = 1; id <= plan.servers; id++) {
        if (id != witness) {
            network.cut(l->id, id);
        }
    }
    stats.add(S_PARTITION_ONE_WAY);
    note(l->id, "reaches only %s", name_of(witness));
    schedule(now + random.between(50, 400) * kMs, Scheduled::OVERWRITE, l->id, l->epoch, witness);
}

void Simulation::continue_overwrite(Server &old_leader, raft_id witness) {
    if (calm || recovery_under_way()) {
        return;
    }
    network.heal();
    if (old_leader.view.leads()) {
        network.split(1U << old_leader.id | 1U << witness, true, true);
        overwriting_ = old_leader.id;
        schedule(now + 8 * kSecond, Scheduled::HEAL, 0, 0);
    }
}

/* A new leader reaches only a server with a conflicting log. That one drops entries that others may
 * still have and commit later. */
void Simulation::isolate_winner(const Server &winner) {
    if (calm || recovery_under_way()) {
        return;
    }
    if (overwriting_ != 0 && overwriting_ != winner.id) {
        network.heal();
        network.split(1U << winner.id | 1U << overwriting_, true, true);
        schedule(now + random.between(3, 8) * kSecond, Scheduled::HEAL, 0, 0);
        overwriting_ = 0;
        return;
    }
    if (!random.percent(plan.disturb_percent)) {
        return;
    }
    for (auto &s : servers_) {
        raft_index barrier = winner.log.last();
        if (s->up && s->id != winner.id && s->log.has(barrier) &&
            s->term_at(barrier) != winner.term_at(barrier)) {
            note(winner.id, "reaches only %s", s->name());
            stats.add(S_PARTITION);
            network.split(1U << winner.id | 1U << s->id, true, true);
            schedule(now + random.skewed(kSecond, 5 * kSecond), Scheduled::HEAL, 0, 0);
            return;
        }
    }
}

/* The sole voter of a new configuration has just stored it. It crashes for a moment before it
 * acknowledges that: the old leader may still answer by lease, and does not hear what the sole
 * voter would decide alone. */
bool Simulation::crash_sole_voter(Server &successor) {
    Server *l = leader();
    const View &f = successor.view;
    if (calm || recovery_under_way() || !trusts_leases() || l == nullptr || l->id == successor.id ||
        f.conf_index <= f.commit || f.conf.joint() || f.conf.voters() != 1 ||
        f.conf.role_of(successor.id) != RAFT_VOTER ||
        !successor.disk.holds(f.conf_index, successor.term_at(f.conf_index)) ||
        !random.percent(70)) {
        return false;
    }
    stats.add(S_SOLE_VOTER);
    successor.crash("before it acknowledges that it alone votes");
    network.cut(successor.id, l->id);
    schedule(now + random.between(1, 5) * kMs, Scheduled::RESTART, successor.id, successor.epoch);
    schedule(now + 2 * plan.max_election_timeout() * kMs, Scheduled::HEAL, 0, 0);
    return true;
}

/* An isolated leader takes more entries than the others will have when it is reachable again. Then
 * a snapshot may end within entries that it must drop. */
void Simulation::overload(Server &l) {
    if (random.percent(40)) {
        overloaded_ = l.id;
        (void)l.submit(std::vector<uint32_t>(random.skewed(1, 400), kNoOp));
    }
}

/* It stays isolated until that snapshot is taken. */
bool Simulation::delays_healing() {
    Server *l = leader();
    bool replaced = overloaded_ != 0 && l != nullptr && l->id != overloaded_;
    overloaded_ = 0;
    if (calm || !replaced || plan.snapshot_every == 0) {
        return false;
    }
    l->take_snapshot(true);
    schedule(now + 2 * plan.disk_max, Scheduled::HEAL, 0, 0);
    return true;
}

void Simulation::cut_network(unsigned kind) {
    if (plan.servers < 2) {
        return;
    }
    if (random.percent(50)) {
        network.heal();
    }
    auto set = static_cast<unsigned>(random.next()) & ((1U << (plan.servers + 1)) - 2);
    if (kind == F_ISOLATE_LEADER) {
        Server *l = leader();
        if (l == nullptr) {
            return;
        }
        set = 1U << l->id;
        if (broken == Broken::DRIFTING_LEASE) {
            l->clock.stall(now);
            l->set_clock();
            schedule(now + 3 * kSecond, Scheduled::CLOCK_RESUMES, l->id, l->epoch);
        }
    }
    if (kind == F_ONE_WAY) {
        bool in = random.percent(50);
        set = random.percent(50) ? set : 1U << random.between(1, plan.servers);
        network.split(set, in, !in);
        stats.add(S_PARTITION_ONE_WAY);
    } else {
        network.split(set, true, true);
        stats.add(S_PARTITION);
    }
    if (kind == F_ISOLATE_LEADER) {
        overload(*leader());
    }
    note(0, "the network is cut: set %x, kind %x", set, kind);
    schedule(now + random.skewed(200 * kMs, 10 * kSecond), Scheduled::HEAL, 0, 0);
}

void Simulation::disturb_disk(unsigned kind) {
    Server &s = server(random.between(1, plan.servers));
    if (kind == F_DISK_STALL) {
        s.disk_stalled_until = now + random.skewed(100 * kMs, 8 * kSecond);
        stats.add(S_DISK_STALL);
        note(s.id, "its disk stalls");
    } else if (random.percent(60)) {
        s.disk_slowness = static_cast<unsigned>(random.skewed(5, 200));
        stats.add(S_DISK_SLOW);
        note(s.id, "its disk is %u times slower", s.disk_slowness);
    } else {
        s.disk_slowness = 1;
    }
}

void Simulation::disturb_clock(unsigned kind) {
    Server &s = server(random.between(1, plan.servers));
    if (!s.up) {
        return;
    }
    if (kind == F_CLOCK_JUMP) {
        auto by = static_cast<int64_t>(random.skewed(10 * kMs, 20 * kSecond));
        s.clock.jump(now, by);
        stats.add(S_CLOCK_JUMP);
        note(s.id, "its clock jumps by %lld ms", static_cast<long long>(by / 1000));
    } else if (kind == F_CLOCK_BACK) {
        auto by = static_cast<int64_t>(
            std::min<uint64_t>(random.skewed(1 * kMs, 3 * kSecond), s.clock.read(now) * kMs));
        s.clock.jump(now, -by);
        stats.add(S_CLOCK_BACK);
        note(s.id, "its clock goes back by %lld ms", static_cast<long long>(by / 1000));
    } else if (kind == F_CLOCK_STALL) {
        s.clock.stall(now);
        stats.add(S_CLOCK_STALL);
        note(s.id, "its clock stalls");
        schedule(now + random.skewed(100 * kMs, 5 * kSecond), Scheduled::CLOCK_RESUMES, s.id,
                 s.epoch);
    } else {
        return; /* drift is set when a server boots */
    }
    s.set_clock();
}

void Simulation::disturb_capacity() {
    bool full = random.percent(50);
    bool all = random.percent(60);
    for (auto &s : servers_) {
        if (all || random.percent(30)) {
            s->capacity = full ? static_cast<unsigned short>(random.below(1500)) : UINT16_MAX;
        }
    }
    note(0, full ? "disks fill up" : "disks have capacity again");
}

} // namespace sim
