/* SPDX-License-Identifier: MIT */
/* What programs do with the library beside the duties: they handle input before timers, bound
 * messages in bytes, read entries later, and change settings while a server runs. */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {

/* ------------------------------------------------------------ input before timers -- */

bool Server::keeps_snapshots() const { return sim_.broken != Broken::DELETED_SNAPSHOT; }

bool Server::flooded() const { return flooded_until_ != 0; }

/* A program's loop: each millisecond it steps what came in, and then looks whether its timer is
 * due. */
void Server::flood(Time until) {
    flooded_until_ = until;
    uint64_t this_epoch = epoch;
    Random &draw = sim_.extra;
    uint64_t kind = draw.below(100);
    if (view.leads() && kind < 5 && log.last() - view.commit < 500) {
        (void)submit(std::vector<uint32_t>{kNoOp});
    } else if (kind < 20) {
        must_succeed("that an unknown server is unreachable", request(RAFT_UNREACHABLE, 1000));
    } else {
        must_succeed("an event without effect", request(RAFT_CONFIGURATION, 0));
    }
    if (!up || epoch != this_epoch) {
        return;
    }
    if (clock.read(sim_.now) >= view.timeout && sim_.broken != Broken::IGNORED_TIMER) {
        must_succeed("a timeout", request(RAFT_TIMEOUT, 0));
    }
    if (!up || epoch != this_epoch) {
        return;
    }
    check_flooded();
    if (sim_.now < until && !sim_.calm) {
        sim_.schedule(sim_.now + kMs, Scheduled::FLOOD, id, epoch, until);
    } else {
        flooded_until_ = 0;
        set_clock();
    }
}

/* Traffic does not move a deadline that has passed: a leader without contact steps down, and a
 * follower without a leader campaigns. */
void Server::check_flooded() const {
    if (asleep_) {
        return;
    }
    unsigned slack = 2 * std::max(tuning_.heartbeat, sim_.plan.tuning.heartbeat) + 2;
    bool contact = quorum(view.conf, [&](raft_id peer) {
        raft_time heard = std::max(view.peer(peer).contact, past_.followed[peer]);
        return peer == id || heard + plan_.election_timeout + slack > latest;
    });
    if (view.leads() && !contact && past_.led_since + plan_.election_timeout + slack < latest) {
        throw Violation("timer",
                        format("%s leads on without contact, under a flood of events", name()));
    }
    raft_time begin = std::max(past_.heard, past_.postponed);
    bool waits = view.state == RAFT_FOLLOWER && votes(view.role) && view.stored > 0 &&
                 !chunk_outstanding && is_electable() && delay_ != UINT32_MAX;
    if (waits && begin + 2ULL * plan_.election_timeout + delay_ + 2 < latest) {
        throw Violation("timer",
                        format("%s hears no leader for %llu ms and does not campaign, under a "
                               "flood of events; at %llu its timeout is %llu",
                               name(), latest - begin, latest, view.timeout));
    }
}

/* ------------------------------------------------------------------ limits in bytes -- */

unsigned Server::limit_entries(const raft_message &m, unsigned n) {
    const Callers &c = sim_.plan.callers;
    if (c.message_bytes == 0) {
        return n;
    }
    const raft_append_entries &a = m.append_entries;
    bool cut_before = trimmed_.count(m.server_id) != 0;
    uint64_t flight = 0, size = 0;
    for (raft_index i = view.peer(m.server_id).match + 1; i <= a.prev_log_index; i++) {
        flight += log.has(i) ? bytes_of(log.at(i), c.entry_bytes) : 0;
    }
    unsigned fit = 0;
    while (fit < n && !cut_before) {
        uint64_t next = bytes_of(log.at(a.prev_log_index + 1 + fit), c.entry_bytes);
        bool alone = fit == 0 && flight == 0;
        if (!alone && (size + next > c.message_bytes || flight + size + next > c.flight_bytes)) {
            break;
        }
        size += next;
        fit++;
    }
    if (fit < n && !cut_before) {
        sim_.stats.add(S_TRIM);
        trimmed_[m.server_id] = a.prev_log_index + fit;
    }
    withhold_ = fit == 0 && (cut_before || sim_.extra.percent(50));
    return fit;
}

/* After the update, and after each update that this causes. */
void Server::report_trimmed() {
    if (reporting_) {
        return;
    }
    reporting_ = true;
    while (up && !trimmed_.empty()) {
        raft_event e = {};
        e.type = RAFT_SENT;
        e.sent.server_id = trimmed_.begin()->first;
        e.sent.index = trimmed_.begin()->second;
        trimmed_.erase(trimmed_.begin());
        must_succeed("RAFT_SENT", step(e));
    }
    reporting_ = false;
}

/* RAFT_SENT makes the entries after an index unsent, if they were asked for; what the update asks
 * for follows them. It concerns no other server. */
void Server::check_sent_event(const raft_event &e, const raft_update &u) {
    raft_id peer = e.sent.server_id;
    const Peer &was = before.peer(peer), &is = view.peer(peer);
    bool applies =
        before.leads() && was.mode >= 0 && was.match <= e.sent.index && e.sent.index + 1 < was.next;
    raft_index end = applies ? e.sent.index : was.next - 1;
    for (const raft_message &m : messages_of(u)) {
        const raft_append_entries &a = m.append_entries;
        if (was.mode < 0 && before.leads()) {
            return; /* a change removes it, and accessors do not tell how far it is */
        }
        if (!applies || m.server_id != peer || m.type != RAFT_APPEND_ENTRIES ||
            a.prev_log_index != end) {
            throw Violation("sent",
                            format("%s, told that %s got entries up to %llu, sends %s", name(),
                                   name_of(peer), e.sent.index, describe(m).c_str()));
        }
        end += a.n_entries;
    }
    if (was.mode >= 0 && is.next != end + 1) {
        throw Violation("sent", format("%s, told that %s got entries up to %llu, goes on at %llu",
                                       name(), name_of(peer), e.sent.index, is.next));
    }
    if (applies) {
        past_.sent[peer] = std::min(past_.sent[peer], e.sent.index);
    }
}

/* ---------------------------------------------------------- entries that are read later -- */

bool Server::sends_later(std::unique_ptr<Wire> &wire) {
    const Callers &c = sim_.plan.callers;
    if (c.late_entries_max == 0 || wire->entries.empty() || sim_.calm || !sim_.extra.percent(30)) {
        return false;
    }
    Time at = sim_.now + sim_.extra.skewed(0, c.late_entries_max);
    Time &last = later_until_[wire->to];
    at = c.bandwidth != 0 ? std::max(at, last) : at; /* an ordered connection */
    last = at;
    sim_.stats.add(S_LATE_ENTRIES);
    later_[++later_number_] = std::move(wire);
    sim_.schedule(at, Scheduled::LATE_ENTRIES, id, epoch, later_number_);
    return true;
}

void Server::send_late(uint64_t number) {
    auto it = later_.find(number);
    std::unique_ptr<Wire> wire = std::move(it->second);
    later_.erase(it);
    raft_append_entries &a = wire->m.append_entries;
    bool stale = view.term != a.term; /* the log may have been rewritten */
    if (stale &&
        (sim_.broken != Broken::LATE_TERM || log.last() < a.prev_log_index + a.n_entries)) {
        sim_.stats.add(S_LATE_DROPPED);
        return;
    }
    if (log.first > a.prev_log_index + 1) { /* they are not on disk any more */
        sim_.stats.add(S_LATE_GONE);
        unreachable(wire->to);
        return;
    }
    const Entry *first = &log.at(a.prev_log_index + 1);
    wire->entries.assign(first, first + a.n_entries);
    leave(std::move(wire));
}

/* ---------------------------------------------------------- settings of a running server -- */

/* Setters have no update: the program looks at the accessors again. Only the timeout may change. */
void Server::look_at_settings(const char *what) {
    View now = view;
    now.capture(handle());
    view.timeout = now.timeout;
    view.due_to_wake = now.due_to_wake;
    if (const std::string difference = view.difference(now); !difference.empty()) {
        throw Violation("setters", format("%s on %s: %s", what, name(), difference.c_str()));
    }
    setting_changed();
    arm_timer();
}

/* A lower timeout brings a running deadline forward, a higher one puts it off to at least the new
 * minimum from now. */
void Server::set_election_timeout(unsigned msecs) {
    unsigned old = plan_.election_timeout;
    plan_.election_timeout = msecs;
    sim_.plan.server[id].election_timeout = msecs;
    if (!up) {
        return;
    }
    sim_.note(id, "election timeout %u ms", msecs);
    if (tuning_.heartbeat >= msecs) {
        tuning_.heartbeat = std::max(1U, msecs / 4);
        must_succeed("a heartbeat timeout", attempt(raft_set_heartbeat_timeout, tuning_.heartbeat));
    }
    if (sim_.broken != Broken::UNSET_TIMEOUT) {
        must_succeed("an election timeout", attempt(raft_set_election_timeout, msecs));
    }
    look_at_settings("an election timeout");
    raft_time now = latest; /* of the last event: setters have no time */
    raft_time shown = std::max<raft_time>(latest, clock.read(sim_.now));
    bool waits = !view.leads() && votes(view.role) && delay_ != UINT32_MAX &&
                 view.timeout != driver::kNoDeadline && !asleep_;
    past_.led_since = shown; /* a leader looks at its contacts at the next heartbeat */
    past_.postponed = shown;
    if (waits && msecs > old && view.timeout < now + msecs) {
        throw Violation("election timeout",
                        format("%s would campaign in %lld ms after its timeout was raised to %u",
                               name(), static_cast<long long>(view.timeout - now), msecs));
    }
    raft_time most = shown + 2ULL * msecs + delay_;
    if (waits && msecs < old && view.timeout > most) {
        throw Violation("election timeout",
                        format("%s would campaign %llu ms too late after its timeout was lowered "
                               "to %u",
                               name(), view.timeout - most, msecs));
    }
}

void Server::set_features(unsigned features) {
    plan_.features = features;
    if (up && codec >= kOurs) {
        sim_.note(id, "features %u", features);
        must_succeed("features", attempt(raft_set_features, transmitted()));
        look_at_settings("features");
    }
}

void Server::set_election_delay(unsigned msecs) {
    delay_ = msecs;
    if (up) {
        sim_.note(id, "election delay %u ms", msecs);
        must_succeed("an election delay", attempt(raft_set_election_delay, msecs));
        look_at_settings("an election delay");
        past_.postponed = clock.read(sim_.now);
    }
}

void Server::set_pre_vote(bool enabled) {
    tuning_.pre_vote = enabled && codec > kFirst;
    if (up && codec > kFirst) {
        must_succeed("pre-votes", attempt(raft_set_pre_vote, enabled ? 1U : 0U));
        look_at_settings("pre-votes");
    }
}

void Server::set_idle_timeout(unsigned msecs) {
    sim_.plan.callers.idle[id] = msecs;
    if (up) {
        sim_.note(id, "idle timeout %u ms", msecs);
        must_succeed("an idle timeout", attempt(raft_set_idle_timeout, idle_timeout()));
        look_at_settings("an idle timeout");
    }
}

void Server::set_eager_commit(bool enabled) {
    eager_ = enabled;
    if (up) {
        must_succeed("eager commit", attempt(raft_set_eager_commit, enabled ? 1U : 0U));
        look_at_settings("eager commit");
    }
}

} // namespace sim
