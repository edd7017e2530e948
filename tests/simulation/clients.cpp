/* SPDX-License-Identifier: MIT */
#include "clients.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {

void Clients::begin() {
    clients_.resize(sim_.plan.clients);
    ops_.reserve(8192);
    for (unsigned c = 0; c < clients_.size(); c++) {
        pause(c);
    }
}

void Clients::pause(unsigned client) {
    Client &c = clients_[client];
    c.turn++;
    Time at = sim_.now + sim_.random.between(1, 2 * sim_.plan.think);
    sim_.schedule(at, Scheduled::CLIENT, client, c.turn);
}

void Clients::wake(unsigned client, uint64_t turn) {
    Client &c = clients_[client];
    if (turn != c.turn || stopped_) {
        return;
    }
    while (!c.open.empty()) { /* no answer for too long */
        uint32_t op = c.open.back();
        end(op, ops_[op].kind == Op::WRITE ? Op::UNKNOWN : Op::FAILED);
    }
    if (sim_.clients_pause()) {
        pause(client);
    } else {
        ask(client);
    }
}

raft_id Clients::choose_server(Client &c) {
    if (c.guess == 0 || sim_.random.percent(10)) {
        c.guess = sim_.random.between(1, sim_.plan.servers);
        const Server &s = sim_.server(c.guess);
        if (!sim_.random.percent(20) && s.up && s.view.leader != 0) {
            c.guess = s.view.leader;
        }
    }
    return c.guess;
}

void Clients::ask(unsigned client) {
    Client &c = clients_[client];
    raft_id server = choose_server(c);
    if (!sim_.server(server).up) {
        c.guess = 0;
        pause(client);
        return;
    }
    if (sim_.random.percent(50)) {
        write(client, server);
    } else {
        read(client, server);
    }
    if (!c.open.empty()) {
        c.turn++;
        Time liveness_bound = sim_.random.between(1, 5) * sim_.plan.max_election_timeout() * kMs;
        sim_.schedule(sim_.now + liveness_bound, Scheduled::CLIENT, client, c.turn);
    } else {
        pause(client);
    }
}

uint32_t Clients::add(unsigned client, Op::Kind kind, raft_id server) {
    auto op = static_cast<uint32_t>(ops_.size());
    auto key = static_cast<uint8_t>(sim_.random.below(kKeys));
    ops_.push_back({kind, Op::OPEN, false, false, key, server, sim_.server(server).epoch, client,
                    ++order_, 0, sim_.network.sent(), sim_.judge.top(), kNoOp});
    clients_[client].open.push_back(op);
    return op;
}

void Clients::write(unsigned client, raft_id server) {
    std::vector<uint32_t> ops;
    size_t n = sim_.random.percent(70) ? 1 : sim_.random.between(2, 6);
    while (ops.size() < n) {
        ops.push_back(add(client, Op::WRITE, server));
    }
    uint64_t epoch = sim_.server(server).epoch;
    int rc = sim_.server(server).submit(ops);
    if (rc != 0) {
        for (uint32_t op : ops) {
            end(op, Op::FAILED);
        }
        refused(client, rc, server);
    } else if (sim_.server(server).epoch != epoch) {
        for (uint32_t op : ops) { /* the server crashed meanwhile */
            if (ops_[op].status == Op::OPEN) {
                end(op, Op::UNKNOWN);
            }
        }
    }
}

void Clients::read(unsigned client, raft_id server) {
    uint32_t op = add(client, Op::READ, server);
    bool lease = sim_.random.percent(50) && sim_.asks_for_leases();
    ops_[op].lease = lease;
    Server &s = sim_.server(server);
    if (sim_.broken == Broken::LOCAL_READ) {
        ops_[op].value = s.machine.values[ops_[op].key];
        completed(op);
        return;
    }
    int rc = s.read(op, lease);
    if (rc != 0) {
        end(op, Op::FAILED);
        refused(client, rc, server);
    } else if (ops_[op].status == Op::OPEN && sim_.broken == Broken::EARLY_READ && s.up) {
        ops_[op].value = s.machine.values[ops_[op].key];
        completed(op);
    } else {
        sim_.stats.add(S_READ_LEASE_AT_ONCE, lease && ops_[op].status == Op::DONE);
    }
}

