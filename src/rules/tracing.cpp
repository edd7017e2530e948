/* SPDX-License-Identifier: MIT */
#include "rules/tracing.hpp"

#include "base/untrusted.hpp"
#include "state/tracker.hpp"

namespace libraft::tracing {
namespace {

constexpr const char *kNames[] = {"",          "event",         "received", "sent",     "term",
                                  "vote",      "state",         "leader",   "entries",  "snapshot",
                                  "commit",    "configuration", "read",     "catch-up", "transfer",
                                  "data loss", "asleep",        "awake"};

struct Emitter {
    const Change &change;
    raft_tracer *tracer;

    void fact(int type, int code, raft_id peer, raft_term term, raft_index index) const {
        const Server &s = change.server;
        raft_tracer_info info = {1, code, s.now, s.id, peer, term, index, kNames[type], {}};
        tracer->emit(tracer, type, &info);
    }
    bool has(unsigned flag) const { return (change.update.flags & flag) != 0; }
};

void emit_state(const Emitter &e) {
    const Server &s = e.change.server;
    if (e.has(RAFT_UPDATE_CURRENT_TERM)) {
        e.fact(RAFT_TRACE_TERM, 0, 0, s.term, 0);
    }
    if (e.has(RAFT_UPDATE_VOTED_FOR)) {
        e.fact(RAFT_TRACE_VOTE, 0, s.voted_for, s.term, 0);
    }
    if (e.has(RAFT_UPDATE_STATE)) {
        e.fact(RAFT_TRACE_STATE, s.state, 0, s.term, 0);
    }
    if (e.has(RAFT_UPDATE_LEADER)) {
        e.fact(RAFT_TRACE_LEADER, 0, s.leader, s.term, 0);
    }
    if (e.has(RAFT_UPDATE_COMMIT_INDEX)) {
        e.fact(RAFT_TRACE_COMMIT, 0, 0, s.term, s.commit);
    }
    if (e.has(RAFT_UPDATE_CONFIGURATION)) {
        const Configuration *c = s.configuration;
        /* unreachable(2): a configuration is replaced, never removed */
        e.fact(RAFT_TRACE_CONFIGURATION, c != nullptr ? static_cast<int>(c->n) : 0, 0, s.term,
               c != nullptr ? c->index : 0);
    }
    if (e.has(RAFT_UPDATE_CATCH_UP)) {
        e.fact(RAFT_TRACE_CATCH_UP, 0, 0, s.term, 0);
    }
    if (s.asleep != e.change.was_asleep) {
        e.fact(s.asleep ? RAFT_TRACE_ASLEEP : RAFT_TRACE_AWAKE, 0, 0, s.term, 0);
    }
    if (e.has(RAFT_UPDATE_TRANSFER)) {
        e.fact(RAFT_TRACE_TRANSFER, 0, s.tracker ? s.tracker->transfer.to : 0, s.term, 0);
    }
}

void emit_output(const Emitter &e) {
    const Change &change = e.change;
    const raft_update &u = change.update;
    if (e.has(RAFT_UPDATE_ENTRIES)) {
        e.fact(RAFT_TRACE_ENTRIES, static_cast<int>(u.entries.n), 0, change.server.term,
               u.entries.index);
    }
    if (e.has(RAFT_UPDATE_SNAPSHOT)) {
        e.fact(RAFT_TRACE_SNAPSHOT, 0, 0, u.snapshot.metadata.term, u.snapshot.metadata.index);
    }
    for (uint32_t i = 0; i < change.out.n_messages; i++) {
        const raft_message &m = change.out.messages[i];
        e.fact(RAFT_TRACE_SENT, static_cast<int>(m.type), m.server_id, change.server.term, 0);
    }
    for (uint32_t i = 0; i < change.out.n_reads; i++) {
        const raft_read &read = change.out.reads[i];
        e.fact(RAFT_TRACE_READ, read.status, 0, change.server.term, read.index);
    }
}

void emit_loss(const Emitter &e) {
    const Change &change = e.change;
    if (change.lossy_peer != 0) {
        e.fact(RAFT_TRACE_DATA_LOSS, 0, change.lossy_peer, change.server.term, change.lost_index);
    }
}

} // namespace

void emit(const Change &change, const raft_event &event) {
    const Emitter e{change, change.server.tracer};
    const int type = static_cast<int>(load_enum(event.type));
    e.fact(RAFT_TRACE_EVENT, type, 0, change.server.term, 0);
    if (type == RAFT_RECEIVE) {
        const raft_message &m = *event.receive.message;
        e.fact(RAFT_TRACE_RECEIVED, static_cast<int>(load_enum(m.type)), m.server_id,
               change.server.term, 0);
    }
    emit_state(e);
    emit_loss(e);
    emit_output(e);
}

} // namespace libraft::tracing
