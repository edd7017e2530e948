/* SPDX-License-Identifier: MIT */
#include "tracing.hpp"

#include "bytes.hpp"

namespace libraft::tracing {
namespace {

constexpr const char *kNames[] = {"",       "event",         "received", "sent",     "term",
                                  "vote",   "state",         "leader",   "entries",  "snapshot",
                                  "commit", "configuration", "read",     "catch-up", "transfer"};

struct Emitter {
    const Step &step;
    raft_tracer *tracer;

    void fact(int type, int code, raft_id peer, raft_term term, raft_index index) const {
        const Server &s = step.server;
        raft_tracer_info info = {1, code, s.now, s.id, peer, term, index, kNames[type], {}};
        tracer->emit(tracer, type, &info);
    }
    bool changed(unsigned flag) const { return (step.update.flags & flag) != 0; }
};

void emit_state(const Emitter &e) {
    const Server &s = e.step.server;
    if (e.changed(RAFT_UPDATE_CURRENT_TERM)) {
        e.fact(RAFT_TRACE_TERM, 0, 0, s.term, 0);
    }
    if (e.changed(RAFT_UPDATE_VOTED_FOR)) {
        e.fact(RAFT_TRACE_VOTE, 0, s.voted_for, s.term, 0);
    }
    if (e.changed(RAFT_UPDATE_STATE)) {
        e.fact(RAFT_TRACE_STATE, s.state, 0, s.term, 0);
    }
    if (e.changed(RAFT_UPDATE_LEADER)) {
        e.fact(RAFT_TRACE_LEADER, 0, s.leader, s.term, 0);
    }
    if (e.changed(RAFT_UPDATE_COMMIT_INDEX)) {
        e.fact(RAFT_TRACE_COMMIT, 0, 0, s.term, s.commit);
    }
    if (e.changed(RAFT_UPDATE_CONFIGURATION)) {
        const Configuration *c = s.configuration;
        e.fact(RAFT_TRACE_CONFIGURATION, c != nullptr ? static_cast<int>(c->n) : 0, 0, s.term,
               c != nullptr ? c->index : 0);
    }
    if (e.changed(RAFT_UPDATE_CATCH_UP)) {
        e.fact(RAFT_TRACE_CATCH_UP, 0, 0, s.term, 0);
    }
    if (e.changed(RAFT_UPDATE_TRANSFER)) {
        e.fact(RAFT_TRACE_TRANSFER, 0, s.transferee(), s.term, 0);
    }
}

void emit_output(const Emitter &e) {
    const Step &step = e.step;
    const raft_update &u = step.update;
    if (e.changed(RAFT_UPDATE_ENTRIES)) {
        e.fact(RAFT_TRACE_ENTRIES, static_cast<int>(u.entries.n), 0, step.server.term,
               u.entries.index);
    }
    if (e.changed(RAFT_UPDATE_SNAPSHOT)) {
        e.fact(RAFT_TRACE_SNAPSHOT, 0, 0, u.snapshot.metadata.term, u.snapshot.metadata.index);
    }
    for (uint32_t i = 0; i < step.out.n_messages; i++) {
        const raft_message &m = step.out.messages[i];
        e.fact(RAFT_TRACE_SENT, static_cast<int>(m.type), m.server_id, step.server.term, 0);
    }
    for (uint32_t i = 0; i < step.out.n_reads; i++) {
        const raft_read &read = step.out.reads[i];
        e.fact(RAFT_TRACE_READ, read.status, 0, step.server.term, read.index);
    }
}

} // namespace

void emit(const Step &step) {
    Emitter e{step, step.server.settings->tracer};
    const int type = static_cast<int>(load_enum(step.event.type));
    e.fact(RAFT_TRACE_EVENT, type, 0, step.server.term, 0);
    if (type == RAFT_RECEIVE) {
        const raft_message &m = *step.event.receive.message;
        e.fact(RAFT_TRACE_RECEIVED, static_cast<int>(load_enum(m.type)), m.server_id,
               step.server.term, 0);
    }
    emit_state(e);
    emit_output(e);
}

} // namespace libraft::tracing
