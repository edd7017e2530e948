/* SPDX-License-Identifier: MIT */
/* Promises of servers that sleep (raft.h, raft_set_idle_timeout()), as far as one step and the
 * accessors do not tell them: those are checked by the driver. */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr unsigned kSilence = 10;    /* election timeouts until a silent member is left out */
constexpr unsigned kIntervals = 100; /* heartbeat timeouts until it is asked again */

unsigned bit(raft_id id) { return 1U << id; }

bool is_told_to_sleep(const raft_message &m) {
    return m.type == RAFT_APPEND_ENTRIES && m.append_entries.version >= 2 &&
           m.append_entries.sleep && m.append_entries.n_entries == 0;
}

} // namespace

bool Server::is_sole_voter() const {
    return quorum(view.conf, [this](raft_id peer) { return peer == id; });
}

bool Server::is_replicated_to(raft_id peer) const {
    return peer != id && view.peer(peer).mode >= 0 && view.peer(peer).mode != RAFT_PROGRESS_NONE;
}

/* If it sleeps and may not any more, it is due to wake up. */
void Server::setting_changed() {
    past_.longest_heartbeat = std::max(past_.longest_heartbeat, tuning_.heartbeat);
    if (!asleep_ || may_sleep()) {
        return;
    }
    past_.due_to_wake = true;
    if (view.timeout > latest) {
        throw Violation("sleep", format("%s may not sleep any more and is not due to wake up; its "
                                        "timeout is at %llu, the time is %llu",
                                        name(), view.timeout, latest));
    }
}

/* An event that leaves a server asleep if it sleeps. The others wake it if they succeed. */
bool Server::may_wake(const raft_event &e) const {
    switch (e.type) {
        case RAFT_PERSISTED_ENTRIES:
        case RAFT_PERSISTED_SNAPSHOT:
        case RAFT_CONFIGURATION:
        case RAFT_SNAPSHOT:
        case RAFT_UNREACHABLE:
        case RAFT_STORED:
        case RAFT_SENT:
        case RAFT_TIMEOUT:
            return past_.due_to_wake;
        default:
            return e.type != RAFT_RECEIVE || past_.due_to_wake || must_wake(e) || is_old_echo(e);
    }
}

/* The series of rounds that sent the group to sleep may have begun after this one. */
bool Server::is_old_echo(const raft_event &e) const {
    const raft_message &m = *e.receive.message;
    return before.leads() && m.type == RAFT_APPEND_ENTRIES_RESULT &&
           m.append_entries_result.round < past_.latest_order;
}

/* A late order of the leader to sleep, and the echo of one that the leader has sent, change
 * nothing. */
bool Server::must_wake(const raft_event &e) const {
    if (!may_sleep()) {
        return true;
    }
    if (e.type != RAFT_RECEIVE) {
        return !past_.due_to_wake && may_wake(e);
    }
    const raft_message &m = *e.receive.message;
    if (!before.leads()) {
        const raft_append_entries &a = m.append_entries;
        return !is_told_to_sleep(m) || m.server_id != before.leader || a.term != before.term ||
               a.prev_log_index != before.last;
    }
    const raft_append_entries_result &r = m.append_entries_result;
    return m.type != RAFT_APPEND_ENTRIES_RESULT || r.version < 3 || r.term != before.term ||
           r.rejected != 0 || r.last_log_index != before.last ||
           (past_.sleepers & ~past_.reported & bit(m.server_id)) == 0 ||
           r.round < past_.told_from[m.server_id] || (r.features & RAFT_FEATURE_SLEEP) == 0;
}

/* All that it has is durable and committed, and nothing is under way. */
void Server::check_settled() const {
    const char *why = view.leader == 0 ? "it knows no leader"
                      : view.state == RAFT_CANDIDATE || view.leads() != (view.leader == id)
                          ? "it is a candidate"
                      : view.last != view.stored || view.last != view.commit
                          ? "not everything is durable and committed"
                      : view.transferee != 0 ? "it transfers its leadership"
                      : !reads.empty()       ? "a read is pending"
                      : chunk_outstanding    ? "a chunk of a snapshot is being written"
                                             : nullptr;
    for (const Member &m : view.conf.members) {
        why = view.peer(m.id).catch_up == RAFT_CATCH_UP_RUNNING ? "a catch-up runs" : why;
    }
    why = why == nullptr && !may_sleep() && !past_.due_to_wake ? "its settings forbid it" : why;
    if (why != nullptr) {
        throw Violation("sleep", format("%s sleeps, although %s", name(), why));
    }
}

