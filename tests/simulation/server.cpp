/* SPDX-License-Identifier: MIT */
/* A server's steps: failing allocations, the comparison of both paths, negative tests,
 * statistics. */
#include "server.hpp"

#include "../driver/judge_step.hpp"
#include "../observe/failing_memory.hpp"
#include "../observe/fields.hpp"
#include "../observe/paths.hpp"
#include "../observe/state.hpp"
#include "simulation.hpp"

#include <algorithm>

namespace sim {

Server::Server(Simulation &simulation, raft_id own_id)
    : Driver(own_id, simulation.payloads, &simulation.judge),
      codec(simulation.plan.server[own_id].codec),
      next_codec(codec),
      next_address(address),
      sim_(simulation),
      plan_(simulation.plan.server[own_id]) {}

Server::~Server() = default;

bool Server::announces(unsigned feature) const {
    unsigned features = plan_.features;
    if ((features & RAFT_FEATURE_ROUNDS) == 0 || codec < kSleeping || idle_timeout() == 0 ||
        !tuning_.pre_vote) {
        features &= ~unsigned{RAFT_FEATURE_SLEEP};
    }
    return codec >= kOurs && (features & feature) != 0;
}

unsigned Server::idle_timeout() const {
    return codec >= kSleeping ? sim_.plan.callers.idle[id] : 0;
}

bool Server::may_sleep() const {
    return announces(RAFT_FEATURE_SLEEP) && !(view.leads() && delay_ == UINT32_MAX);
}

bool Server::may_campaign() const {
    return up && view.state == RAFT_FOLLOWER && votes(view.role) && view.stored > 0 &&
           is_electable() && delay_ != UINT32_MAX;
}

int Server::step(raft_event &e) {
    e.time = clock.read(sim_.now);
    e.capacity = capacity;
    inject_ = !sim_.calm && sim_.random.ppm(sim_.plan.nomem_ppm);
    /* Requests may be refused: some are compared with a clone. */
    bool asked = e.type >= RAFT_SUBMIT && e.type != RAFT_STORED && e.type != RAFT_UNREACHABLE &&
                 e.type != RAFT_SENT;
    if (!failures_.prepared() && e.type != RAFT_START &&
        (inject_ || (asked && sim_.random.percent(3)))) {
        failures_.prepare(*handle());
    }
    int rc = Driver::step(e);
    if (rc != 0) {
        sim_.record(static_cast<uint64_t>(rc));
        return rc;
    }
    if (up && ++steps_ % 512 == 0) {
        check_thoroughly();
    }
    report_trimmed();
    return 0;
}

int Server::call_once(raft_event &e, raft_update &u, bool starving) {
    if (sim_.random.percent(5)) { /* a caller may move the handle */
        move_handle();
    }
    if (starving || !sim_.compares_paths()) { /* making a clone needs memory */
        uint64_t before_step = observe::general_steps(*handle());
        int rc = Driver::call(e, u);
        sim_.stats.add(S_FAST_PATH, before_step == observe::general_steps(*handle()));
        return rc;
    }
    observe::fill(&u);
    std::string difference;
    uint64_t before_step = observe::fast_steps();
    bool strange = sim_.broken == Broken::WRONG_FAST_PATH;
    int rc =
        observe::step_on_both_paths(handle(), &e, &u, &difference, false,
                                    strange ? observe::Error::kLostMessage : observe::Error::kNone);
    if (!difference.empty()) {
        throw Violation("fast path", format("%s: %s", name(), difference.c_str()));
    }
    sim_.stats.add(S_FAST_PATH, observe::fast_steps() - before_step);
    sim_.stats.add(S_FAST_PATH_COMPARED, observe::fast_steps() - before_step);
    return rc;
}

int Server::call(raft_event &e, raft_update &u) {
    if (sim_.broken == Broken::WRONG_ADDRESS && e.type == RAFT_RECEIVE && sim_.random.percent(20)) {
        raft_message &m = *e.receive.message;
        m.server_address = other_address(m.server_id, heard_from(m.server_id));
    }
    was_asleep_ = asleep_;
    if (inject_) {
        failing_memory::arm(static_cast<unsigned>(sim_.random.between(1, 6)),
                            sim_.random.percent(50));
    }
    int rc = call_once(e, u, inject_);
    bool starved = inject_ && failing_memory::disarm();
    if (rc == RAFT_NOMEM) {
        if (!starved || sim_.broken == Broken::UNEXPECTED_NOMEM) {
            throw Violation("memory", "RAFT_NOMEM although no allocation failed");
        }
        sim_.stats.add(S_NOMEM);
        check_failure(e, u, rc);
        rc = call_once(e, u, false);
        if (rc == RAFT_NOMEM) {
            throw Violation("memory", "RAFT_NOMEM again, although no allocation failed");
        }
    }
    asleep_ = observe::is_asleep(*handle());
    if (rc == 0) {
        sim_.stats.add(S_CLONE_STEP, failures_.succeeded(e, u, *handle()));
    }
    return rc;
}

void Server::check_failure(const raft_event &e, const raft_update &u, int rc) {
    if (sim_.broken == Broken::FAILURE_CHANGES_STATE && e.type != RAFT_START) {
        raft_event dirt = {};
        raft_update ignored;
        dirt.type = RAFT_TIMEOUT;
        dirt.time = view.timeout;
        raft_step(handle(), &dirt, &ignored);
    }
    Driver::check_failure(e, u, rc);
    if (observe::is_asleep(*handle()) != was_asleep_) {
        throw Violation("sleep", format("a failed step %s %s",
                                        was_asleep_ ? "wakes" : "puts to sleep", name()));
    }
    failures_.failed(*handle());
    if (sim_.broken == Broken::FAILURE_CHANGES_FUTURE) {
        raft_seed(handle(), static_cast<unsigned>(sim_.random.next()));
    }
}

void Server::tamper(raft_update &u) {
    sim_.stats.add(S_STEP);
    sim_.record_step(*this, u);
    sim_.break_flags(u.flags);
    sim_.break_view(view, before, u.flags);
    sim_.break_update(u, *this, view);
}

void Server::judged(const raft_event &e, const raft_update &u) {
    /* It gave up an installation, or another term made it void. */
    bool given_up =
        u.flags & RAFT_UPDATE_ENTRIES || view.term != before.term || view.state == RAFT_CANDIDATE;
    parts_lost += given_up;
    keep_promises(e, u);
    note_transitions();
}

void Server::check_thoroughly() {
    check_log(view.snapshot + sim_.random.below(view.last - view.snapshot + 1));
}

bool Server::truncating(raft_index from) {
    sim_.stats.add(S_TRUNCATION);
    sim_.entries_leave(*this, from, true);
    return sim_.broken != Broken::KEEP_TRUNCATED;
}

void Server::discarding() {
    sim_.note(id, "drops the log that ends before its snapshot");
    sim_.stats.add(S_START_DISCARD);
}

void Server::installing() {
    sim_.note(id, "installs snapshot %llu/%llu", incoming.index, incoming.term);
    sim_.stats.add(S_INSTALL);
    sim_.stats.add(S_INSTALL_WITHIN, log.last() > incoming.index);
    sim_.entries_leave(*this, 1, false);
}

void Server::elected() {
    sim_.stats.add(S_ELECTION);
    sim_.isolate_winner(*this);
}

void Server::note_transitions() {
    Stats &s = sim_.stats;
    if (view.state != before.state || view.term != before.term) {
        static const char *const states[] = {"", "follower", "candidate", "leader"};
        sim_.note(id, "is %s of term %llu", states[view.state], view.term);
        sim_.trace_role(id, view.state, view.term);
        s.add(S_CAMPAIGN, view.state == RAFT_CANDIDATE && before.state == RAFT_FOLLOWER);
        s.add(S_STEP_DOWN, before.state == RAFT_LEADER && view.state != RAFT_LEADER);
        s.add(S_REMOVED_LEADER, before.leads() && !view.leads() && view.term == before.term &&
                                    !votes_in_new(view.role));
        s.add(S_JOINT_INHERITED, view.leads() && !before.leads() && before.conf.joint());
    }
    if (view.commit != before.commit) {
        sim_.trace_commit(id, view.commit);
    }
    sim_.trace_server(*this);
    if (!(view.conf == before.conf) || view.conf_index != before.conf_index) {
        sim_.note(id, "configuration %s of %llu", view.conf.str().c_str(), view.conf_index);
        if (view.leads() && !before.conf.joint() && view.conf.joint()) {
            s.add(S_CHANGE_JOINT);
            sim_.disturb_soon(id, 80, sim_.plan.delay_max + 2 * sim_.plan.disk_max);
        }
        s.add(S_JOINT_LEFT, view.leads() && before.conf.joint() && !view.conf.joint());
        s.add(S_CONF_ROLLBACK, view.conf_index < before.conf_index);
    }
    for (raft_id p = 1; p <= sim_.plan.servers && (view.leads() || before.leads()); p++) {
        if (view.peer(p).catch_up != before.peer(p).catch_up) {
            s.add(S_CATCH_UP_FINISHED, view.peer(p).catch_up == RAFT_CATCH_UP_FINISHED);
            s.add(S_CATCH_UP_ABORTED, view.peer(p).catch_up == RAFT_CATCH_UP_ABORTED);
        }
    }
}

} // namespace sim
