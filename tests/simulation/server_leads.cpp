/* SPDX-License-Identifier: MIT */
/* What a leader promises: to lead no longer than it is heard, to hand over to one that has all, and
 * to say of its followers' progress what is so. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>
#include <set>

namespace sim {

/* Since when does it send something to each server, which that could answer? */
void Server::note_followed() {
    bool led = before_.leads() && before_.term == face.term;
    for (const Member &m : face.conf.members) {
        bool followed = led && before_.mode[m.id] >= 0 && before_.mode[m.id] != RAFT_PROGRESS_NONE;
        if (!followed && face.mode[m.id] >= 0 && face.mode[m.id] != RAFT_PROGRESS_NONE) {
            past_.followed[m.id] = past_.now;
        }
    }
}

/* Answers of this term count as contact; then, and only then, it leads on. Who is followed only now
 * has as much time for the first. */
void Server::check_contact(const raft_event &e) {
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    bool leads_on = face.leads() && before_.leads() && face.term == before_.term;
    if (came != nullptr && leads_on && came->type == RAFT_APPEND_ENTRIES_RESULT &&
        term_of(*came) == face.term && before_.mode[came->server_id] >= 0 &&
        face.mode[came->server_id] >= 0 && face.contact[came->server_id] != past_.now) {
        throw Violation("contact",
                        format("%s does not count that of %s", name(), name_of(came->server_id)));
    }
    if (e.type != RAFT_TIMEOUT || !before_.leads()) {
        return;
    }
    bool contact = quorum(before_.conf, [this](raft_id peer) {
        raft_time heard = std::max(before_.contact[peer], past_.followed[peer]);
        return peer == id || heard + plan_.election_timeout > past_.now;
    });
    bool due = e.time >= before_.timeout;
    if (contact ? !leads_on : due && leads_on) {
        throw Violation("contact", format("%s %s, though it %s from a quorum", name(),
                                          leads_on ? "leads on" : "steps down",
                                          contact ? "heard" : "has not heard"));
    }
}

/* When did it begin to send the rounds that are echoed? */
void Server::follow_rounds(const raft_event &e, const raft_update &u) {
    if (!face.leads() || !before_.leads() || face.term != before_.term) {
        past_.rounds.clear();
        std::fill(std::begin(past_.echoed), std::end(past_.echoed), 0);
    }
    if (!face.leads()) {
        return;
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        const raft_append_entries &a = u.messages.batch[i].append_entries;
        bool rounds = u.messages.batch[i].type == RAFT_APPEND_ENTRIES && a.version >= 1;
        if (rounds && (past_.rounds.empty() || a.round > past_.rounds.back().first)) {
            past_.rounds.emplace_back(a.round, past_.now);
        }
    }
    while (!past_.rounds.empty() &&
           past_.rounds.front().second + plan_.election_timeout <= past_.now) {
        past_.rounds.pop_front();
    }
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (came == nullptr || came->type != RAFT_APPEND_ENTRIES_RESULT ||
        term_of(*came) != face.term || came->append_entries_result.version < 3) {
        return;
    }
    auto it = std::lower_bound(past_.rounds.begin(), past_.rounds.end(),
                               std::pair{came->append_entries_result.round, raft_time{0}});
    if (it != past_.rounds.end() && it->first == came->append_entries_result.round) {
        raft_time &echoed = past_.echoed[came->server_id];
        echoed = std::max(echoed, it->second);
    }
}

/* It lasts 9/10 of an election timeout from the sending of an echoed round; there is none once
 * TimeoutNow has been sent. */
void Server::check_lease() const {
    raft_time lease = plan_.election_timeout * 9ULL / 10;
    auto extends = [&](raft_id peer) {
        return peer == id || (past_.echoed[peer] != 0 && past_.echoed[peer] + lease > past_.now);
    };
    auto only_self = [this](raft_id peer) { return peer == id; };
    if (quorum(face.conf, only_self)) {
        return;
    }
    if (past_.timeout_now_term == face.term) {
        throw Violation("read", format("%s answers by lease after TimeoutNow", name()));
    }
    if (!quorum(face.conf, extends)) {
        throw Violation("read", format("%s answers by a lease that it does not hold", name()));
    }
}

