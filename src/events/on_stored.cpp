/* SPDX-License-Identifier: MIT */
/* RAFT_PERSISTED_ENTRIES and RAFT_STORED: entries are durable, on a leader (§10.2.1) or a
 * follower. */
#include "events/events.hpp"
#include "rules/answers.hpp"
#include "rules/commit.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"
#include "rules/fast_path.hpp"
#include "rules/general_path.hpp"
#include "rules/membership.hpp"
#include "rules/read_rounds.hpp"
#include "rules/sending.hpp"

#include <algorithm>

namespace libraft {
namespace {

/* The leader's own disk counts like a peer's. */
[[nodiscard]] int stored_on_leader(Step &step, raft_index index) {
    Need need;
    membership::plan_commit(step.server, &need);
    read_rounds::plan_waiting(step.server, &need);
    sending::plan_telling(step.server, &need);
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    Server &s = change->server;
    s.last_stored = index;
    const raft_index before = s.commit;
    Peer *own = s.tracker->find(s.id);
    if (own != nullptr && commit::peer_advanced(*change, *own, index)) {
        membership::committed(*change, before);
        /* unreachable: a leader that the change removes has no vote, and commits nothing alone */
        if (s.leads()) {
            read_rounds::proceed(*change);
        }
        sending::tell_commit(*change, before);
    }
    return 0;
}

/* Has this server just been founded as the only voter? It need not wait for a timeout. (Its first
 * entry, which became durable, is a configuration.) */
bool is_founded_alone(const Server &s) {
    /* unreachable: a server without a durable log does not campaign */
    return s.last_stored == 0 && s.state == RAFT_FOLLOWER && s.leader == 0 && !s.installation &&
           s.sole_voter && election_start::may_lead(s) && election_start::may_elect_itself(s);
}

[[nodiscard]] int stored_on_founder(Step &step, raft_index index) {
    elections::Preparation preparation;
    Need need;
    Change *change =
        elections::prepare(step.server, {}, &preparation, &need) ? step.reserve(need) : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    change->server.last_stored = index;
    elections::campaign(*change, preparation);
    return 0;
}

[[nodiscard]] int stored_on_follower(Step &step, raft_index index) {
    const bool news = step.server.leader != 0 &&
                      std::min(index, step.server.matched) > answers::acknowledgeable(step.server);
    Need need;
    need.messages = 1;
    Change *change = news ? step.reserve(need) : &step.begin();
    if (change == nullptr) {
        return step.no_memory();
    }
    Server &s = change->server;
    s.last_stored = index;
    if (news) {
        answers::acknowledge(*change);
    }
    return 0;
}

[[nodiscard]] int stored(Step &step, raft_index index) {
    const Server &s = step.server;
    if (index > s.log.last() || index <= s.last_stored) {
        return 0;
    }
    if (s.leads()) {
        return stored_on_leader(step, index);
    }
    return is_founded_alone(s) ? stored_on_founder(step, index) : stored_on_follower(step, index);
}

int handle_persisted(Step &step) { return stored(step, step.event.persisted_entries.index); }

int handle_stored(Step &step) {
    const raft_event_stored &event = step.event.stored;
    if (event.write == 0 || event.write > step.server.writes) {
        return step.fail(RAFT_INVALID, "the ticket was never issued");
    }
    return step.server.is_current(event.write) ? stored(step, event.index) : 0;
}

FAST_PATH int leader_fast_path(Server &s, const raft_event &event, raft_update &update,
                               raft_index index, Handler handler) {
    Peer *own = s.tracker->find(s.id);
    /* unreachable: a leader that may take the fast path is a member */
    if (index > s.log.last() || own == nullptr) [[unlikely]] {
        return run(s, event, update, handler);
    }
    fast_path::begin(s, event);
    s.last_stored = index;
    update.flags = commit::advance_settled(s, *own, index);
    return 0;
}

FAST_PATH int follower_fast_path(Server &s, const raft_event &event, raft_update &update,
                                 raft_index index, Handler handler) {
    if (index > s.matched || !s.outbox.holds(kMessageSize)) [[unlikely]] {
        return run(s, event, update, handler);
    }
    fast_path::begin(s, event);
    s.last_stored = index;
    raft_message *answer = fast_path::messages_of(s);
    answers::write_acknowledgement(s, *answer);
    update.messages = {answer, 1};
    update.flags = RAFT_UPDATE_MESSAGES;
    return 0;
}

[[gnu::always_inline]] inline int take(Server &s, const raft_event &event, raft_update &update,
                                       raft_index index, Handler handler) {
    if (s.fast_path == FastPath::kNone || index <= s.last_stored ||
        !fast_path::within_limits(event)) [[unlikely]] {
        return run(s, event, update, handler);
    }
    return s.fast_path == FastPath::kLeader ? leader_fast_path(s, event, update, index, handler)
                                            : follower_fast_path(s, event, update, index, handler);
}

} // namespace

int on_persisted_entries(Server &s, const raft_event &event, raft_update &update) {
    return take(s, event, update, event.persisted_entries.index, handle_persisted);
}

int on_stored(Server &s, const raft_event &event, raft_update &update) {
    const raft_event_stored &stored = event.stored;
    const bool current =
        stored.write != 0 && s.is_current(stored.write) && stored.write <= s.writes;
    return current ? take(s, event, update, stored.index, handle_stored)
                   : run(s, event, update, handle_stored);
}

} // namespace libraft
