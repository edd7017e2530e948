/* SPDX-License-Identifier: MIT */
/* Promises of leaders: contact with a quorum, leases, transfers, progress (§3.10, §6.2, §6.4). */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>
#include <set>

namespace sim {

/* Since when does it replicate to each server? */
void Server::note_followed() {
    bool led = before.leads() && before.term == view.term;
    for (const Member &m : view.conf.members) {
        bool followed =
            led && before.peer(m.id).mode >= 0 && before.peer(m.id).mode != RAFT_PROGRESS_NONE;
        if (!followed && view.peer(m.id).mode >= 0 && view.peer(m.id).mode != RAFT_PROGRESS_NONE) {
            past_.followed[m.id] = latest;
        }
    }
}

/* A leader steps down if and only if it has not heard from a quorum for an election timeout.
 * Answers of its term count as contact; a server that it replicates to only now has as long for
 * the first. */
void Server::check_contact(const raft_event &e) {
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    bool leads_on = view.leads() && before.leads() && view.term == before.term;
    if (came != nullptr && leads_on && came->type == RAFT_APPEND_ENTRIES_RESULT &&
        term_of(*came) == view.term && before.peer(came->server_id).mode >= 0 &&
        view.peer(came->server_id).mode >= 0 && view.peer(came->server_id).contact != latest) {
        throw Violation("contact",
                        format("%s does not count that of %s", name(), name_of(came->server_id)));
    }
    if (e.type != RAFT_TIMEOUT || !before.leads() || was_asleep_) {
        return;
    }
    bool contact = quorum(before.conf, [this](raft_id peer) {
        raft_time heard = std::max(before.peer(peer).contact, past_.followed[peer]);
        return peer == id || heard + plan_.election_timeout > latest;
    });
    bool due = e.time >= before.timeout;
    if (contact ? !leads_on && delay_ != UINT32_MAX : due && leads_on) {
        throw Violation("contact", format("%s %s, although it %s from a quorum", name(),
                                          leads_on ? "leads on" : "steps down",
                                          contact ? "heard" : "has not heard"));
    }
}

/* When did it begin to send the rounds that are echoed? */
void Server::follow_rounds(const raft_event &e, const raft_update &u) {
    if (!view.leads() || !before.leads() || view.term != before.term) {
        past_.rounds.clear();
        std::fill(std::begin(past_.echoed), std::end(past_.echoed), 0);
    }
    if (!view.leads()) {
        return;
    }
    for (const raft_message &m : messages_of(u)) {
        const raft_append_entries &a = m.append_entries;
        bool rounds = m.type == RAFT_APPEND_ENTRIES && a.version >= 1;
        if (rounds && (past_.rounds.empty() || a.round > past_.rounds.back().first)) {
            past_.rounds.emplace_back(a.round, latest);
        }
    }
    while (!past_.rounds.empty() &&
           past_.rounds.front().second + 10000 <= latest) { /* no lease is longer */
        past_.rounds.pop_front();
    }
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (came == nullptr || came->type != RAFT_APPEND_ENTRIES_RESULT ||
        term_of(*came) != view.term || came->append_entries_result.version < 3) {
        return;
    }
    auto it = std::lower_bound(past_.rounds.begin(), past_.rounds.end(),
                               std::pair{came->append_entries_result.round, raft_time{0}});
    if (it != past_.rounds.end() && it->first == came->append_entries_result.round) {
        raft_time &echoed = past_.echoed[came->server_id];
        echoed = std::max(echoed, it->second);
    }
}

/* A lease lasts 9/10 of an election timeout from the sending of an echoed round. There is none
 * after TimeoutNow was sent. */
void Server::check_lease() const {
    raft_time lease = plan_.election_timeout * 9ULL / 10;
    auto extends = [&](raft_id peer) {
        return peer == id || (past_.echoed[peer] != 0 && past_.echoed[peer] + lease > latest);
    };
    auto only_self = [this](raft_id peer) { return peer == id; };
    if (quorum(view.conf, only_self)) {
        return;
    }
    if (past_.timeout_now_term == view.term) {
        throw Violation("read", format("%s answers by lease after TimeoutNow", name()));
    }
    if (!quorum(view.conf, extends)) {
        throw Violation("read", format("%s answers by a lease that it does not hold", name()));
    }
}

/* A message names entries before the next index; in pipeline mode no more entries are in flight
 * than allowed. */
void Server::check_sent(const raft_message &m) {
    const raft_append_entries &a = m.append_entries;
    raft_id peer = m.server_id;
    raft_index end = a.prev_log_index + a.n_entries;
    past_.sent[peer] = std::max(past_.sent[peer], a.n_entries > 0 ? end : 0);
    if (!view.leads() || view.peer(peer).mode < 0 ||
        view.peer(peer).mode == RAFT_PROGRESS_SNAPSHOT ||
        before.peer(peer).mode == RAFT_PROGRESS_SNAPSHOT) { /* it may end in this step */
        return;
    }
    bool last_word = view.peer(peer).mode == RAFT_PROGRESS_NONE;
    if (last_word && before.peer(peer).mode != RAFT_PROGRESS_NONE) {
        return;
    }
    /* After its new entries a step may send again what does not arrive. */
    bool stalled = before.leads() && before.peer(peer).mode == RAFT_PROGRESS_PIPELINE &&
                   view.peer(peer).mode == RAFT_PROGRESS_PROBE;
    raft_index next = view.last + 1;
    const char *why = last_word ? "it is not replicated to"
                      : a.prev_log_index >= std::max(view.peer(peer).next, stalled ? next : 0)
                          ? "the previous entry is one that is still to be sent"
                      : view.peer(peer).mode == RAFT_PROGRESS_PIPELINE && a.n_entries > 0 &&
                              end > view.peer(peer).match + tuning_.inflight
                          ? "more in flight than allowed"
                          : nullptr;
    if (why != nullptr) {
        throw Violation("progress", format("%s to %s, which matches %llu, next %llu: %s: %s",
                                           name(), name_of(peer), view.peer(peer).match,
                                           view.peer(peer).next, why, describe(m).c_str()));
    }
}

void Server::check_progress(const raft_event &e) const {
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (came != nullptr && came->type == RAFT_APPEND_ENTRIES_RESULT) {
        raft_id peer = came->server_id;
        raft_index rejected = came->append_entries_result.rejected;
        bool probed = before.peer(peer).mode == RAFT_PROGRESS_PROBE &&
                      view.peer(peer).mode == RAFT_PROGRESS_PROBE;
        if (probed && rejected >= before.peer(peer).next &&
            view.peer(peer).next < before.peer(peer).next) {
            throw Violation("progress", format("%s goes back from %llu to %llu for %s, upon %s",
                                               name(), before.peer(peer).next, view.peer(peer).next,
                                               name_of(peer), describe(*came).c_str()));
        }
    }
    for (const Member &m : view.conf.members) {
        raft_index known = std::max(past_.sent[m.id], view.peer(m.id).match);
        bool pipeline = m.id != id && view.peer(m.id).mode == RAFT_PROGRESS_PIPELINE;
        if (pipeline && view.peer(m.id).next > known + 1) {
            throw Violation("progress",
                            format("%s sends %s from %llu on, but nothing from %llu", name(),
                                   name_of(m.id), view.peer(m.id).next, known + 1));
        }
    }
}

/* A catch-up is aborted when a round takes too long, and is finished only when the server has all
 * entries of its beginning. */
void Server::check_catch_up(const raft_event &e) {
    bool due = e.type == RAFT_TIMEOUT && before.leads() && e.time >= before.timeout;
    bool same = before.leads() && view.leads() && before.term == view.term;
    for (const Member &m : view.conf.members) {
        int was = same ? before.peer(m.id).catch_up : int{RAFT_CATCH_UP_NONE};
        int is = view.peer(m.id).catch_up;
        bool asked = e.type == RAFT_CATCH_UP && e.catch_up.server_id == m.id;
        Past::CatchUp &c = past_.catch_up[m.id];
        if (asked) {
            c = {view.last, latest};
        } else if (was == RAFT_CATCH_UP_RUNNING &&
                   view.peer(m.id).match != before.peer(m.id).match) {
            c.advanced = latest;
        }
        if (due && was == RAFT_CATCH_UP_RUNNING && is == RAFT_CATCH_UP_RUNNING &&
            latest - c.advanced > tuning_.catch_up_duration) {
            throw Violation("catch-up", format("%s still waits for %s after %llu ms", name(),
                                               name_of(m.id), latest - c.advanced));
        }
        bool finished = is == RAFT_CATCH_UP_FINISHED && (was == RAFT_CATCH_UP_RUNNING || asked);
        if (finished && view.peer(m.id).match < c.target) {
            throw Violation("catch-up",
                            format("%s calls %s caught up, which has %llu of %llu", name(),
                                   name_of(m.id), view.peer(m.id).match, c.target));
        }
    }
}

Server::Contact Server::contact_with(raft_id peer) const {
    raft_time time = asleep_ ? past_.slept_at : std::max<raft_time>(latest, clock.read(sim_.now));
    if (past_.answered[peer] != 0 && past_.answered[peer] + plan_.election_timeout > time) {
        return Contact::HEARD;
    }
    raft_time begun = std::max(view.peer(peer).contact, past_.followed[peer]);
    return begun + plan_.election_timeout > time ? Contact::BEGUN : Contact::NONE;
}

/* Leadership is transferred to a voter in contact, which gets TimeoutNow when it has the whole
 * log. */
void Server::check_transfer(const raft_event &e, const raft_update &u) const {
    if (e.type == RAFT_TRANSFER && e.transfer.server_id == 0) {
        for (const Member &m : view.conf.members) {
            if (m.id != id && votes_in_new(m.role) && view.transferee != 0 &&
                contact_with(m.id) == Contact::HEARD && !sim_.plan.callers.never_leads(m.id) &&
                view.peer(m.id).match > view.peer(view.transferee).match) {
                throw Violation(
                    "transfer",
                    format("%s transfers leadership to %s, although %s has more entries", name(),
                           name_of(view.transferee), name_of(m.id)));
            }
        }
        if (view.transferee != 0 && contact_with(view.transferee) == Contact::NONE) {
            throw Violation("transfer", format("%s transfers leadership to %s, which is silent",
                                               name(), name_of(view.transferee)));
        }
    }
    for (const raft_message &m : messages_of(u)) {
        raft_id to = m.server_id;
        bool right = to == view.transferee && votes_in_new(view.conf.role_of(to)) &&
                     view.peer(to).match == view.last;
        if (m.type == RAFT_TIMEOUT_NOW && !right) {
            throw Violation("transfer",
                            format("%s tells %s to campaign, which has %llu of %llu", name(),
                                   name_of(to), view.peer(to).match, view.last));
        }
    }
}

/* No entries are accepted during a transfer, nor beyond the limit of uncommitted ones. */
void Server::check_submission(const raft_event &e) const {
    if (e.type != RAFT_SUBMIT) {
        return;
    }
    if (before.transferee != 0) {
        throw Violation("request", format("%s accepts entries during a transfer", name()));
    }
    if (tuning_.uncommitted != 0 && view.last - before.commit > tuning_.uncommitted) {
        throw Violation("request", format("%s takes entries although %llu would be uncommitted",
                                          name(), view.last - before.commit));
    }
}

/* When a change commits, servers that it removes or makes spares get a final notification; so do
 * all others if it removes the leader. Exempt are servers outside pipeline mode or behind the
 * log. */
void Server::check_final_notification(const raft_update &u) {
    const Configuration &conf = before.conf;
    if (!before.leads() || view.term != before.term) {
        past_.leaving.clear();
        return;
    }
    if (before.commit < before.conf_index && view.commit >= before.conf_index) {
        std::set<raft_id> told;
        for (const raft_message &m : messages_of(u)) {
            if (m.type == RAFT_APPEND_ENTRIES &&
                m.append_entries.leader_commit >= before.conf_index) {
                told.insert(m.server_id);
            }
        }
        for (const Member &m : conf.members) {
            if (!view.leads() && m.id != id && votes_in_new(m.role) &&
                before.peer(m.id).mode == RAFT_PROGRESS_PIPELINE) {
                past_.leaving.emplace(m.id, before.peer(m.id).match);
            }
        }
        for (auto [peer, match] : past_.leaving) {
            if (!conf.joint() && match + 1 >= view.first && told.count(peer) == 0) {
                throw Violation("membership",
                                format("%s does not tell %s that it is not replicated to any more",
                                       name(), name_of(peer)));
            }
        }
        past_.leaving.clear();
    }
    for (const Member &m : conf.members) {
        bool follows =
            m.id != id && m.role != RAFT_SPARE && before.peer(m.id).mode == RAFT_PROGRESS_PIPELINE;
        int role = view.conf.role_of(m.id);
        bool leaves = role < 0 || role == RAFT_SPARE;
        if (view.conf_index != before.conf_index && follows && leaves) {
            past_.leaving.emplace(m.id, before.peer(m.id).match);
        }
    }
}

/* Only a server that lost data comes back with less than it acknowledged. */
void Server::check_losses() const {
    for (const Member &m : view.conf.members) {
        unsigned long long counted = view.peer(m.id).losses;
        sim_.stats.add(S_LOSS_COUNTED, counted > before.peer(m.id).losses && before.leads());
        if (counted > sim_.server(m.id).data_losses) {
            throw Violation("data loss",
                            format("%s counts %llu losses of data of %s, which had %u", name(),
                                   counted, name_of(m.id), sim_.server(m.id).data_losses));
        }
    }
}

void Server::keep_leader_promises(const raft_event &e, const raft_update &u) {
    if (!view.leads() && !before.leads()) {
        return;
    }
    if (!before.leads() || view.term != before.term) {
        std::fill(std::begin(past_.sent), std::end(past_.sent), 0);
        std::fill(std::begin(past_.answered), std::end(past_.answered), 0);
        std::fill(std::begin(past_.traffic), std::end(past_.traffic), Traffic());
        for (raft_id peer = 1; peer <= sim_.plan.servers; peer++) {
            past_.traffic[peer].known = past_.voted_in[peer] == view.term;
        }
    }
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (came != nullptr && came->type == RAFT_APPEND_ENTRIES_RESULT &&
        term_of(*came) == view.term) {
        past_.answered[came->server_id] = std::max<raft_time>(latest, 1);
    }
    check_contact(e);
    note_followed();
    if (e.type == RAFT_SENT) {
        check_sent_event(e, u);
    }
    follow_rounds(e, u);
    check_final_notification(u);
    for (const raft_message &m : messages_of(u)) {
        if (m.type == RAFT_APPEND_ENTRIES) {
            check_sent(m);
        }
    }
    count_traffic(e, u);
    if (view.leads()) {
        check_losses();
        check_progress(e);
        check_catch_up(e);
        check_transfer(e, u);
        check_submission(e);
    }
}

} // namespace sim
