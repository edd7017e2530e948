/* SPDX-License-Identifier: MIT */
/* Carrying out updates with crashes, delays and a state machine (see driver.hpp). */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

/* A crash may come between any two duties. */
bool Server::interrupted() {
    if (sim_.calm || !sim_.random.ppm(sim_.plan.crash_midway_ppm)) {
        return false;
    }
    sim_.stats.add(S_CRASH_MIDWAY);
    crash("while carrying out an update");
    return true;
}

void Server::save(raft_term term, raft_id vote) {
    Write w{Write::META};
    w.term = term;
    w.vote = vote;
    if (sim_.broken == Broken::LATE_VOTE) {
        write(std::move(w));
    } else if (plan_.held_messages) {
        meta_written_++;
        write(std::move(w));
    } else {
        Driver::save(term, vote);
    }
}

void Server::entries_written(raft_index first, raft_index last, unsigned long long ticket) {
    repeat_acknowledgements(first);
    if (sim_.broken == Broken::EARLY_ACK) {
        sim_.acknowledge_later(id, last, ticket, 0);
    }
}

bool Server::chunk_write_fails() {
    return !sim_.calm && sim_.random.percent(sim_.plan.chunk_fail_percent);
}

unsigned Server::choose_entries(unsigned n) {
    return sim_.random.percent(3) ? static_cast<unsigned>(sim_.random.below(n + 1ULL)) : n;
}

size_t Server::choose_bytes(size_t left) {
    return static_cast<size_t>(sim_.random.between(1, std::min<size_t>(left, sim_.plan.chunk_max)));
}

void Server::send(std::unique_ptr<Message> message) {
    std::unique_ptr<Wire> wire(static_cast<Wire *>(message.release()));
    bool withheld = withhold_;
    withhold_ = false;
    if (withheld) {
        return;
    }
    if (sim_.plan.callers.has(C_MOVES)) {
        const Member *member = view.conf.find(wire->to);
        bool configured = sim_.broken == Broken::CONFIGURED_ADDRESS && member != nullptr;
        wire->destination = configured ? member->address : intern(wire->m.server_address);
    }
    sim_.break_entries(wire->entries);
    if (wire->m.type == RAFT_INSTALL_SNAPSHOT) {
        const raft_install_snapshot &i = wire->m.install_snapshot;
        unsigned long long &given = sim_.server(wire->to).given[i.last_index];
        unsigned long long offset = i.version >= 1 ? i.offset : 0;
        given = std::max<unsigned long long>(given, offset + wire->data.size());
    }
    if (!sends_later(wire)) {
        leave(std::move(wire));
    }
}

/* No message or answer leaves before term and vote are durable. */
void Server::leave(std::unique_ptr<Wire> wire) {
    if (meta_durable_ < meta_written_) {
        held_.push_back({meta_written_, std::move(wire), kNoOp});
    } else {
        depart(std::move(wire));
    }
}

void Server::depart(std::unique_ptr<Wire> wire) {
    sim_.judge.left(*wire);
    if (sim_.plan.callers.bandwidth != 0) {
        for (const Entry &entry : wire->entries) {
            wire->entries_bytes += bytes_of(entry, sim_.plan.callers.entry_bytes);
        }
    }
    sim_.stats.add(S_OLD_MESSAGE, strip(wire->m, codec, sim_.random) || codec < kOurs);
    sim_.network.send(wire.release());
}

void Server::reply(uint32_t op) {
    if (meta_durable_ < meta_written_) {
        held_.push_back({meta_written_, nullptr, op});
    } else {
        sim_.clients.completed(op);
    }
}

void Server::flush_held() {
    while (!held_.empty() && held_.front().meta <= meta_durable_) {
        Held h = std::move(held_.front());
        held_.pop_front();
        if (h.wire != nullptr) {
            depart(std::move(h.wire));
        } else {
            sim_.clients.completed(h.op);
        }
    }
}

raft_index Server::apply_until() {
    bool early = sim_.broken == Broken::EARLY_APPLY;
    return early ? std::max(view.commit, log.last()) : view.commit;
}

void Server::apply_committed() {
    Driver::apply_committed();
    raft_index since = std::max(view.snapshot, snapshot_pending_);
    if (sim_.plan.snapshot_every != 0 && machine.applied >= since + sim_.plan.snapshot_every) {
        take_snapshot();
    }
}

void Server::apply(raft_index index, const Entry &e) {
    machine.applied = index;
    machine.mix(index << 32 | e.term);
    uint32_t op = e.payload->mark;
    machine.mix(op);
    if (op != kNoOp) {
        machine.values[sim_.clients.key_of(op)] = op;
    }
    sim_.judge.applied(*this, index, machine.digest);
    if (op != kNoOp) {
        sim_.clients.committed_after_all(op);
        if (sim_.clients.awaits(op, id, epoch)) {
            reply(op);
        }
    }
}

void Server::restore(const Snapshot &s) {
    if (sim_.broken == Broken::EMPTY_SNAPSHOT) {
        machine = Machine();
        machine.applied = s.index;
    } else {
        if (s.data.size() < sizeof machine) {
            throw Violation("snapshot",
                            format("%s restores a part of snapshot %llu", name(), s.index));
        }
        memcpy(static_cast<void *>(&machine), s.data.data(), sizeof machine);
    }
    const Configuration *conf = sim_.judge.committed_conf(s.index);
    if (machine.applied != s.index || conf == nullptr || !(*conf == s.conf)) {
        throw Violation("snapshot", format("%s restores %llu from snapshot %llu, of [%s]", name(),
                                           machine.applied, s.index, s.conf.str().c_str()));
    }
    sim_.judge.applied(*this, s.index, machine.digest);
}

/* Has a quorum sent answers of this term since that message was sent? */
bool Server::heard_from_quorum_since(uint64_t number) const {
    return quorum(view.conf, [&](raft_id peer) {
        const Echo &echo = echoes_[peer];
        return peer == id || (echo.term == view.term && echo.number > number);
    });
}

void Server::answered(const raft_read &r) {
    auto op = static_cast<uint32_t>(r.id);
    bool by_lease = event_type == RAFT_READ && sim_.clients.by_lease(op);
    if (r.status == 0 && !by_lease && !heard_from_quorum_since(sim_.clients.asked_at(op))) {
        throw Violation("read", format("%s answers one although no quorum has confirmed its "
                                       "leadership since",
                                       name()));
    }
    if (sim_.clients.read_answered(op, id, epoch, r, machine)) {
        reply(op);
    }
}

} // namespace sim
