/* SPDX-License-Identifier: MIT */
/* What goes wrong in a world, by its plan, and what is broken on purpose. */
#include "world.hpp"

#include <algorithm>

namespace sim {

void World::make_trouble() {
    if (calm) {
        return;
    }
    schedule(now + random.between(1, 2 * plan.trouble_interval), Happening::TROUBLE, 0, 0);
    unsigned kind = 1U << random.below(T_KINDS);
    if ((plan.troubles & kind) == 0) {
        return;
    }
    switch (kind) {
        case T_CRASH:
            crash_some();
            break;
        case T_CRASH_ALL:
            crash_all();
            break;
        case T_PARTITION:
        case T_ONE_WAY:
        case T_ISOLATE_LEADER:
            cut_network(kind);
            break;
        case T_DISK_SLOW:
        case T_DISK_STALL:
            upset_disk(kind);
            break;
        case T_CAPACITY:
            upset_capacity();
            break;
        case T_FLIP:
            begin_flip();
            break;
        default:
            upset_clock(kind);
    }
}

void World::crash_some() {
    Server *l = leader();
    Server &s = l != nullptr && random.percent(50) ? *l : server(random.between(1, plan.servers));
    if (s.up) {
        s.crash("power");
    }
}

void World::crash_all() {
    stats.add(S_CRASH_ALL);
    for (auto &s : servers_) {
        if (s->up) {
            s->crash("power everywhere");
        }
    }
}

/* Crash it, or cut it off from all others for a while. */
void World::upset(Server &s, bool crash) {
    if (calm || busy_operator()) {
        return;
    }
    if (crash) {
        s.crash("at a bad moment");
        return;
    }
    say(s.id, "is cut off");
    stats.add(S_PARTITION);
    network.split(1U << s.id, true, true);
    schedule(now + random.skewed(200 * kMs, 8 * kSecond), Happening::HEAL, 0, 0);
}

void World::tempt_fate(raft_id id, unsigned percent, Time within) {
    if (!calm && random.percent(plan.upset_percent) && random.percent(percent)) {
        schedule(now + random.between(0, within), Happening::UPSET, id, server(id).epoch,
                 random.percent(60));
    }
}

/* A leader reaches one server only; then the two are cut off, until there is another leader,
 * which reaches only the old one: that drops what the one server still has, and will commit. */
void World::begin_flip() {
    Server *l = leader();
    if (l == nullptr || busy_operator() || l->view.conf.voters() < 5) {
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
    say(l->id, "reaches only %s", name_of(witness));
    schedule(now + random.between(50, 400) * kMs, Happening::FLIP, l->id, l->epoch, witness);
}

void World::go_on_flip(Server &old_leader, raft_id witness) {
    if (calm || busy_operator()) {
        return;
    }
    network.heal();
    if (old_leader.view.leads()) {
        network.split(1U << old_leader.id | 1U << witness, true, true);
        flipped_ = old_leader.id;
        schedule(now + 8 * kSecond, Happening::HEAL, 0, 0);
    }
}

/* A new leader reaches only a server whose log has gone another way: it drops what others may
 * still have, and commit later. */
void World::tempt_election(const Server &winner) {
    if (calm || busy_operator()) {
        return;
    }
    if (flipped_ != 0 && flipped_ != winner.id) {
        network.heal();
        network.split(1U << winner.id | 1U << flipped_, true, true);
        schedule(now + random.between(3, 8) * kSecond, Happening::HEAL, 0, 0);
        flipped_ = 0;
        return;
    }
    if (!random.percent(plan.upset_percent)) {
        return;
    }
    for (auto &s : servers_) {
        raft_index barrier = winner.log.last();
        if (s->up && s->id != winner.id && s->log.has(barrier) &&
            s->term_at(barrier) != winner.term_at(barrier)) {
            say(winner.id, "reaches only %s", s->name());
            stats.add(S_PARTITION);
            network.split(1U << winner.id | 1U << s->id, true, true);
            schedule(now + random.skewed(kSecond, 5 * kSecond), Happening::HEAL, 0, 0);
            return;
        }
    }
}

/* The only voter that a change leaves has just stored it, and is gone for a moment before it says
 * so: its leader may answer by lease, and hears of nothing that the heir would decide alone. */
bool World::tempt_heir(Server &heir) {
    Server *l = leader();
    const View &f = heir.view;
    if (calm || busy_operator() || !trusts_leases() || l == nullptr || l->id == heir.id ||
        f.conf_index <= f.commit || f.conf.joint() || f.conf.voters() != 1 ||
        f.conf.role_of(heir.id) != RAFT_VOTER ||
        !heir.disk.holds(f.conf_index, heir.term_at(f.conf_index)) || !random.percent(70)) {
        return false;
    }
    stats.add(S_HEIR);
    heir.crash("before it acknowledges that it alone votes");
    network.cut(heir.id, l->id);
    schedule(now + random.between(1, 5) * kMs, Happening::RESTART, heir.id, heir.epoch);
    schedule(now + 2 * plan.max_election_timeout() * kMs, Happening::HEAL, 0, 0);
    return true;
}

/* A leader that is cut off takes more than others will have when it comes back: then a snapshot
 * may end within what it must drop. */
void World::burden(Server &l) {
    if (random.percent(40)) {
        burdened_ = l.id;
        (void)l.submit(std::vector<uint32_t>(random.skewed(1, 400), kNoOp));
    }
}

/* It is not to come back before that snapshot is there. */
bool World::delays_healing() {
    Server *l = leader();
    bool replaced = burdened_ != 0 && l != nullptr && l->id != burdened_;
    burdened_ = 0;
    if (calm || !replaced || plan.snapshot_every == 0) {
        return false;
    }
    l->take_snapshot(true);
    schedule(now + 2 * plan.disk_max, Happening::HEAL, 0, 0);
    return true;
}

void World::cut_network(unsigned kind) {
    if (plan.servers < 2) {
        return;
    }
    if (random.percent(50)) {
        network.heal();
    }
    auto set = static_cast<unsigned>(random.next()) & ((1U << (plan.servers + 1)) - 2);
    if (kind == T_ISOLATE_LEADER) {
        Server *l = leader();
        if (l == nullptr) {
            return;
        }
        set = 1U << l->id;
        if (sabotage == Sabotage::DRIFTING_LEASE) {
            l->clock.stall(now);
            l->set_clock();
            schedule(now + 3 * kSecond, Happening::CLOCK_RESUMES, l->id, l->epoch);
        }
    }
    if (kind == T_ONE_WAY) {
        bool in = random.percent(50);
        set = random.percent(50) ? set : 1U << random.between(1, plan.servers);
        network.split(set, in, !in);
        stats.add(S_PARTITION_ONE_WAY);
    } else {
        network.split(set, true, true);
        stats.add(S_PARTITION);
    }
    if (kind == T_ISOLATE_LEADER) {
        burden(*leader());
    }
    say(0, "the network is cut: set %x, kind %x", set, kind);
    schedule(now + random.skewed(200 * kMs, 10 * kSecond), Happening::HEAL, 0, 0);
}

void World::upset_disk(unsigned kind) {
    Server &s = server(random.between(1, plan.servers));
    if (kind == T_DISK_STALL) {
        s.disk_stalled_until = now + random.skewed(100 * kMs, 8 * kSecond);
        stats.add(S_DISK_STALL);
        say(s.id, "its disk stalls");
    } else if (random.percent(60)) {
        s.disk_slowness = static_cast<unsigned>(random.skewed(5, 200));
        stats.add(S_DISK_SLOW);
        say(s.id, "its disk is %u times slower", s.disk_slowness);
    } else {
        s.disk_slowness = 1;
    }
}

void World::upset_clock(unsigned kind) {
    Server &s = server(random.between(1, plan.servers));
    if (!s.up) {
        return;
    }
    if (kind == T_CLOCK_JUMP) {
        auto by = static_cast<int64_t>(random.skewed(10 * kMs, 20 * kSecond));
        s.clock.jump(now, by);
        stats.add(S_CLOCK_JUMP);
        say(s.id, "its clock jumps by %lld ms", static_cast<long long>(by / 1000));
    } else if (kind == T_CLOCK_BACK) {
        auto by = static_cast<int64_t>(
            std::min<uint64_t>(random.skewed(1 * kMs, 3 * kSecond), s.clock.read(now) * kMs));
        s.clock.jump(now, -by);
        stats.add(S_CLOCK_BACK);
        say(s.id, "its clock goes back by %lld ms", static_cast<long long>(by / 1000));
    } else if (kind == T_CLOCK_STALL) {
        s.clock.stall(now);
        stats.add(S_CLOCK_STALL);
        say(s.id, "its clock stalls");
        schedule(now + random.skewed(100 * kMs, 5 * kSecond), Happening::CLOCK_RESUMES, s.id,
                 s.epoch);
    } else {
        return; /* drift is from the beginning */
    }
    s.set_clock();
}

void World::upset_capacity() {
    bool full = random.percent(50);
    bool all = random.percent(60);
    for (auto &s : servers_) {
        if (all || random.percent(30)) {
            s->capacity = full ? static_cast<unsigned short>(random.below(1500)) : UINT16_MAX;
        }
    }
    say(0, full ? "disks fill up" : "disks have room");
}

void World::sabotage_flags(unsigned &flags) {
    if (sabotage == Sabotage::LOST_FLAG && random.ppm(5000)) {
        flags &= ~static_cast<unsigned>(RAFT_UPDATE_TIMEOUT | RAFT_UPDATE_COMMIT_INDEX);
    } else if (sabotage == Sabotage::EXTRA_FLAG && random.ppm(2000)) {
        flags |= RAFT_UPDATE_LEADER;
    }
}

/* What an honest library would not say. */
void World::sabotage_face(View &view, const View &before, unsigned &flags) {
    if (sabotage == Sabotage::IDLE_FOLLOWER && view.state == RAFT_CANDIDATE &&
        before.state == RAFT_FOLLOWER) {
        view.state = RAFT_FOLLOWER;
        flags &= ~static_cast<unsigned>(RAFT_UPDATE_STATE);
    } else if (sabotage == Sabotage::HASTY_LEADER && before.leads() && view.leads() &&
               view.timeout > before.timeout && random.percent(5)) {
        view.state = RAFT_FOLLOWER; /* its time for heartbeats */
        flags |= RAFT_UPDATE_STATE;
    }
    if (!view.leads() || view.commit >= view.last) {
        return;
    }
    raft_index index = 0;
    if (sabotage == Sabotage::EAGER_COMMIT) {
        index = view.last;
    } else if (sabotage == Sabotage::OLD_TERM_COMMIT && !before.leads()) {
        index = before.last; /* the barrier of its term comes after it */
    }
    if (index > view.commit && index > judge.top()) {
        view.commit = index;
        flags |= RAFT_UPDATE_COMMIT_INDEX;
    }
}

void World::sabotage_update(raft_update &u, View &view, const View &before) {
    bool leads = before.leads() && view.leads();
    if (sabotage == Sabotage::REWRITTEN_LOG && leads && u.flags & RAFT_UPDATE_ENTRIES &&
        u.entries.index > before.commit + 1) {
        u.entries.index--;
    } else if (sabotage == Sabotage::FALLING_COMMIT && before.commit > 1 &&
               view.commit == before.commit && random.ppm(2000)) {
        view.commit--;
        u.flags |= RAFT_UPDATE_COMMIT_INDEX;
    } else if (sabotage == Sabotage::UNANNOUNCED && (u.flags & RAFT_UPDATE_SNAPSHOT) == 0 &&
               random.ppm(2000)) {
        u.snapshot.last = false;
    } else if (sabotage == Sabotage::TIMEOUT_DUE && before.timeout != 0 && random.ppm(2000)) {
        view.timeout = 0;
        u.flags |= RAFT_UPDATE_TIMEOUT;
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        raft_message &m = u.messages.batch[i];
        if (sabotage == Sabotage::ABSENT_ENTRIES && m.type == RAFT_APPEND_ENTRIES &&
            m.append_entries.prev_log_index + m.append_entries.n_entries == view.last) {
            m.append_entries.n_entries++;
        } else if (sabotage == Sabotage::ABSENT_SNAPSHOT && m.type == RAFT_INSTALL_SNAPSHOT &&
                   m.install_snapshot.offset == 0) {
            m.install_snapshot.last_index++;
        }
    }
}

void World::sabotage_entries(std::vector<Entry> &entries) {
    if (sabotage == Sabotage::WRONG_ENTRIES && !entries.empty() && random.percent(5)) {
        entries[0].payload = payloads.make(RAFT_BARRIER, std::string("\1\0\0\0\0\0\0", 8));
    }
}

void World::sabotage_restart(Disk &disk) {
    if (sabotage == Sabotage::FORGOTTEN_ENTRY && disk.log.entries.size() > 1) {
        disk.log.entries.pop_back();
    } else if (sabotage == Sabotage::FORGOTTEN_TERM && disk.term > 1) {
        disk.term = disk.log.entries.empty() ? disk.snapshot ? disk.snapshot->term : disk.term
                                             : disk.log.entries.back().term;
        disk.vote = 0;
    } else if (sabotage == Sabotage::SPOILT_LOG && !disk.log.entries.empty()) {
        disk.log.entries.back().term = disk.term + 1;
    }
}

} // namespace sim
