/* SPDX-License-Identifier: MIT */
#include "rules/general_path.hpp"

#include "base/untrusted.hpp"
#include "rules/election_start.hpp"
#include "rules/fast_path.hpp"
#include "rules/sleeping.hpp"
#include "rules/tracing.hpp"
#include "state/check.hpp"

namespace libraft {

int run(Server &s, const raft_event &event, raft_update &update, Handler handler) {
    if (s.in_tracer) [[unlikely]] {
        return RAFT_BUSY; /* the outer step, its update and its text stay as they are */
    }
    Step step(s, event, update);
    update.flags = 0;
    if (event.time > kLimit) {
        return step.fail(RAFT_INVALID, "the time is out of range");
    }
    if (!s.started && load_enum(event.type) != RAFT_START) {
        return step.fail(RAFT_INVALID, "RAFT_START was not stepped yet");
    }
    const raft_time now = s.now;
    const raft_time deadline = s.deadline;
    const raft_index commit = s.commit;
    const uint16_t capacity = s.capacity;
#ifdef RAFT_INVARIANTS
    s.general_steps++;
    const Facts facts = s;
#endif
    s.now = event.time > now ? event.time : now;
    s.capacity = event.capacity;
    const bool wakes = s.asleep && sleeping::wakes(s, event);
    const sleeping::Before before = sleeping::before(s, event);
    int rv = 0;
    if (wakes && !step.plan_waking(sleeping::wake, sleeping::messages_for_waking(s))) [[unlikely]] {
        rv = step.no_memory();
    } else {
        rv = handler(step);
    }
    if (rv != 0) {
        s.now = now;
        s.capacity = capacity;
        return rv;
    }
    Change &change = step.begin();
    sleeping::finish(change, event, before, wakes);
    election_start::refresh(s);
    if (s.deadline != deadline) {
        change.flags |= RAFT_UPDATE_TIMEOUT;
    }
    if (s.commit != commit) {
        change.flags |= RAFT_UPDATE_COMMIT_INDEX;
    }
    change.hand_out();
#ifdef RAFT_INVARIANTS
    INVARIANT(change.is_remembered(facts));
#endif
    s.fast_path = fast_path::find(s);
    check(s);
    if (s.tracer != nullptr) [[unlikely]] {
        s.in_tracer = true;
        tracing::emit(change, event);
        s.in_tracer = false;
    }
    return 0;
}

} // namespace libraft