/* A leader has a deadline if and only if it asks members from time to time whether they are
 * back. */
void Server::check_deadline_asleep() const {
    if (past_.due_to_wake) {
        return;
    }
    unsigned doubtful = past_.reported;
    for (const Member &m : view.conf.members) {
        bool left_out = is_replicated_to(m.id) && (past_.sleepers & bit(m.id)) == 0;
        doubtful |= view.leads() && left_out ? bit(m.id) : 0;
    }
    raft_time longest = latest + uint64_t{kIntervals} * past_.longest_heartbeat;
    if (doubtful == 0 ? view.timeout != driver::kNoDeadline : view.timeout > longest) {
        throw Violation("sleep", format("%s sleeps with a timeout at %llu, members in doubt are %x",
                                        name(), view.timeout, doubtful));
    }
}

/* A leader falls asleep with a quorum that knows it. Other members were silent for long. */
void Server::fall_asleep() {
    sim_.stats.add(view.leads() ? S_LEADER_ASLEEP : S_FOLLOWER_ASLEEP);
    past_.due_to_wake = false;
    past_.longest_heartbeat = tuning_.heartbeat;
    past_.sleepers = past_.reported = 0;
    if (!view.leads()) {
        return;
    }
    past_.slept_at = latest;
    for (const Member &m : view.conf.members) {
        unsigned long long from = past_.told_from[m.id];
        if (!is_replicated_to(m.id)) {
            continue;
        }
        if (from != 0 && past_.obeyed[m.id] >= from) {
            past_.sleepers |= bit(m.id);
            continue;
        }
        raft_time heard = std::max(view.peer(m.id).contact, past_.followed[m.id]);
        if (heard + uint64_t{kSilence} * plan_.election_timeout > latest) {
            throw Violation("sleep", format("%s falls asleep, although %s has not said that it "
                                            "sleeps, and was heard %llu ms ago",
                                            name(), name_of(m.id), latest - heard));
        }
        sim_.stats.add(S_LEFT_OUT);
    }
    if (!quorum(view.conf, [&](raft_id p) { return p == id || (past_.sleepers & bit(p)) != 0; })) {
        throw Violation("sleep", format("%s falls asleep without a quorum", name()));
    }
}

/* The time that a leader slept does not count as silence; what was echoed before gives no lease. */
void Server::note_waking() {
    sim_.stats.add(S_WOKEN);
    past_.due_to_wake = false;
    past_.led_since = latest;
    past_.rounds.clear();
    std::fill(std::begin(past_.echoed), std::end(past_.echoed), 0);
    std::fill(std::begin(past_.told_from), std::end(past_.told_from), 0);
    auto lift = [this](raft_time &heard) {
        heard = heard != 0 && heard + plan_.election_timeout > past_.slept_at ? latest : heard;
    };
    for (raft_id peer = 1; peer <= sim_.plan.servers && before.leads(); peer++) {
        lift(past_.answered[peer]);
        lift(past_.followed[peer]);
    }
}

/* Asleep before and after: a follower answers its leader, and a leader asks the members that did
 * not fall asleep with it. A sole voter wakes up and falls asleep in one step. */
void Server::check_messages_asleep(const raft_event &e, const raft_update &u) const {
    bool alone = view.leads() && is_sole_voter() && must_wake(e);
    bool asks = view.leads() && e.type == RAFT_TIMEOUT && e.time >= before.timeout;
    for (const raft_message &m : messages_of(u)) {
        const raft_append_entries &a = m.append_entries;
        bool answer = !view.leads() && e.type == RAFT_RECEIVE &&
                      is_told_to_sleep(*e.receive.message) && m.server_id == view.leader &&
                      m.type == RAFT_APPEND_ENTRIES_RESULT;
        bool doubtful = ((past_.sleepers & ~past_.reported) & bit(m.server_id)) == 0;
        bool question =
            asks && doubtful && m.type == RAFT_APPEND_ENTRIES && a.n_entries == 0 && a.version < 2;
        if (!answer && !question && !alone) {
            throw Violation("sleep", format("%s sleeps and sends %s %s upon event %d", name(),
                                            name_of(m.server_id), describe(m).c_str(), e.type));
        }
    }
}

