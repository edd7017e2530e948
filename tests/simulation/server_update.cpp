/* SPDX-License-Identifier: MIT */
/* The caller's duties after a step, in the contract's order. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

/* A crash may come between any two of them. */
bool Server::survives() {
    if (w_.calm || !w_.random.ppm(w_.plan.crash_midway_ppm)) {
        return true;
    }
    w_.stats.add(S_CRASH_MIDWAY);
    crash("while carrying out an update");
    return false;
}

void Server::carry_out(const raft_update &u) {
    bool moved = u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR | RAFT_UPDATE_ENTRIES |
                            RAFT_UPDATE_MESSAGES | RAFT_UPDATE_SNAPSHOT);
    if (moved && !survives()) {
        return;
    }
    if (u.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) {
        save_meta();
    }
    if (u.flags & RAFT_UPDATE_ENTRIES) {
        if (!survives()) {
            return;
        }
        write_entries(u);
    }
    if (event_type_ == RAFT_PERSISTED_SNAPSHOT && face.snapshot != before_.snapshot) {
        Write w{Write::RESET};
        w.index = log.first;
        write(std::move(w));
    }
    if (u.flags & RAFT_UPDATE_SNAPSHOT) {
        write_chunk(u);
    }
    if (u.flags & RAFT_UPDATE_MESSAGES && !send_messages(u)) {
        return;
    }
    if (face.commit != before_.commit) {
        apply();
        raft_index since = std::max(face.snapshot, snapshot_pending_);
        if (w_.plan.snapshot_every != 0 && machine.applied >= since + w_.plan.snapshot_every) {
            take_snapshot();
        }
    }
    if (u.flags & RAFT_UPDATE_READS) {
        answer_reads(u);
    }
    previous_snap_ = nullptr;
    arm_timer();
}

void Server::save_meta() {
    if (w_.sabotage == Sabotage::LATE_VOTE) {
        write(Write::meta(face.term, face.vote));
    } else if (plan_.held_messages) {
        meta_written_++;
        write(Write::meta(face.term, face.vote));
    } else {
        disk.term = face.term;
        disk.vote = face.vote;
    }
}

void Server::write_entries(const raft_update &u) {
    Write w{Write::ENTRIES};
    w.ticket = u.entries.write;
    if (u.entries.n == 0) { /* a log behind its snapshot */
        w.kind = Write::RESET;
        w.index = u.entries.index;
        write(std::move(w));
        return;
    }
    w.index = u.entries.index;
    for (unsigned i = 0; i < u.entries.n; i++) {
        w.entries.push_back(log.at(w.index + i));
    }
    raft_index first = w.index, last = log.last();
    unsigned long long ticket = w.ticket;
    write(std::move(w));
    repeat_acknowledgements(first);
    if (w_.sabotage == Sabotage::LYING_DISK) {
        w_.acknowledge_later(id, last, ticket, 0);
    }
}

void Server::write_chunk(const raft_update &u) {
    const raft_update_snapshot &s = u.snapshot;
    if (chunk_outstanding_) {
        throw Violation("snapshot", format("%s: a chunk while another is outstanding", name()));
    }
    if (s.offset == 0) {
        incoming_ = Snapshot();
        incoming_.index = s.metadata.index;
        incoming_.term = s.metadata.term;
        incoming_.conf = copy(s.metadata.configuration);
        incoming_.conf_index = s.metadata.configuration_index;
        incoming_since_ = face.term;
    }
    if (incoming_since_ != face.term) { /* another leader's may have other bytes */
        throw Violation("snapshot", format("%s goes on in term %llu with a snapshot of term %llu",
                                           name(), face.term, incoming_since_));
    }
    if (s.offset != incoming_.data.size() || s.metadata.index != incoming_.index ||
        s.metadata.term != incoming_.term || s.chunk.len == 0 || s.metadata.index <= face.commit) {
        throw Violation("snapshot",
                        format("%s: chunk of %llu/%llu at %zu, expected %llu/%llu at "
                               "%zu, commit %llu",
                               name(), s.metadata.index, s.metadata.term, s.offset, incoming_.index,
                               incoming_.term, incoming_.data.size(), face.commit));
    }
    incoming_.data.append(static_cast<const char *>(s.chunk.base), s.chunk.len);
    Write w{Write::CHUNK};
    w.chunk_index = s.metadata.index;
    w.chunk_term = s.metadata.term;
    w.offset = s.offset;
    w.last = s.last;
    w.fails = !w_.calm && w_.random.percent(w_.plan.chunk_fail_percent);
    if (s.last) {
        w.snapshot = std::make_shared<const Snapshot>(incoming_);
    }
    chunk_outstanding_ = true;
    half_of_ = s.last ? 0 : face.term;
    w_.stats.add(S_INSTALL_CHUNK);
    w_.stats.add(S_INSTALL_RESUMED, s.offset > 0);
    write(std::move(w));
}

/* An outgoing message gets what the library leaves to the caller. */
void Server::attach(Wire &wire) {
    raft_message &m = wire.message;
    if (m.type == RAFT_APPEND_ENTRIES) {
        raft_append_entries &a = m.append_entries;
        if (a.n_entries > 0 && w_.random.percent(3)) { /* fewer may be sent */
            a.n_entries = static_cast<unsigned>(w_.random.below(a.n_entries + 1ULL));
        }
        const Entry *first = a.n_entries > 0 ? &log.at(a.prev_log_index + 1) : nullptr;
        wire.entries.assign(first, first + a.n_entries);
        w_.sabotage_entries(wire.entries);
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        raft_install_snapshot &i = m.install_snapshot;
        const Snapshot &s = i.last_index == snap->index ? *snap : *previous_snap_;
        auto offset = static_cast<size_t>(i.offset);
        size_t left = s.data.size() - offset;
        size_t n = left;
        if (i.version >= 1) {
            n = static_cast<size_t>(
                w_.random.between(1, std::min<size_t>(left, w_.plan.chunk_max)));
            i.last = n == left;
        }
        wire.data = s.data.substr(offset, n);
        unsigned long long &given = w_.server(m.server_id).given[s.index];
        given = std::max<unsigned long long>(given, offset + n);
        wire.conf = copy(i.conf);
    }
}

