/* SPDX-License-Identifier: MIT */
/* The table of contents: which function handles which event. */
#include "base/untrusted.hpp"
#include "events/events.hpp"
#include "rules/fast_path.hpp"
#include "rules/general_path.hpp"
#include "rules/message_checks.hpp"

namespace libraft {
namespace {

int on_message(Step &step) {
    const raft_message *m = step.event.receive.message;
    if (m == nullptr) {
        return step.fail(RAFT_INVALID, "the message is NULL");
    }
    const int rv = message::check_sender(step, *m);
    if (rv != 0) {
        return rv;
    }
    switch (load_enum(m->type)) {
        case RAFT_REQUEST_VOTE:
            return on_request_vote(step, *m);
        case RAFT_REQUEST_VOTE_RESULT:
            return on_request_vote_result(step, *m);
        case RAFT_INSTALL_SNAPSHOT:
            return on_install_snapshot(step, *m);
        case RAFT_TIMEOUT_NOW:
            return on_timeout_now(step, *m);
        default:
            return 0; /* a message type of a later version */
    }
}

[[gnu::always_inline]] inline int receive(Server &s, const raft_event &event, raft_update &update) {
    const raft_message *m = event.receive.message;
    const uint32_t type = m != nullptr ? load_enum(m->type) : 0;
    if (type == RAFT_APPEND_ENTRIES) {
        return on_append_entries(s, event, update);
    }
    if (type == RAFT_APPEND_ENTRIES_RESULT) {
        return on_append_result(s, event, update);
    }
    return run(s, event, update, on_message);
}

int on_unknown(Step &step) { return step.fail(RAFT_INVALID, "the event has an unknown type"); }

[[gnu::always_inline]] inline int dispatch(Server &s, const raft_event &event,
                                           raft_update &update) {
    INVARIANT(s.fast_path == FastPath::kNone || s.fast_path == fast_path::find(s));
    const uint32_t type = load_enum(event.type);
    /* The two most frequent events do not wait for the table. */
    if (type == RAFT_RECEIVE) {
        return receive(s, event, update);
    }
    if (type == RAFT_PERSISTED_ENTRIES) {
        return on_persisted_entries(s, event, update);
    }
    switch (type) {
        case RAFT_START:
            return run(s, event, update, on_start);
        case RAFT_PERSISTED_SNAPSHOT:
            return run(s, event, update, on_persisted_snapshot);
        case RAFT_CONFIGURATION:
            return run(s, event, update, on_configuration);
        case RAFT_SNAPSHOT:
            return run(s, event, update, on_snapshot);
        case RAFT_TIMEOUT:
            return on_timeout(s, event, update);
        case RAFT_SUBMIT:
            return on_submit(s, event, update);
        case RAFT_CATCH_UP:
            return run(s, event, update, on_catch_up);
        case RAFT_TRANSFER:
            return run(s, event, update, on_transfer);
        case RAFT_BOOTSTRAP:
            return run(s, event, update, on_bootstrap);
        case RAFT_RECONFIGURE:
            return run(s, event, update, on_reconfigure);
        case RAFT_READ:
            return run(s, event, update, on_read);
        case RAFT_UNREACHABLE:
            return run(s, event, update, on_unreachable);
        case RAFT_STORED:
            return on_stored(s, event, update);
        case RAFT_RECOVER:
            return run(s, event, update, on_recover);
        case RAFT_SENT:
            return run(s, event, update, on_sent);
        case RAFT_CAMPAIGN:
            return run(s, event, update, on_campaign);
        case RAFT_WAKE:
            return run(s, event, update, on_wake);
        default:
            return run(s, event, update, on_unknown);
    }
}

int refuse_null(Server *s, const raft_event *event, raft_update *update) {
    if (s != nullptr && s->in_tracer) {
        return RAFT_BUSY;
    }
    if (update != nullptr) {
        update->flags = 0;
    }
    if (s != nullptr) {
        s->why = event == nullptr ? "the event is NULL" : "the update is NULL";
    }
    return RAFT_INVALID;
}

} // namespace

} // namespace libraft

using namespace libraft;

int raft_step(struct raft *r, struct raft_event *event, struct raft_update *update) {
    Server *s = server_of(r);
    if (s == nullptr || event == nullptr || update == nullptr) [[unlikely]] {
        return refuse_null(s, event, update);
    }
    const UsesSettings uses(*s, *r);
    return dispatch(*s, *event, *update);
}
