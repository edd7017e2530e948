/* SPDX-License-Identifier: MIT */
/* A majority is lost for good. The operator recovers one survivor as the guide to disaster recovery
 * says: stop all servers, and take the survivor whose last durable entry has the highest term and,
 * among those, the highest index. */
#include "simulation.hpp"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

/* The last entry that a server has after a restart. */
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

/* Could the survivors form a quorum of any configuration that one of them may hold? Then nothing is
 * lost, and a recovery would be wrong. */
bool Simulation::survivors_decide() {
    auto alive = [&](raft_id id) { return !server(id).lost; };
    const Configuration *committed = judge.committed_conf(judge.top());
    if (committed == nullptr || quorum(*committed, alive)) {
        return true;
    }
    for (auto &s : servers_) {
        for (const Entry &e : s->disk.log.entries) {
            if (s->lost || e.payload->type != RAFT_CHANGE) {
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

/* Often they are isolated before they are lost: then the survivors miss their last commits. */
void Simulation::choose_lost() {
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
        schedule(now + kSecond, Scheduled::OPERATOR, 0, 0); /* try again later */
        return;
    }
    disaster_ = Disaster::CUT;
    bool cut = random.percent(60);
    if (cut) {
        network.split(lost_, true, true);
    }
    schedule(now + (cut ? random.skewed(300 * kMs, 5 * kSecond) : 0), Scheduled::OPERATOR, 0, 0);
}

/* Only the operator knows that they are lost. */
void Simulation::lose_majority() {
    auto alive = [&](raft_id id) { return (lost_ >> id & 1) == 0; };
    if (calm || quorum(*judge.committed_conf(judge.top()), alive)) {
        disaster_ = Disaster::NONE; /* the membership has changed meanwhile */
        choose_lost();
        return;
    }
    for (auto &s : servers_) {
        if (!alive(s->id)) {
            s->stop("lost for good");
            s->lost = true;
        }
    }
    disaster_ = Disaster::LOST;
    schedule(now + random.skewed(200 * kMs, 8 * kSecond), Scheduled::OPERATOR, 0, 0);
}

void Simulation::recover_one() {
    for (auto &s : servers_) {
        s->stop("stopped by the operator");
    }
    network.forget();
    if (survivors_decide()) { /* a change under way leaves a majority, or may leave one */
        note(0, "the operator restarts the lost servers");
        network.heal(); /* they may have been isolated */
        disaster_ = Disaster::OVER;
        for (auto &s : servers_) {
            s->lost = false;
            restart_later(s->id);
        }
        return;
    }
    Server *best = nullptr;
    for (auto &s : servers_) {
        bool better = best == nullptr || last_durable(best->disk) < last_durable(s->disk);
        if (broken == Broken::RECOVER_STALE && best != nullptr) {
            better = last_durable(s->disk) < last_durable(best->disk) &&
                     last_durable(s->disk).second > 0;
        }
        if (!s->lost && better) {
            best = s.get();
        }
    }
    stats.add(S_LOST_MAJORITY);
    disaster_ = Disaster::RECOVERING;
    founding_over_ = true;
    recovered_ = best->id;
    choose_recovery(*best);
    recovered_at_ = last_durable(best->disk).second;
    stats.add(S_RECOVER_LOST, judge.recovered(*best, recovered_at_,
                                              [this](raft_id id) { return server(id).lost; }));
    restart_history(*best);
    note(best->id, "is to be recovered in %s", recovery_.str().c_str());
    best->boot();
    see_recovery();
}

/* The other survivors become members with their logs, or restart with empty disks. */
void Simulation::choose_recovery(const Server &best) {
    recovery_ = Configuration({{best.id, RAFT_VOTER, best.next_address}});
    bool alone = random.percent(35);
    for (auto &s : servers_) {
        if (s->lost || s->id == best.id) {
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

/* A server with an empty disk votes for any log, and passes through every configuration in the log
 * that it is sent. If emptied servers could be part of a quorum of an old configuration that a
 * survivor holds, without the recovered server, their IDs must not be used again. */
void Simulation::retire_cleared(const Server &best) {
    auto cleared = [&](raft_id id) { return !server(id).lost && server(id).disk.pristine(); };
    auto other = [&](raft_id id) { return !server(id).lost && id != best.id; };
    auto endangers = [&](const Configuration &conf) {
        return quorum(conf, other) &&
               std::any_of(conf.members.begin(), conf.members.end(),
                           [&](const Member &m) { return cleared(m.id) && votes(m.role); });
    };
    bool danger = false;
    for (auto &s : servers_) {
        const Disk &disk = s->disk;
        danger = danger || (!s->lost && disk.snapshot != nullptr && endangers(disk.snapshot->conf));
        for (const Entry &e : disk.log.entries) {
            danger = danger || (!s->lost && e.payload->type == RAFT_CHANGE &&
                                endangers(decode(e.payload->bytes)));
        }
    }
    if (!danger) {
        return;
    }
    std::erase_if(recovery_.members, [&](const Member &m) { return cleared(m.id); });
    for (auto &s : servers_) {
        s->lost = s->lost || cleared(s->id);
    }
}

/* Repeat RAFT_RECOVER until the new configuration is durable: the server may have crashed. */
void Simulation::see_recovery() {
    Server &s = server(recovered_);
    schedule(now + 50 * kMs, Scheduled::OPERATOR, 0, 0);
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
        (s.view.term != term + (1 << 20) || s.view.vote != s.id || !(s.view.conf == recovery_) ||
         s.term_at(s.view.last) != s.view.term || s.view.conf_index != s.view.last)) {
        throw Violation("recovery", format("%s has not appended the configuration in a term of "
                                           "its own",
                                           s.name()));
    }
    if (broken == Broken::RECOVER_TWO) {
        for (auto &other : servers_) {
            if (!other->lost && other->id != s.id && !other->disk.pristine()) {
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

void Simulation::end_recovery() {
    note(0, "the operator restarts the survivors");
    disaster_ = Disaster::OVER;
    stats.add(S_RECOVERED);
    for (auto &s : servers_) {
        if (broken == Broken::RETURNING_MAJORITY) {
            s->lost = false;
        }
        if (!s->up && !s->lost) {
            s->boot();
        }
    }
}

void Simulation::operator_acts() {
    switch (disaster_) {
        case Disaster::NONE:
            choose_lost();
            break;
        case Disaster::CUT:
            lose_majority();
            break;
        case Disaster::LOST:
            recover_one();
            break;
        case Disaster::RECOVERING:
            see_recovery();
            break;
        case Disaster::OVER:
            break;
    }
}

/* Writes that clients know of may be lost with the majority. Their history is checked anew from the
 * state of the recovered log, all of which will be committed. */
void Simulation::restart_history(const Server &best) {
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
    history_begin_ = static_cast<uint32_t>(clients.history().size());
    memcpy(initial_values_, m.values, sizeof initial_values_);
}

} // namespace sim