void Clients::burst(raft_id server, unsigned n, bool lease) {
    Server &s = sim_.server(server);
    auto client = static_cast<unsigned>(sim_.extra.below(clients_.size()));
    for (unsigned i = 0; i < n && s.up; i++) {
        uint32_t op = add(client, Op::READ, server);
        ops_[op].lease = lease;
        if (s.read(op, lease) != 0) {
            end(op, Op::FAILED);
            return;
        }
    }
}

void Clients::refused(unsigned client, int rc, raft_id server) {
    Client &c = clients_[client];
    Server &s = sim_.server(server);
    c.guess = s.up && s.view.leader != server ? s.view.leader : 0;
    switch (rc) {
        case RAFT_NOTLEADER:
            sim_.stats.add(S_NOT_LEADER);
            if (s.view.leads() && s.view.transferee == 0) {
                throw Violation("request", format("leader %s says it is not", s.name()));
            }
            break;
        case RAFT_NOSPACE:
            sim_.stats.add(S_NOSPACE);
            break;
        case RAFT_BUSY:
            sim_.stats.add(S_BUSY);
            break;
        default:
            throw Violation("request", format("%s refuses a client with %d", s.name(), rc));
    }
}

bool Clients::awaits(uint32_t op, raft_id server, uint64_t epoch) const {
    const Op &o = ops_[op];
    return o.status == Op::OPEN && o.server == server && o.epoch == epoch;
}

void Clients::end(uint32_t op, Op::Status status) {
    Op &o = ops_[op];
    o.status = status;
    sim_.stats.add(S_WRITE_UNKNOWN, status == Op::UNKNOWN);
    Client &c = clients_[o.client];
    std::erase(c.open, op);
}

void Clients::completed(uint32_t op) {
    Op &o = ops_[op];
    if (o.status != Op::OPEN) {
        return; /* the client no longer waits */
    }
    end(op, Op::DONE);
    o.completed = ++order_;
    if (o.kind == Op::WRITE) {
        sim_.stats.add(S_WRITE_OK);
        writes_done_++;
    } else {
        sim_.stats.add(o.lease ? S_READ_LEASE : S_READ_QUORUM);
    }
    if (clients_[o.client].open.empty()) {
        pause(o.client);
    }
}

void Clients::server_died(raft_id server) {
    for (unsigned c = 0; c < clients_.size(); c++) {
        std::vector<uint32_t> open = clients_[c].open;
        for (uint32_t op : open) {
            if (ops_[op].server == server) {
                end(op, ops_[op].kind == Op::WRITE ? Op::UNKNOWN : Op::FAILED);
            }
        }
        if (!open.empty() && clients_[c].open.empty()) {
            clients_[c].guess = 0;
            pause(c);
        }
    }
}

void Clients::removed(uint32_t op, raft_id server, bool replaced) {
    Op &o = ops_[op];
    if (o.server != server) {
        return;
    }
    o.replaced = o.replaced || replaced;
    if (o.status == Op::OPEN) {
        end(op, Op::UNKNOWN);
        if (clients_[o.client].open.empty()) {
            pause(o.client);
        }
    }
}

void Clients::committed_after_all(uint32_t op) {
    sim_.stats.add(S_LOST_COMMITTED, ops_[op].replaced);
    ops_[op].replaced = false;
}

bool Clients::read_answered(uint32_t op, raft_id server, uint64_t epoch, const raft_read &r,
                            const Machine &machine) {
    if (op >= ops_.size() || ops_[op].kind != Op::READ || ops_[op].server != server ||
        ops_[op].epoch != epoch) {
        throw Violation("read", format("%s answers one that it was not asked", name_of(server)));
    }
    Op &o = ops_[op];
    if (o.status == Op::DONE && sim_.broken == Broken::NONE) {
        throw Violation("read", format("%s answers twice", name_of(server)));
    }
    if (r.status != 0) {
        if (r.status != RAFT_LEADERSHIPLOST) {
            throw Violation("read", format("status %d", r.status));
        }
        sim_.stats.add(S_READ_LOST);
        if (o.status == Op::OPEN) {
            end(op, Op::FAILED);
            pause(o.client);
        }
        return false;
    }
    bool trusted = !o.lease || sim_.trusts_leases();
    if (trusted && r.index < o.floor) {
        throw Violation("read",
                        format("%s answers a %s read at %llu, but %llu was committed when "
                               "it was asked",
                               name_of(server), o.lease ? "lease" : "quorum", r.index, o.floor));
    }
    if (machine.applied < r.index) {
        throw Violation("read", "answered before its index is committed");
    }
    o.value = machine.values[o.key];
    return o.status == Op::OPEN;
}

} // namespace sim
