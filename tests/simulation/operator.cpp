/* SPDX-License-Identifier: MIT */
/* A majority is lost for good, and the operator recovers one of the survivors, as the guide to
 * disaster recovery says: all servers stopped, the survivor whose last durable entry has the
 * highest term and, among those, the highest index. */
#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

/* The last entry that a server would have after a restart. */
std::pair<raft_term, raft_index> last_durable(const Disk &disk) {
    const Log &log = disk.log;
    raft_index last = log.entries.empty() ? 0 : log.last();
    if (disk.snapshot != nullptr) {
        const Snapshot &s = *disk.snapshot;
        bool stale = last <= s.index || (log.has(s.index) && log.at(s.index).term != s.term);
        if (stale) {
            return {s.term, s.index};
        }
    }
    return last == 0 ? std::pair<raft_term, raft_index>{0, 0}
                     : std::pair<raft_term, raft_index>{log.at(last).term, last};
}

} // namespace

/* Could the survivors decide anything by themselves, under any configuration that one of them
 * may hold? Then nothing is lost, and a recovery would be wrong. */
bool World::survivors_decide() {
    auto alive = [&](raft_id id) { return !server(id).gone; };
    const Configuration *committed = judge.committed_conf(judge.top());
    if (committed == nullptr || quorum(*committed, alive)) {
        return true;
    }
    for (auto &s : servers_) {
        for (const Entry &e : s->disk.log.entries) {
            if (s->gone || e.payload->type != RAFT_CHANGE) {
                continue;
            }
            raft_index index =
                s->disk.log.first + static_cast<raft_index>(&e - s->disk.log.entries.data());
            Configuration conf = decode(e.payload->bytes);
            bool uncommitted = index > judge.top() || judge.committed_term(index) != e.term;
            if (uncommitted && quorum(conf, alive)) {
                return true;
            }
        }
    }
    return false;
}

/* Often they are cut off before they are lost: then nobody knows what they committed last. */
void World::choose_lost() {
    const Configuration *conf = judge.top() > 0 ? judge.committed_conf(judge.top()) : nullptr;
    lost_ = 0;
    if (calm || conf == nullptr) {
        return;
    }
    auto alive = [&](raft_id id) { return (lost_ >> id & 1) == 0; };
    for (unsigned tries = 0; tries < 100 && quorum(*conf, alive); tries++) {
        lost_ |= 1U << conf->members[random.below(conf->members.size())].id;
    }
    bool survivor = false;
    for (auto &s : servers_) {
        survivor = survivor || (alive(s->id) && last_durable(s->disk).second > 0);
    }
    if (!survivor) {
        schedule(now + kSecond, Happening::OPERATOR, 0, 0); /* later, perhaps */
        return;
    }
    emergency_ = Emergency::CUT;
    bool cut = random.percent(60);
    if (cut) {
        network.split(lost_, true, true);
    }
    schedule(now + (cut ? random.skewed(300 * kMs, 5 * kSecond) : 0), Happening::OPERATOR, 0, 0);
}

/* Nobody knows that they are lost for good, but the operator. */
void World::lose_majority() {
    auto alive = [&](raft_id id) { return (lost_ >> id & 1) == 0; };
    if (calm || quorum(*judge.committed_conf(judge.top()), alive)) {
        emergency_ = Emergency::NONE; /* the membership has changed meanwhile */
        choose_lost();
        return;
    }
    for (auto &s : servers_) {
        if (!alive(s->id)) {
            s->stop("lost for good");
            s->gone = true;
        }
    }
    emergency_ = Emergency::LOST;
    schedule(now + random.skewed(200 * kMs, 8 * kSecond), Happening::OPERATOR, 0, 0);
}

void World::recover_one() {
    for (auto &s : servers_) {
        s->stop("switched off by the operator");
    }
    network.forget();
    if (survivors_decide()) { /* a change under way left a majority, or may have */
        say(0, "the operator gets the lost servers back");
        network.heal(); /* they may have been cut off */
        emergency_ = Emergency::OVER;
        for (auto &s : servers_) {
            s->gone = false;
            restart_later(s->id);
        }
        return;
    }
    Server *best = nullptr;
    for (auto &s : servers_) {
        bool better = best == nullptr || last_durable(best->disk) < last_durable(s->disk);
        if (sabotage == Sabotage::RECOVER_STALE && best != nullptr) {
            better = last_durable(s->disk) < last_durable(best->disk) &&
                     last_durable(s->disk).second > 0;
        }
        if (!s->gone && better) {
            best = s.get();
        }
    }
    stats.add(S_LOST_MAJORITY);
    emergency_ = Emergency::RECOVERING;
    founding_over_ = true;
    recovered_ = best->id;
    choose_recovery(*best);
    recovered_at_ = last_durable(best->disk).second;
    stats.add(S_RECOVER_LOST, judge.recovered(*best, recovered_at_,
                                              [this](raft_id id) { return server(id).gone; }));
    begin_era(*best);
    say(best->id, "is to be recovered in %s", recovery_.str().c_str());
    best->boot();
    see_recovery();
}

