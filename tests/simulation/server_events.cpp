/* SPDX-License-Identifier: MIT */
/* What happens to a server, made into events. */
#include "server.hpp"

#include "world.hpp"

#include <cstring>

namespace sim {

void Server::receive(const Wire &wire) {
    loan_.clear();
    raft_message m = wire.message;
    strip(m, vintage, w_.random);
    m.server_id = wire.from;
    bool elsewhere = w_.sabotage == Sabotage::WRONG_ADDRESS && w_.random.percent(20);
    m.server_address = loan_.address(wire.from, (wire.port + elsewhere) % kPorts);
    heard_port_[wire.from] = static_cast<int>(wire.port);
    if (m.type == RAFT_APPEND_ENTRIES) {
        loan_.lend(wire.entries.data(), wire.entries.size());
        m.append_entries.entries = wire.entries.empty() ? nullptr : loan_.entries.data();
        m.append_entries.n_entries = static_cast<unsigned>(wire.entries.size());
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        m.install_snapshot.conf = loan_.lend(wire.conf);
        m.install_snapshot.data = {const_cast<char *>(wire.data.data()), wire.data.size()};
    }
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
                                          describe(wire.message).c_str(), name_of(wire.from), rc,
                                          raft_errmsg(handle())));
    }
}

void Server::arm_timer() {
    Time at = clock.when(face.timeout, w_.now);
    if (at < timer_at_) {
        timer_at_ = at;
        w_.schedule(at, Happening::TIMER, id, epoch);
    }
}

void Server::set_clock() {
    timer_at_ = UINT64_MAX;
    arm_timer();
}

void Server::timer_fired() {
    if (w_.now < timer_at_) {
        return; /* the clock was changed: another one is under way */
    }
    timer_at_ = UINT64_MAX;
    if (clock.read(w_.now) < face.timeout) {
        arm_timer();
        return;
    }
    if (!w_.calm && w_.random.percent(w_.plan.timer_late_percent) && w_.random.percent(30)) {
        w_.stats.add(S_TIMER_LATE);
        timer_at_ = w_.now + w_.random.skewed(1, 500 * kMs);
        w_.schedule(timer_at_, Happening::TIMER, id, epoch);
        return;
    }
    raft_event e = {};
    e.type = RAFT_TIMEOUT;
    if (step(e) != 0) {
        throw Violation("timeout", format("fails on %s", name()));
    }
}

/* Extra steps are harmless. */
void Server::timer_early() {
    w_.stats.add(S_TIMER_EARLY);
    raft_event e = {};
    e.type = w_.random.percent(80) ? RAFT_TIMEOUT : RAFT_CONFIGURATION;
    if (step(e) != 0) {
        throw Violation("timeout", format("an early one fails on %s", name()));
    }
}

void Server::unreachable(raft_id peer) {
    raft_event e = {};
    e.type = RAFT_UNREACHABLE;
    e.unreachable.server_id = peer;
    if (step(e) != 0) {
        throw Violation("unreachable", format("fails on %s", name()));
    }
}

int Server::bootstrap(const Conf &conf) {
    loan_.clear();
    raft_event e = {};
    e.type = RAFT_BOOTSTRAP;
    e.bootstrap.conf = loan_.lend(conf);
    return step(e);
}

int Server::submit(const std::vector<uint32_t> &ops) {
    loan_.clear();
    std::vector<Entry> entries;
    for (uint32_t op : ops) {
        entries.push_back({w_.random.next(), w_.make_payload(RAFT_COMMAND, op, &op, sizeof op)});
    }
    loan_.lend(entries.data(), entries.size());
    raft_event e = {};
    e.type = RAFT_SUBMIT;
    e.submit.entries = loan_.entries.data();
    e.submit.n = static_cast<unsigned>(loan_.entries.size());
    return step(e);
}

int Server::read(uint32_t op, bool lease) {
    raft_event e = {};
    e.type = RAFT_READ;
    e.read.id = op;
    e.read.lease = lease;
    return step(e);
}

int Server::reconfigure(const Conf &conf, bool shared_address) {
    loan_.clear();
    raft_event e = {};
    e.type = RAFT_RECONFIGURE;
    e.reconfigure.conf = loan_.lend(conf);
    if (shared_address) {
        loan_.servers.back().address = loan_.servers.front().address;
    }
    return step(e);
}

int Server::submit_change(const Conf &conf) {
    loan_.clear();
    std::vector<unsigned char> bytes = encode(conf);
    Entry entry{0, w_.make_payload(RAFT_CHANGE, kNoOp, bytes.data(), bytes.size())};
    loan_.lend(&entry, 1);
    raft_event e = {};
    e.type = RAFT_SUBMIT;
    e.submit.entries = loan_.entries.data();
    e.submit.n = 1;
    return step(e);
}

int Server::recover(const Conf &conf) {
    loan_.clear();
    raft_event e = {};
    e.type = RAFT_RECOVER;
    e.recover.conf = loan_.lend(conf);
    return step(e);
}

int Server::catch_up(raft_id peer) {
    raft_event e = {};
    e.type = RAFT_CATCH_UP;
    e.catch_up.server_id = peer;
    return step(e);
}

int Server::transfer(raft_id peer) {
    raft_event e = {};
    e.type = RAFT_TRANSFER;
    e.transfer.server_id = peer;
    return step(e);
}

} // namespace sim
