/* SPDX-License-Identifier: MIT */
/* Messages, timers and requests as events. */
#include "server.hpp"

#include "simulation.hpp"

#include <cstring>

namespace sim {

void Server::must_succeed(const char *what, int rc) const {
    if (rc != 0) {
        throw Violation("request", format("%s refuses %s with %d (%s)", name(), what, rc,
                                          raft_errmsg(handle())));
    }
}

void Server::receive(const Wire &wire) {
    loan.clear();
    raft_message &m = *loan.lend(wire);
    strip(m, codec, sim_.random);
    if (m.type == RAFT_APPEND_ENTRIES_RESULT) {
        Echo &echo = echoes_[wire.from];
        Echo came = {term_of(m), wire.number};
        bool newer = echo.term < came.term || (echo.term == came.term && echo.number < came.number);
        echo = newer ? came : echo;
    }
    raft_event e = {};
    e.type = RAFT_RECEIVE;
    e.receive.message = &m;
    int rc = step(e);
    if (rc != 0) {
        throw Violation("receive", format("%s refuses %s from %s with %d (%s)", name(),
                                          describe(wire.m).c_str(), name_of(wire.from), rc,
                                          raft_errmsg(handle())));
    }
}

void Server::arm_timer() {
    Time at = clock.when(view.timeout, sim_.now);
    if (at < timer_at_) {
        timer_at_ = at;
        sim_.schedule(at, Scheduled::TIMER, id, epoch);
    }
}

void Server::set_clock() {
    timer_at_ = UINT64_MAX;
    arm_timer();
}

void Server::timer_fired() {
    if (sim_.now < timer_at_) {
        return; /* the clock was changed: another timer is armed */
    }
    timer_at_ = UINT64_MAX;
    if (flooded()) {
        return; /* it looks at its timer after its input */
    }
    if (clock.read(sim_.now) < view.timeout) {
        arm_timer();
        return;
    }
    if (!sim_.calm && sim_.random.percent(sim_.plan.timer_late_percent) &&
        sim_.random.percent(30)) {
        sim_.stats.add(S_TIMER_LATE);
        timer_at_ = sim_.now + sim_.random.skewed(1, 500 * kMs);
        sim_.schedule(timer_at_, Scheduled::TIMER, id, epoch);
        return;
    }
    must_succeed("a timeout", request(RAFT_TIMEOUT, 0));
}

/* Events that come without need change nothing. */
void Server::timer_early() {
    sim_.stats.add(S_TIMER_EARLY);
    must_succeed("an early timeout",
                 request(sim_.random.percent(80) ? RAFT_TIMEOUT : RAFT_CONFIGURATION, 0));
}

void Server::unreachable(raft_id peer) {
    must_succeed("that a server is unreachable", request(RAFT_UNREACHABLE, peer));
}

int Server::request(raft_event_type type, raft_id peer) {
    raft_event e = {};
    e.type = type;
    if (type == RAFT_UNREACHABLE) {
        e.unreachable.server_id = peer;
    } else if (type == RAFT_CATCH_UP) {
        e.catch_up.server_id = peer;
    } else if (type == RAFT_TRANSFER) {
        e.transfer.server_id = peer;
    }
    return step(e);
}

int Server::request(raft_event_type type, const Configuration &conf, bool force) {
    loan.clear();
    raft_event e = {};
    e.type = type;
    raft_configuration lent = loan.lend(conf);
    if (type == RAFT_BOOTSTRAP) {
        e.bootstrap.conf = lent;
    } else if (type == RAFT_RECONFIGURE) {
        e.reconfigure.conf = lent;
        e.reconfigure.force = force;
    } else {
        e.recover.conf = lent;
    }
    return step(e);
}

int Server::submit(const std::vector<Entry> &entries) {
    loan.clear();
    loan.lend(entries.data(), entries.size());
    raft_event e = {};
    e.type = RAFT_SUBMIT;
    e.submit.entries = loan.entries.data();
    e.submit.n = static_cast<unsigned>(loan.entries.size());
    return step(e);
}

int Server::submit(const std::vector<uint32_t> &ops) {
    std::vector<Entry> entries;
    for (uint32_t op : ops) {
        std::string_view bytes(reinterpret_cast<const char *>(&op), sizeof op);
        raft_term unread = sim_.random.next();
        entries.emplace_back(unread, sim_.payloads.make(RAFT_COMMAND, bytes, op));
    }
    return submit(entries);
}

int Server::submit_change(const Configuration &conf) {
    return submit({Entry(0, sim_.payloads.make(RAFT_CHANGE, encode(conf)))});
}

int Server::read(uint32_t op, bool lease) {
    raft_event e = {};
    e.type = RAFT_READ;
    e.read.id = op;
    e.read.lease = lease;
    return step(e);
}

} // namespace sim
