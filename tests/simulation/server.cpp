/* SPDX-License-Identifier: MIT */
/* A server's steps: allocations that fail, the two paths, and what a step changed. */
#include "server.hpp"

#include "../driver/judge_step.hpp"
#include "../observe/failing_memory.hpp"
#include "../observe/fields.hpp"
#include "../observe/paths.hpp"
#include "../observe/state.hpp"
#include "world.hpp"

#include <algorithm>

namespace sim {

Server::Server(World &world, raft_id own_id)
    : Driver(own_id, world.payloads, &world.judge),
      vintage(world.plan.server[own_id].vintage),
      next_address(address),
      w_(world),
      plan_(world.plan.server[own_id]) {}

Server::~Server() = default;

bool Server::announces(unsigned feature) const {
    return vintage >= kOurs && (plan_.features & feature) != 0;
}

int Server::step(raft_event &e) {
    e.time = clock.read(w_.now);
    e.capacity = capacity;
    inject_ = !w_.calm && w_.random.ppm(w_.plan.nomem_ppm);
    /* What may be refused: now and then compared with a clone. */
    bool asked = e.type >= RAFT_SUBMIT && e.type != RAFT_STORED && e.type != RAFT_UNREACHABLE;
    if (!failures_.prepared() && e.type != RAFT_START &&
        (inject_ || (asked && w_.random.percent(3)))) {
        failures_.prepare(*handle());
    }
    int rc = Driver::step(e);
    if (rc != 0) {
        w_.record(static_cast<uint64_t>(rc));
    } else if (up && ++steps_ % 512 == 0) {
        check_thoroughly();
    }
    return rc;
}

int Server::call_once(raft_event &e, raft_update &u, bool starving) {
    if (w_.random.percent(5)) { /* the caller may move its storage */
        move_handle();
    }
    if (starving || !w_.compares_ways()) { /* a clone wants memory */
        uint64_t before_step = observe::general_steps(*handle());
        int rc = Driver::call(e, u);
        w_.stats.add(S_SHORT_WAY, before_step == observe::general_steps(*handle()));
        return rc;
    }
    observe::fill(&u);
    std::string difference;
    uint64_t before_step = observe::fast_steps();
    bool strange = w_.sabotage == Sabotage::STRANGE_SHORT_WAY;
    int rc =
        observe::step_on_both_paths(handle(), &e, &u, &difference, false,
                                    strange ? observe::Error::kLostMessage : observe::Error::kNone);
    if (!difference.empty()) {
        throw Violation("short way", format("%s: %s", name(), difference.c_str()));
    }
    w_.stats.add(S_SHORT_WAY, observe::fast_steps() - before_step);
    w_.stats.add(S_SHORT_WAY_COMPARED, observe::fast_steps() - before_step);
    return rc;
}

int Server::call(raft_event &e, raft_update &u) {
    if (w_.sabotage == Sabotage::WRONG_ADDRESS && e.type == RAFT_RECEIVE && w_.random.percent(20)) {
        raft_message &m = *e.receive.message;
        m.server_address = other_address(m.server_id, heard_from(m.server_id));
    }
    if (inject_) {
        failing_memory::arm(static_cast<unsigned>(w_.random.between(1, 6)), w_.random.percent(50));
    }
    int rc = call_once(e, u, inject_);
    bool starved = inject_ && failing_memory::disarm();
    if (rc == RAFT_NOMEM) {
        if (!starved || w_.sabotage == Sabotage::SILENT_NOMEM) {
            throw Violation("memory", "RAFT_NOMEM though no allocation failed");
        }
        w_.stats.add(S_NOMEM);
        check_failure(e, u, rc);
        rc = call_once(e, u, false);
        if (rc == RAFT_NOMEM) {
            throw Violation("memory", "RAFT_NOMEM again, though no allocation failed");
        }
    }
    if (rc == 0) {
        w_.stats.add(S_TWIN_STEP, failures_.succeeded(e, u, *handle()));
    }
    return rc;
}

void Server::check_failure(const raft_event &e, const raft_update &u, int rc) {
    if (w_.sabotage == Sabotage::DIRTY_FAILURE && e.type != RAFT_START) {
        raft_event dirt = {};
        raft_update ignored;
        dirt.type = RAFT_TIMEOUT;
        dirt.time = view.timeout;
        raft_step(handle(), &dirt, &ignored);
    }
    Driver::check_failure(e, u, rc);
    failures_.failed(*handle());
    if (w_.sabotage == Sabotage::LATER_FAILURE) {
        raft_seed(handle(), static_cast<unsigned>(w_.random.next()));
    }
}

void Server::tamper(raft_update &u) {
    w_.stats.add(S_STEP);
    w_.record_step(*this, u);
    w_.sabotage_flags(u.flags);
    w_.sabotage_face(view, before, u.flags);
    w_.sabotage_update(u, view, before);
}

void Server::judged(const raft_event &e, const raft_update &u) {
    keep_promises(e, u);
    note_transitions();
}

void Server::check_thoroughly() {
    check_log(view.snapshot + w_.random.below(view.last - view.snapshot + 1));
}

bool Server::truncating(raft_index from) {
    w_.stats.add(S_TRUNCATION);
    w_.entries_leave(*this, from, true);
    return w_.sabotage != Sabotage::KEEP_TRUNCATED;
}

void Server::discarding() {
    w_.say(id, "drops the log behind its snapshot");
    w_.stats.add(S_START_DISCARD);
}

void Server::installing() {
    w_.say(id, "installs snapshot %llu/%llu", incoming.index, incoming.term);
    w_.stats.add(S_INSTALL);
    w_.stats.add(S_INSTALL_WITHIN, log.last() > incoming.index);
    w_.entries_leave(*this, 1, false);
}

void Server::elected() {
    w_.stats.add(S_ELECTION);
    w_.tempt_election(*this);
}

void Server::note_transitions() {
    Stats &s = w_.stats;
    if (view.state != before.state || view.term != before.term) {
        static const char *const states[] = {"", "follower", "candidate", "leader"};
        w_.say(id, "is %s of term %llu", states[view.state], view.term);
        w_.story_role(id, view.state, view.term);
        s.add(S_CAMPAIGN, view.state == RAFT_CANDIDATE && before.state == RAFT_FOLLOWER);
        s.add(S_STEP_DOWN, before.state == RAFT_LEADER && view.state != RAFT_LEADER);
        s.add(S_REMOVED_LEADER, before.leads() && !view.leads() && view.term == before.term &&
                                    !votes_in_new(view.role));
        s.add(S_JOINT_INHERITED, view.leads() && !before.leads() && before.conf.joint());
    }
    if (view.commit != before.commit) {
        w_.story_commit(id, view.commit);
    }
    if (!(view.conf == before.conf) || view.conf_index != before.conf_index) {
        w_.say(id, "configuration %s of %llu", view.conf.str().c_str(), view.conf_index);
        if (view.leads() && !before.conf.joint() && view.conf.joint()) {
            s.add(S_CHANGE_JOINT);
            w_.tempt_fate(id, 80, w_.plan.delay_max + 2 * w_.plan.disk_max);
        }
        s.add(S_JOINT_LEFT, view.leads() && before.conf.joint() && !view.conf.joint());
        s.add(S_CONF_ROLLBACK, view.conf_index < before.conf_index);
    }
    for (raft_id p = 1; p <= w_.plan.servers && (view.leads() || before.leads()); p++) {
        if (view.peer(p).catch_up != before.peer(p).catch_up) {
            s.add(S_CATCH_UP_FINISHED, view.peer(p).catch_up == RAFT_CATCH_UP_FINISHED);
            s.add(S_CATCH_UP_ABORTED, view.peer(p).catch_up == RAFT_CATCH_UP_ABORTED);
        }
    }
}

} // namespace sim