/* The others keep their logs, as members, or come back with empty disks. */
void World::choose_recovery(const Server &best) {
    recovery_ = Configuration({{best.id, RAFT_VOTER, best.next_address}});
    bool alone = random.percent(35);
    for (auto &s : servers_) {
        if (s->gone || s->id == best.id) {
            continue;
        }
        bool keeps = !s->disk.pristine() && !alone && random.percent(75);
        if (!keeps) {
            s->lose_disk();
            judge.forget(s->id);
        }
        if (keeps || (!alone && random.percent(40))) {
            int role = random.percent(70) ? static_cast<int>(RAFT_VOTER)
                                          : static_cast<int>(random.below(3));
            recovery_.add(s->id, role, s->next_address);
        }
        stats.add(S_RECOVERED_KEPT, keeps);
    }
    retire_cleared(best);
}

/* A server with an empty disk votes for any log, and comes through every configuration that is
 * still in the log that it is sent. Could the emptied servers decide under a configuration that one
 * of the survivors holds, alone or with survivors that have missed later ones? Then their IDs must
 * not be used again. */
void World::retire_cleared(const Server &best) {
    auto cleared = [&](raft_id id) { return !server(id).gone && server(id).disk.pristine(); };
    auto other = [&](raft_id id) { return !server(id).gone && id != best.id; };
    auto endangers = [&](const Configuration &conf) {
        return quorum(conf, other) &&
               std::any_of(conf.members.begin(), conf.members.end(),
                           [&](const Member &m) { return cleared(m.id) && votes(m.role); });
    };
    bool danger = false;
    for (auto &s : servers_) {
        const Disk &disk = s->disk;
        danger = danger || (!s->gone && disk.snapshot != nullptr && endangers(disk.snapshot->conf));
        for (const Entry &e : disk.log.entries) {
            danger = danger || (!s->gone && e.payload->type == RAFT_CHANGE &&
                                endangers(decode(e.payload->bytes)));
        }
    }
    if (!danger) {
        return;
    }
    std::erase_if(recovery_.members, [&](const Member &m) { return cleared(m.id); });
    for (auto &s : servers_) {
        s->gone = s->gone || cleared(s->id);
    }
}

/* Until the new configuration is durable; a crash may have come between. */
void World::see_recovery() {
    Server &s = server(recovered_);
    schedule(now + 50 * kMs, Happening::OPERATOR, 0, 0);
    if (!s.up) {
        return;
    }
    if (s.view.conf == recovery_ && s.view.conf_index > recovered_at_) {
        if (s.view.stored >= s.view.conf_index) {
            end_recovery();
        }
        return;
    }
    raft_term term = s.view.term;
    uint64_t epoch = s.epoch;
    int rc = s.recover(recovery_);
    if (rc != 0) {
        throw Violation("recovery", format("%s refuses it with %d", s.name(), rc));
    }
    if (s.up && s.epoch == epoch &&
        (s.view.term != term + 1 || s.view.vote != s.id || !(s.view.conf == recovery_) ||
         s.term_at(s.view.last) != s.view.term || s.view.conf_index != s.view.last)) {
        throw Violation("recovery", format("%s has not appended the configuration in a term of "
                                           "its own",
                                           s.name()));
    }
    if (sabotage == Sabotage::RECOVER_TWO) {
        for (auto &other : servers_) {
            if (!other->gone && other->id != s.id && !other->disk.pristine()) {
                other->boot();
                Configuration conf = recovery_;
                conf.members[0] = {other->id, RAFT_VOTER, other->address};
                std::erase_if(conf.members, [&](const Member &m) {
                    return m.id == other->id && &m != &conf.members[0];
                });
                conf.add(s.id, RAFT_VOTER, s.address);
                (void)other->recover(conf);
            }
        }
    }
}

void World::end_recovery() {
    say(0, "the operator switches the survivors on");
    emergency_ = Emergency::OVER;
    stats.add(S_RECOVERED);
    for (auto &s : servers_) {
        if (sabotage == Sabotage::UNDEAD) {
            s->gone = false;
        }
        if (!s->up && !s->gone) {
            s->boot();
        }
    }
}

void World::operate() {
    switch (emergency_) {
        case Emergency::NONE:
            choose_lost();
            break;
        case Emergency::CUT:
            lose_majority();
            break;
        case Emergency::LOST:
            recover_one();
            break;
        case Emergency::RECOVERING:
            see_recovery();
            break;
        case Emergency::OVER:
            break;
    }
}

/* What the clients knew of may be lost with the majority: their history begins again with
 * what the recovered log says, all of which will be committed. */
void World::begin_era(const Server &best) {
    check_history();
    Machine m;
    const Disk &disk = best.disk;
    if (disk.snapshot != nullptr) {
        memcpy(static_cast<void *>(&m), disk.snapshot->data.data(), sizeof m);
    }
    raft_index last = last_durable(disk).second;
    for (raft_index i = m.applied + 1; i <= last; i++) {
        uint32_t op = disk.log.at(i).payload->mark;
        if (op != kNoOp) {
            m.values[clients.key_of(op)] = op;
        }
    }
    era_begin_ = static_cast<uint32_t>(clients.history().size());
    memcpy(era_values_, m.values, sizeof era_values_);
}

} // namespace sim