/* What it names lies below the next entry to send, which follows what was sent; in a pipeline no
 * more than allowed is under way. */
void Server::check_sent(const raft_message &m) {
    const raft_append_entries &a = m.append_entries;
    raft_id peer = m.server_id;
    raft_index end = a.prev_log_index + a.n_entries;
    past_.sent[peer] = std::max(past_.sent[peer], a.n_entries > 0 ? end : 0);
    if (!face.leads() || face.mode[peer] < 0 || face.mode[peer] == RAFT_PROGRESS_SNAPSHOT) {
        return;
    }
    bool last_word = face.mode[peer] == RAFT_PROGRESS_NONE;
    if (last_word && before_.mode[peer] != RAFT_PROGRESS_NONE) {
        return;
    }
    const char *why = last_word ? "it is not replicated to"
                      : a.prev_log_index >= face.next[peer]
                          ? "the previous entry is one that is still to be sent"
                      : face.mode[peer] == RAFT_PROGRESS_PIPELINE && a.n_entries > 0 &&
                              end > face.match[peer] + tuning_.inflight
                          ? "more in flight than allowed"
                          : nullptr;
    if (why != nullptr) {
        throw Violation("progress", format("%s to %s, which matches %llu, next %llu: %s: %s",
                                           name(), name_of(peer), face.match[peer], face.next[peer],
                                           why, describe(m).c_str()));
    }
}

void Server::check_progress(const raft_event &e) const {
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (came != nullptr && came->type == RAFT_APPEND_ENTRIES_RESULT) {
        raft_id peer = came->server_id;
        raft_index rejected = came->append_entries_result.rejected;
        bool probed =
            before_.mode[peer] == RAFT_PROGRESS_PROBE && face.mode[peer] == RAFT_PROGRESS_PROBE;
        if (probed && rejected >= before_.next[peer] && face.next[peer] < before_.next[peer]) {
            throw Violation("progress", format("%s goes back from %llu to %llu for %s, upon %s",
                                               name(), before_.next[peer], face.next[peer],
                                               name_of(peer), describe(*came).c_str()));
        }
    }
    for (const Member &m : face.conf.members) {
        raft_index known = std::max(past_.sent[m.id], face.match[m.id]);
        bool pipeline = m.id != id && face.mode[m.id] == RAFT_PROGRESS_PIPELINE;
        if (pipeline && face.next[m.id] > known + 1) {
            throw Violation("progress", format("%s sends %s from %llu on, but nothing from %llu",
                                               name(), name_of(m.id), face.next[m.id], known + 1));
        }
    }
}

/* One that is not to be caught up is given up when a round takes too long, and is caught up when it
 * has all that there was at the beginning. */
void Server::check_catch_up(const raft_event &e) {
    bool due = e.type == RAFT_TIMEOUT && before_.leads() && e.time >= before_.timeout;
    bool same = before_.leads() && face.leads() && before_.term == face.term;
    for (const Member &m : face.conf.members) {
        int was = same ? before_.catch_up[m.id] : int{RAFT_CATCH_UP_NONE};
        int is = face.catch_up[m.id];
        bool asked = e.type == RAFT_CATCH_UP && e.catch_up.server_id == m.id;
        Past::CatchUp &c = past_.catch_up[m.id];
        if (asked) {
            c = {face.last, past_.now};
        } else if (was == RAFT_CATCH_UP_RUNNING && face.match[m.id] != before_.match[m.id]) {
            c.advanced = past_.now;
        }
        if (due && was == RAFT_CATCH_UP_RUNNING && is == RAFT_CATCH_UP_RUNNING &&
            past_.now - c.advanced > tuning_.catch_up_duration) {
            throw Violation("catch-up", format("%s still waits for %s after %llu ms", name(),
                                               name_of(m.id), past_.now - c.advanced));
        }
        bool finished = is == RAFT_CATCH_UP_FINISHED && (was == RAFT_CATCH_UP_RUNNING || asked);
        if (finished && face.match[m.id] < c.target) {
            throw Violation("catch-up", format("%s calls %s caught up, which has %llu of %llu",
                                               name(), name_of(m.id), face.match[m.id], c.target));
        }
    }
}

