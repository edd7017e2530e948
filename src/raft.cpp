/* SPDX-License-Identifier: MIT */
#include "raft.hpp"

#include "append.hpp"
#include "bytes.hpp"
#include "election.hpp"
#include "leadership.hpp"
#include "membership.hpp"
#include "reads.hpp"
#include "snapshot.hpp"
#include "start.hpp"
#include "tracing.hpp"

#include <cstring>

namespace libraft {
namespace {

/* Retired configurations live until the step ends, so the pointers can be compared. */
bool same_configuration(const Configuration *a, const Configuration *b) {
    return a == b ||
           (a != nullptr && b != nullptr && a->index == b->index && configuration::equal(*a, *b));
}

bool same_text(const char *a, const char *b) {
    return a == b || (a != nullptr && b != nullptr && strcmp(a, b) == 0);
}

unsigned changed_facts(const Facts &now, const Facts &before) {
    unsigned flags = 0;
    if (now.term != before.term) {
        flags |= RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR;
    }
    if (now.voted_for != before.voted_for) {
        flags |= RAFT_UPDATE_VOTED_FOR;
    }
    if (now.state != before.state) {
        flags |= RAFT_UPDATE_STATE;
    }
    if (!same_configuration(now.configuration, before.configuration)) {
        flags |= RAFT_UPDATE_CONFIGURATION;
    }
    if (now.leader != before.leader || !same_text(now.leader_address, before.leader_address)) {
        flags |= RAFT_UPDATE_LEADER;
    }
    return flags;
}

/* What was gathered; the handlers set the flags of what they did. */
unsigned hand_out(const Step &step) {
    raft_update &u = step.update;
    unsigned flags = step.flags;
    if (step.out.n_messages > 0) {
        flags |= RAFT_UPDATE_MESSAGES;
        u.messages = {step.out.messages, step.out.n_messages};
    }
    if ((flags & RAFT_UPDATE_ENTRIES) != 0) {
        u.entries = {step.entries_index, step.out.entries, step.out.n_entries, step.server.writes};
    }
    if (step.out.n_reads > 0) {
        flags |= RAFT_UPDATE_READS;
        u.reads = {step.out.reads, step.out.n_reads};
    }
    return flags;
}

int receive(Step &step) {
    const raft_message *m = step.event.receive.message;
    if (m == nullptr) {
        return step.fail(RAFT_INVALID, "no message");
    }
    if (m->server_id == 0 || m->server_id == step.server.id || m->server_address == nullptr) {
        return step.fail(RAFT_MALFORMED, "a message without a sender");
    }
    switch (load_enum(m->type)) {
        case RAFT_APPEND_ENTRIES:
            return append::on_append_entries(step, *m);
        case RAFT_APPEND_ENTRIES_RESULT:
            return leadership::on_append_entries_result(step, *m);
        case RAFT_REQUEST_VOTE:
            return election::on_request_vote(step, *m);
        case RAFT_REQUEST_VOTE_RESULT:
            return election::on_request_vote_result(step, *m);
        case RAFT_INSTALL_SNAPSHOT:
            return snapshot::on_install_snapshot(step, *m);
        case RAFT_TIMEOUT_NOW:
            return election::on_timeout_now(step, *m);
        default:
            return 0; /* of a later version */
    }
}

int time_out(Step &step) {
    const Server &s = step.server;
    if (s.now < s.deadline) {
        return 0;
    }
    return s.leads() ? leadership::on_timeout(step) : election::on_timeout(step);
}

int dispatch(Step &step) {
    switch (load_enum(step.event.type)) {
        case RAFT_START:
            return start::on_start(step);
        case RAFT_RECEIVE:
            return receive(step);
        case RAFT_PERSISTED_ENTRIES:
            return append::on_persisted(step, step.event.persisted_entries.index);
        case RAFT_PERSISTED_SNAPSHOT:
            return snapshot::on_persisted(step);
        case RAFT_CONFIGURATION:
            return step.event.configuration.index <= step.server.commit
                       ? 0
                       : step.fail(RAFT_INVALID, "a configuration that is not committed");
        case RAFT_SNAPSHOT:
            return snapshot::on_taken(step);
        case RAFT_TIMEOUT:
            return time_out(step);
        case RAFT_SUBMIT:
            return leadership::on_submit(step);
        case RAFT_CATCH_UP:
            return membership::on_catch_up(step);
        case RAFT_TRANSFER:
            return leadership::on_transfer(step);
        case RAFT_BOOTSTRAP:
            return membership::on_bootstrap(step);
        case RAFT_RECONFIGURE:
            return membership::on_reconfigure(step);
        case RAFT_READ:
            return reads::on_read(step);
        case RAFT_UNREACHABLE:
            return leadership::on_unreachable(step);
        case RAFT_STORED:
            return append::on_stored(step);
        case RAFT_RECOVER:
            return membership::on_recover(step);
        default:
            return step.fail(RAFT_INVALID, "an event of unknown type");
    }
}

} // namespace

int step(Server &server, raft_event &event, raft_update &update) {
    Step step(server, event, update);
    update.flags = 0;
    if (event.time > kLimit) {
        return step.fail(RAFT_INVALID, "time out of range");
    }
    const bool starting = load_enum(event.type) == RAFT_START;
    if (!server.started && !starting) {
        return step.fail(RAFT_INVALID, "the server is not started");
    }
    const raft_time now = server.now;
    const raft_time timeout = server.timeout();
    const raft_index commit = server.commit;
    const uint16_t capacity = server.capacity;
#ifdef RAFT_INVARIANTS
    const Facts facts = server;
#endif
    server.now = event.time > now ? event.time : now;
    server.capacity = event.capacity;
    int rv = dispatch(step);
    if (rv != 0) {
        server.now = now;
        server.capacity = capacity;
        return rv;
    }
    if (server.timeout() != timeout) {
        step.flags |= RAFT_UPDATE_TIMEOUT;
    }
    if (server.commit != commit) {
        step.flags |= RAFT_UPDATE_COMMIT_INDEX;
    }
    update.flags = hand_out(step);
    if (starting) {
        step.before->term = event.start.term;
        step.before->voted_for = event.start.voted_for;
    }
    if (step.before) {
        update.flags |= changed_facts(server, *step.before);
    }
#ifdef RAFT_INVARIANTS
    INVARIANT(step.before || changed_facts(server, facts) == 0);
#endif
    server.steady = server.find_steady();
    if (server.settings->tracer != nullptr) [[unlikely]] {
        tracing::emit(step);
    }
    return 0;
}

} // namespace libraft