bool Server::send_messages(const raft_update &u) {
    if (u.messages.n == 0 || u.messages.batch == nullptr) {
        throw Violation("update flags", "MESSAGES without any");
    }
    for (unsigned i = 0; i < u.messages.n; i++) {
        const raft_message &m = u.messages.batch[i];
        check_message(m);
        auto wire = std::make_unique<Wire>();
        wire->from = id;
        wire->to = m.server_id;
        wire->port = port;
        wire->message = m;
        attach(*wire);
        if (!survives()) {
            return false;
        }
        leave(wire.release());
    }
    return true;
}

/* Nothing leaves before term and vote are durable. */
void Server::leave(Wire *wire) {
    if (meta_durable_ < meta_written_) {
        held_.push_back({meta_written_, wire, kNoOp});
    } else {
        depart(wire);
    }
}

void Server::depart(Wire *wire) {
    const raft_message &m = wire->message;
    if (!is_pre_vote(m)) {
        w_.judge.spoke(id, term_of(m));
    }
    if (m.type == RAFT_REQUEST_VOTE_RESULT) {
        const raft_request_vote_result &r = m.request_vote_result;
        if (r.vote_granted && !r.pre_vote) {
            w_.judge.voted(id, r.term, wire->to);
        }
    } else if (m.type == RAFT_APPEND_ENTRIES_RESULT && m.append_entries_result.rejected == 0) {
        w_.judge.acknowledged(id, m.append_entries_result.term,
                              m.append_entries_result.last_log_index);
    }
    if (strip(wire->message, vintage, w_.random) || vintage < kOurs) {
        w_.stats.add(S_OLD_MESSAGE);
    }
    w_.network.send(wire);
}

void Server::reply(uint32_t op) {
    if (meta_durable_ < meta_written_) {
        held_.push_back({meta_written_, nullptr, op});
    } else {
        w_.clients.completed(op);
    }
}

void Server::flush_held() {
    while (!held_.empty() && held_.front().meta <= meta_durable_) {
        Held h = held_.front();
        held_.pop_front();
        if (h.wire != nullptr) {
            depart(h.wire);
        } else {
            w_.clients.completed(h.op);
        }
    }
}

void Server::apply() {
    raft_index end = face.commit;
    if (w_.sabotage == Sabotage::EARLY_APPLY && log.last() > end) {
        end = log.last();
    }
    if (snap != nullptr && machine.applied < snap->index) {
        restore(*snap);
        w_.judge.applied(*this, snap->index, machine.digest);
        const Conf *conf = w_.judge.committed_conf(snap->index);
        if (conf == nullptr || !(*conf == snap->conf)) {
            throw Violation("snapshot", format("%s: configuration of snapshot %llu is wrong",
                                               name(), snap->index));
        }
    }
    while (machine.applied < end) {
        apply_entry(machine.applied + 1);
    }
}

void Server::apply_entry(raft_index index) {
    const Entry &e = log.at(index);
    machine.applied = index;
    machine.mix(index << 32 | e.term);
    machine.mix(e.payload->op);
    if (e.payload->op != kNoOp) {
        machine.values[w_.clients.key_of(e.payload->op)] = e.payload->op;
    }
    w_.judge.applied(*this, index, machine.digest);
    if (e.payload->op != kNoOp) {
        w_.clients.committed_after_all(e.payload->op);
    }
    if (e.payload->op != kNoOp && w_.clients.awaits(e.payload->op, id, epoch)) {
        reply(e.payload->op);
    }
}

void Server::restore(const Snapshot &s) {
    if (w_.sabotage == Sabotage::EMPTY_SNAPSHOT) {
        machine = Machine();
        machine.applied = s.index;
        return;
    }
    memcpy(static_cast<void *>(&machine), s.data.data(), sizeof machine);
    if (machine.applied != s.index) {
        throw Violation("snapshot", format("%s restores %llu from snapshot %llu", name(),
                                           machine.applied, s.index));
    }
}

/* Answers that were sent since that message, in this term. */
bool Server::heard_from_quorum_since(uint64_t number) const {
    return quorum(face.conf, [&](raft_id peer) {
        const Echo &echo = echoes_[peer];
        return peer == id || (echo.term == face.term && echo.number > number);
    });
}

void Server::answer_reads(const raft_update &u) {
    if (u.reads.n == 0) {
        throw Violation("update flags", "READS without any");
    }
    for (unsigned i = 0; i < u.reads.n; i++) {
        const raft_read &r = u.reads.batch[i];
        auto op = static_cast<uint32_t>(r.id);
        if (r.status == 0 && r.index > face.commit) {
            throw Violation("read",
                            format("%s answers at %llu beyond its commit index", name(), r.index));
        }
        bool by_lease = event_type_ == RAFT_READ && w_.clients.by_lease(op);
        if (r.status == 0 && !by_lease && !heard_from_quorum_since(w_.clients.asked_at(op))) {
            throw Violation("read", format("%s answers one though no quorum has confirmed its "
                                           "leadership since",
                                           name()));
        }
        if (w_.clients.read_answered(op, id, epoch, r, machine)) {
            reply(op);
        }
    }
}

} // namespace sim