/* A leader sends to all members that it replicates to. A follower tells its leader without an
 * echo, unless the leader itself has woken it. */
void Server::check_waking(const raft_event &e, const raft_update &u) const {
    if (!may_wake(e)) {
        throw Violation("sleep", format("%s wakes up upon event %d", name(), e.type));
    }
    if (view.term != before.term || view.leader != before.leader) {
        return;
    }
    for (const Member &m : view.conf.members) {
        bool told = false;
        for (const raft_message &sent : messages_of(u)) {
            told = told || (sent.server_id == m.id &&
                            (sent.type == RAFT_APPEND_ENTRIES ||
                             sent.type == RAFT_INSTALL_SNAPSHOT || sent.type == RAFT_TIMEOUT_NOW));
        }
        if (view.leads() && is_replicated_to(m.id) && !told) {
            throw Violation("sleep",
                            format("%s wakes up and does not tell %s", name(), name_of(m.id)));
        }
    }
    if (view.leads()) {
        return;
    }
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    unsigned told = 0;
    for (const raft_message &m : messages_of(u)) {
        told += m.type == RAFT_APPEND_ENTRIES_RESULT && m.server_id == view.leader &&
                m.append_entries_result.rejected == 0 && m.append_entries_result.round == 0;
    }
    if (told != 1 && !(came != nullptr && came->server_id == view.leader)) {
        throw Violation("sleep", format("%s wakes up upon event %d and does not tell its leader",
                                        name(), e.type));
    }
}

void Server::follow_sleep_messages(const raft_event &e, const raft_update &u) {
    if (!view.leads() || !before.leads() || view.term != before.term) {
        std::fill(std::begin(past_.told_from), std::end(past_.told_from), 0);
        std::fill(std::begin(past_.obeyed), std::end(past_.obeyed), 0);
        past_.latest_order = 0;
    }
    for (const raft_message &m : messages_of(u)) {
        const raft_append_entries &a = m.append_entries;
        if (m.type == RAFT_APPEND_ENTRIES) {
            unsigned long long &from = past_.told_from[m.server_id];
            from = !is_told_to_sleep(m) ? 0 : from == 0 ? a.round : from;
            past_.latest_order = is_told_to_sleep(m) ? a.round : past_.latest_order;
        }
    }
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (came != nullptr && view.leads() && came->type == RAFT_APPEND_ENTRIES_RESULT) {
        const raft_append_entries_result &r = came->append_entries_result;
        bool obeys = r.version >= 3 && r.term == view.term && r.rejected == 0 &&
                     (r.features & RAFT_FEATURE_SLEEP) != 0 && r.last_log_index == view.last;
        unsigned long long &obeyed = past_.obeyed[came->server_id];
        obeyed = obeys ? std::max(obeyed, r.round) : obeyed;
    }
}

void Server::keep_sleep_promises(const raft_event &e, const raft_update &u) {
    past_.sends_to_sleep =
        before.leads() && std::any_of(std::begin(past_.told_from), std::end(past_.told_from),
                                      [](auto round) { return round != 0; });
    if (was_asleep_ && !asleep_) {
        check_waking(e, u);
        note_waking();
    }
    if (!asleep_ || !was_asleep_) {
        follow_sleep_messages(e, u);
    }
    if (asleep_ || was_asleep_) { /* time asleep is not silence */
        past_.heard = latest;
    }
    if (!asleep_ && view.leader != 0 && view.timeout == driver::kNoDeadline) {
        throw Violation("sleep", format("%s is awake and has no deadline", name()));
    }
    if (!asleep_) {
        return;
    }
    if (!was_asleep_) {
        fall_asleep();
        sim_.see_group_sleep(*this);
    } else {
        bool alone = view.leads() && is_sole_voter();
        if (must_wake(e) && !alone) {
            throw Violation("sleep", format("%s does not wake up upon event %d", name(), e.type));
        }
        check_messages_asleep(e, u);
    }
    if (e.type == RAFT_UNREACHABLE && view.leads() && is_replicated_to(e.unreachable.server_id)) {
        past_.reported |= bit(e.unreachable.server_id);
    }
    check_settled();
    check_deadline_asleep();
}

} // namespace sim
