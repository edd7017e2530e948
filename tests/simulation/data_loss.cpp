/* SPDX-License-Identifier: MIT */
/* Servers come back with disks that are empty, or as they were some time ago. Such a server breaks
 * the promise on which Raft rests. It does so only where a majority of the others holds all that is
 * committed, and no vote that it forgets can decide an election: then nothing may be lost. The
 * leader must count the loss, and bring the server up to date. */
#include "simulation.hpp"

#include <algorithm>

namespace sim {

/* One voter more, so that old configurations are in the log. */
void Simulation::grow(Server &l) {
    raft_id id = random.between(1, plan.servers);
    if (l.view.conf.role_of(id) == RAFT_VOTER || l.view.conf.voters() >= 5) {
        return;
    }
    Configuration next = l.view.conf;
    if (next.role_of(id) < 0) {
        next.add(id, RAFT_VOTER, server(id).next_address);
    }
    for (Member &m : next.members) {
        m.role = m.id == id ? int{RAFT_VOTER} : m.role;
    }
    change_membership(l, next);
}

/* All other members know the latest configuration, so that none of them acts upon an older one that
 * the server passes through. All that it has acknowledged is committed, and is held by a quorum of
 * the others. */
bool Simulation::survives_loss_of(const Server &s, const Server &l) {
    const Configuration &conf = l.view.conf;
    raft_index top = judge.top();
    if (conf.joint() || l.view.conf_index > l.view.commit || top == 0 || l.view.commit != top ||
        judge.acknowledged(s.id, l.view.term) > top) {
        return false;
    }
    for (const Member &m : conf.members) {
        if (m.id != s.id && m.role == RAFT_VOTER &&
            !server(m.id).disk.holds(l.view.conf_index, l.term_at(l.view.conf_index))) {
            return false;
        }
    }
    /* A candidate of this term might get a second vote from it. */
    for (auto &other : servers_) {
        if (!other->disk.pristine() && other->disk.term < l.view.term) {
            return false;
        }
    }
    return quorum(conf, [&](raft_id id) {
        return id != s.id && server(id).disk.holds(top, judge.committed_term(top));
    });
}

void Simulation::lose_data() {
    Server *l = leader();
    Server &s = server(extra.between(1, plan.servers));
    auto old = old_disks_.find(s.id);
    if (old == old_disks_.end() || extra.percent(20)) {
        Disk copy = s.disk;
        copy.queue.clear();
        old_disks_[s.id] = copy;
    }
    if (l == nullptr || l->id == s.id || l->view.conf.role_of(s.id) < 0 || extra.percent(30)) {
        return;
    }
    /* It follows this leader, durably: no candidate of this term can use its vote. */
    bool settled = s.disk.term == l->view.term && judge.leader_of(s.disk.term) == l->id;
    bool harmless = settled && survives_loss_of(s, *l);
    if (!harmless && broken != Broken::LOST_QUORUM) {
        return;
    }
    founding_over_ = true;
    /* A sole voter that is set back elects itself again: its old vote says that it may. */
    bool set_back = old != old_disks_.end() && old->second.term > 0 && old->second.vote != s.id &&
                    extra.percent(75);
    stats.add(set_back ? S_SET_BACK : S_EMPTIED);
    s.stop(set_back ? "its disk is set back" : "its disk is emptied");
    s.disk = set_back ? old->second : Disk();
    s.data_losses++;
    judge.lost_data(s.id);
    network.forget_votes(s.id);
    bool closed = extra.percent(50); /* else entries that are under way may make it good */
    if (closed) {
        network.forget(s.id);
    }
    const Disk &disk = s.disk;
    raft_index left = std::max(disk.log.empty() ? 0 : disk.log.last(),
                               disk.snapshot != nullptr ? disk.snapshot->index : 0);
    const Peer &p = l->view.peer(s.id);
    bool sure = closed && p.match > left && s.announces(RAFT_FEATURE_ROUNDS) &&
                l->announces(RAFT_FEATURE_ROUNDS) && p.mode == RAFT_PROGRESS_PIPELINE;
    losses_.push_back({s.id, l->id, l->view.term, p.losses, sure});
    restart_later(s.id);
}

/* The leader at the end has counted those of its own term. */
void Simulation::expect_counted_losses() {
    Server *l = leader();
    for (const Loss &loss : losses_) {
        if (l == nullptr || !loss.sure || loss.leader != l->id || loss.term != l->view.term ||
            l->view.conf.role_of(loss.server) < 0) {
            continue;
        }
        if (l->view.peer(loss.server).losses <= loss.counted) {
            throw Violation("data loss", format("%s has not noticed that %s lost data", l->name(),
                                                name_of(loss.server)));
        }
    }
}

} // namespace sim
