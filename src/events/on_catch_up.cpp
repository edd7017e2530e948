/* SPDX-License-Identifier: MIT */
/* RAFT_CATCH_UP: a leader brings a non-voter up to date before its promotion (§4.2.1). */
#include "events/events.hpp"
#include "rules/catch_up.hpp"
#include "rules/sending.hpp"

namespace libraft {
namespace {

/* Is this a server that can be caught up now? */
[[nodiscard]] int check(Step &step, const Peer *p) {
    const Server &s = step.server;
    if (p == nullptr || p->departing) {
        return step.fail(RAFT_BADID, "the server is not a member");
    }
    if (p->votes()) {
        return step.fail(RAFT_BADROLE, "a voter cannot be caught up");
    }
    if (p->self) {
        return step.fail(RAFT_BADID, "the server is the leader itself");
    }
    if (s.tracker->catch_up.id != 0) {
        return step.fail(RAFT_BUSY, "a catch-up is under way");
    }
    return 0;
}

int give_up(Step &step) {
    if (step.server.tracker->catch_up.id != 0) {
        catch_up::give_up(step.begin());
    }
    return 0;
}

} // namespace

int on_catch_up(Step &step) {
    if (!step.server.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    const raft_id id = step.event.catch_up.server_id;
    if (id == 0) {
        return give_up(step);
    }
    const Peer *found = step.server.tracker->find(id);
    const int rv = check(step, found);
    if (rv != 0) {
        return rv;
    }
    Need need;
    need.messages = sending::messages_for(step.server, *found, step.server.log.last());
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Server &s = change->server;
    Peer *p = s.tracker->find(found->id);
    const bool replicated = p->is_replicated_to();
    const uint8_t before = p->catch_up;
    p->catch_up = RAFT_CATCH_UP_RUNNING;
    s.tracker->catch_up = {p->id, 1, s.log.last(), s.now};
    if (!replicated) {
        p->begin_contact(s.now);
        sending::send(*change, *p);
    }
    catch_up::advanced(*change, *p);
    if (p->catch_up != before) {
        change->flags |= RAFT_UPDATE_CATCH_UP;
    } else {
        change->flags &= ~unsigned{RAFT_UPDATE_CATCH_UP}; /* finished again, at once */
    }
    return 0;
}

} // namespace libraft