/* Leadership goes to a voter, told so when it has all. */
void Server::check_transfer(const raft_event &e, const raft_update &u) const {
    if (e.type == RAFT_TRANSFER && e.transfer.server_id == 0) {
        for (const Member &m : face.conf.members) {
            if (m.id != id && votes_in_new(m.role) && face.transferee != 0 &&
                face.match[m.id] > face.match[face.transferee]) {
                throw Violation("transfer", format("%s hands over to %s, and %s has more", name(),
                                                   name_of(face.transferee), name_of(m.id)));
            }
        }
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        const raft_message &m = u.messages.batch[i];
        raft_id to = m.server_id;
        bool right = to == face.transferee && votes_in_new(face.conf.role_of(to)) &&
                     face.match[to] == face.last;
        if (m.type == RAFT_TIMEOUT_NOW && !right) {
            throw Violation("transfer", format("%s tells %s to campaign, which has %llu of %llu",
                                               name(), name_of(to), face.match[to], face.last));
        }
    }
}

/* No entries while leadership is handed over, nor more than may be uncommitted. */
void Server::check_submission(const raft_event &e) const {
    if (e.type != RAFT_SUBMIT) {
        return;
    }
    if (before_.transferee != 0) {
        throw Violation("request",
                        format("%s takes entries while it hands over leadership", name()));
    }
    if (tuning_.uncommitted != 0 && face.last - before_.commit > tuning_.uncommitted) {
        throw Violation("request", format("%s takes entries though %llu would be uncommitted",
                                          name(), face.last - before_.commit));
    }
}

/* Who is removed or becomes a spare hears that it is committed, and so do all others if it is the
 * leader: those in a pipeline that compaction has not overtaken. */
void Server::check_farewell(const raft_update &u) {
    const Conf &conf = before_.conf;
    if (!before_.leads() || face.term != before_.term) {
        past_.leaving.clear();
        return;
    }
    if (before_.commit < before_.conf_index && face.commit >= before_.conf_index) {
        std::set<raft_id> told;
        for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
            const raft_message &m = u.messages.batch[i];
            if (m.type == RAFT_APPEND_ENTRIES &&
                m.append_entries.leader_commit >= before_.conf_index) {
                told.insert(m.server_id);
            }
        }
        for (const Member &m : conf.members) {
            if (!face.leads() && m.id != id && votes_in_new(m.role) &&
                before_.mode[m.id] == RAFT_PROGRESS_PIPELINE) {
                past_.leaving.emplace(m.id, before_.match[m.id]);
            }
        }
        for (auto [peer, match] : past_.leaving) {
            if (!conf.joint() && match + 1 >= face.first && told.count(peer) == 0) {
                throw Violation("membership",
                                format("%s does not tell %s that it is not replicated to any more",
                                       name(), name_of(peer)));
            }
        }
        past_.leaving.clear();
    }
    for (const Member &m : conf.members) {
        bool follows =
            m.id != id && m.role != RAFT_SPARE && before_.mode[m.id] == RAFT_PROGRESS_PIPELINE;
        int role = face.conf.role_of(m.id);
        bool leaves = role < 0 || role == RAFT_SPARE;
        if (face.conf_index != before_.conf_index && follows && leaves) {
            past_.leaving.emplace(m.id, before_.match[m.id]);
        }
    }
}

void Server::keep_leader_promises(const raft_event &e, const raft_update &u) {
    if (!face.leads() && !before_.leads()) {
        return;
    }
    if (!before_.leads() || face.term != before_.term) {
        std::fill(std::begin(past_.sent), std::end(past_.sent), 0);
    }
    check_contact(e);
    note_followed();
    follow_rounds(e, u);
    check_farewell(u);
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        if (u.messages.batch[i].type == RAFT_APPEND_ENTRIES) {
            check_sent(u.messages.batch[i]);
        }
    }
    if (face.leads()) {
        check_progress(e);
        check_catch_up(e);
        check_transfer(e, u);
        check_submission(e);
    }
}

} // namespace sim
