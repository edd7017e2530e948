/* SPDX-License-Identifier: MIT */
/* Following in the caller's memory what a step did to the log, the configurations and the reads. */
#include "judge.hpp"
#include "judge_step.hpp"

#include <algorithm>
#include <cstring>

namespace driver {

void Driver::rebuild_configurations() {
    confs.clear();
    if (snapshot != nullptr) {
        confs.emplace_back(snapshot->conf_index, snapshot->conf);
    }
    for (size_t i = 0; i < log.entries.size(); i++) {
        const raft_index index = log.first + i;
        const bool covered = snapshot != nullptr && index <= snapshot->index;
        if (log.entries[i].type() == RAFT_CHANGE && !(covered && index >= snapshot->conf_index)) {
            confs.emplace(confs.end() - covered, index, decode(log.entries[i].bytes()));
        }
    }
    for (const auto &[index, conf] : confs) {
        know(conf);
    }
}

void Driver::know(const Configuration &conf) {
    for (const Member &m : conf.members) {
        if (!knows(m.id, m.address)) {
            known_.emplace_back(m.id, m.address);
        }
    }
}

bool Driver::knows(raft_id server, const char *its_address) const {
    return std::find(known_.begin(), known_.end(), std::pair(server, its_address)) != known_.end();
}

void Driver::hear(const raft_event &e) {
    if (e.type != RAFT_RECEIVE || e.receive.message == nullptr ||
        e.receive.message->server_address == nullptr) {
        return;
    }
    const raft_message &m = *e.receive.message;
    for (auto &[peer, from] : heard_) {
        if (peer == m.server_id) {
            from = strcmp(from, m.server_address) == 0 ? from : intern(m.server_address);
            return;
        }
    }
    heard_.emplace_back(m.server_id, intern(m.server_address));
}

void Driver::follow_leader(const raft_event &e) {
    const raft_message *m = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    const bool leads =
        m != nullptr &&
        ((m->type == RAFT_APPEND_ENTRIES && m->append_entries.term == view.term) ||
         (m->type == RAFT_INSTALL_SNAPSHOT && m->install_snapshot.term == view.term));
    if (leads) {
        led_from_ = heard_from(m->server_id);
    }
}

const char *Driver::heard_from(raft_id server) const {
    for (const auto &[peer, from] : heard_) {
        if (peer == server) {
            return from;
        }
    }
    return nullptr;
}

void Driver::follow(const raft_event &e, const raft_update &u) {
    if (u.flags & RAFT_UPDATE_ENTRIES) {
        follow_entries(e, u.entries);
    } else if (e.type == RAFT_PERSISTED_SNAPSHOT && view.snapshot != before.snapshot) {
        follow_install();
    }
    follow_leader(e);
    follow_rounds(e, u);
    follow_reads(e, u);
    check_lease(e, u);
}

void Driver::follow_entries(const raft_event &e, const raft_update_entries &en) {
    if (chunk_outstanding) {
        throw Violation("entries", format("%s: while a snapshot chunk is outstanding", name()));
    }
    incoming = Snapshot(); /* the installation was given up */
    if (e.type == RAFT_START && en.n == 0) {
        if (snapshot == nullptr || en.index != snapshot->index + 1) {
            throw Violation("entries", format("%s: START drops the log at %llu", name(), en.index));
        }
        discarding();
        log.reset(en.index);
        rebuild_configurations();
    } else {
        if (en.index == 0 || en.index > log.last() + 1 || en.index < log.first || en.n == 0 ||
            en.index <= before.commit) {
            throw Violation("entries",
                            format("%s: update with %u entries at %llu, log %llu..%llu,"
                                   " commit %llu",
                                   name(), en.n, en.index, log.first, log.last(), before.commit));
        }
        if (en.index <= log.last()) {
            if (before.leads() && view.leads()) {
                throw Violation("leader append-only", format("%s drops its entries", name()));
            }
            if (log.at(en.index).term == en.batch[0].term) {
                throw Violation("entries",
                                format("%s replaces entry %llu by itself", name(), en.index));
            }
            replaced_by = en.write;
            if (truncating(en.index)) {
                log.truncate(en.index);
            }
            while (!confs.empty() && confs.back().first >= en.index) {
                confs.pop_back();
            }
        }
        for (unsigned i = 0; i < en.n; i++) {
            follow_entry(en.index + i, en.batch[i]);
        }
    }
    if (en.write <= ticket_) {
        throw Violation("entries", format("%s: ticket %llu after %llu", name(), en.write, ticket_));
    }
    ticket_ = en.write;
}

void Driver::follow_entry(raft_index index, const raft_entry &e) {
    const Payload *payload;
    const bool made = view.leads() || event_type == RAFT_BOOTSTRAP || event_type == RAFT_RECOVER;
    if (e.batch == nullptr) { /* the library's own */
        payload = payloads_.make(e.type, {static_cast<const char *>(e.buf.base), e.buf.len});
        if (e.type == RAFT_COMMAND) {
            throw Violation("entries", "a command without its cookie");
        }
        if (e.type == RAFT_BARRIER && payload->bytes != std::string_view("\0\0\0\0\0\0\0\0", 8)) {
            throw Violation("entries", "a barrier's payload is not 8 zero bytes");
        }
    } else {
        payload = static_cast<const Payload *>(e.batch);
        if (payload->type != e.type || e.buf.base != payload->bytes.data() ||
            e.buf.len != payload->bytes.size()) {
            throw Violation("entries", "payload not handed through as it came");
        }
    }
    const Entry entry{e.term, payload};
    const raft_term prev_term = term_at(index - 1);
    log.entries.push_back(entry);
    if (judge != nullptr) {
        judge->appended(*this, index, entry, prev_term, made);
    }
    if (payload->type != RAFT_CHANGE) {
        return;
    }
    if (made) {
        check_change(*this, index);
    }
    confs.emplace_back(index, decode(payload->bytes));
    know(confs.back().second);
}

/* A snapshot whose last chunk was acknowledged replaces the log. */
void Driver::follow_install() {
    if (incoming.index != view.snapshot || view.last != view.snapshot ||
        view.commit != view.snapshot || view.first != view.last + 1) {
        throw Violation("install", format("%s installed %llu, expected %llu; last index %llu",
                                          name(), view.snapshot, incoming.index, view.last));
    }
    installing();
    older_snapshots.clear(); /* it does not lead, so none of its messages names one */
    snapshot = std::make_shared<const Snapshot>(incoming);
    log.reset(snapshot->index + 1);
    replaced_by = ticket_ + 1;
    rebuild_configurations();
}

void Driver::follow_rounds(const raft_event &e, const raft_update &u) {
    if (!view.leads() || !before.leads() || before.term != view.term) {
        rounds_ = Rounds();
    }
    if (before.asleep() || before.due_to_wake) {
        rounds_.before_sleep = rounds_.begun;
    }
    const raft_message *m = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    if (m != nullptr && m->type == RAFT_APPEND_ENTRIES_RESULT) {
        const raft_append_entries_result &r = m->append_entries_result;
        if (view.leads() && r.version >= 3 && r.term == view.term) {
            auto it = std::find_if(rounds_.echoed.begin(), rounds_.echoed.end(),
                                   [=](const auto &echo) { return echo.first == m->server_id; });
            if (it == rounds_.echoed.end()) {
                rounds_.echoed.emplace_back(m->server_id, r.round);
            } else {
                it->second = std::max(it->second, r.round);
            }
        }
    }
    for (const raft_message &sent : messages_of(u)) {
        if (sent.type == RAFT_APPEND_ENTRIES) {
            rounds_.begun = std::max(rounds_.begun, sent.append_entries.round);
        }
    }
}

/* A read that is answered at once relies on a lease: a quorum has echoed a round of this term
 * (§6.4.1), which began after the leader last slept. */
void Driver::check_lease(const raft_event &e, const raft_update &u) const {
    const auto echoed = [this](raft_id member) {
        return member == id ||
               std::any_of(rounds_.echoed.begin(), rounds_.echoed.end(), [&](const auto &echo) {
                   return echo.first == member && echo.second > rounds_.before_sleep;
               });
    };
    for (const raft_read &r : reads_of(u)) {
        if (e.type == RAFT_READ && r.status == 0 && !quorum(view.conf, echoed)) {
            throw Violation("lease", format("%s answers read %llu, but no quorum has echoed a "
                                            "round after %llx",
                                            name(), r.id, rounds_.before_sleep));
        }
    }
}

/* Each read is answered once, at the latest when leadership is lost (contract, section 5). */
void Driver::follow_reads(const raft_event &e, const raft_update &u) {
    if (e.type == RAFT_READ) {
        reads.push_back(e.read.id);
    }
    for (const raft_read &r : reads_of(u)) {
        auto it = std::find(reads.begin(), reads.end(), r.id);
        if (it == reads.end()) {
            throw Violation("read", format("%s answers what it was not asked, or twice", name()));
        }
        reads.erase(it);
    }
    const bool lost = !view.leads() || (before.leads() && before.term != view.term);
    if (lost && !reads.empty()) {
        throw Violation("read", format("%s does not lead any more, but leaves %zu unanswered",
                                       name(), reads.size()));
    }
}

void Driver::judge_step() {
    if (view.last != log.last()) {
        throw Violation("last index", format("%s says %llu, its updates %llu (event %d)", name(),
                                             view.last, log.last(), event_type));
    }
    if (view.conf_index != before.conf_index || !(view.conf == before.conf) ||
        (confs.empty() ? 0 : confs.back().first) != view.conf_index) {
        check_configuration(*this);
    }
    if (raft_term_of(handle(), view.last) != term_at(view.last)) {
        throw Violation("raft_term_of", format("%llu on %s", view.last, name()));
    }
    const bool same = before.leads() && before.term == view.term;
    if (view.leads() && !same) {
        if (judge != nullptr) {
            judge->elected(*this);
        }
        elected();
    }
    if (view.commit != before.commit && judge != nullptr) {
        judge->committed(*this);
    }
    for (size_t i = 0; i < view.peers.size(); i++) {
        const raft_id peer = view.conf.members[i].id;
        const Peer &was = before.peer(peer);
        const raft_index match = view.peers[i].match;
        const bool lost_data = same && view.peers[i].losses > was.losses;
        if (judge != nullptr && lost_data) {
            judge->noticed_loss(*this, peer);
        }
        if (judge != nullptr && (!same || match != was.match)) {
            judge->matched(*this, peer, match);
        }
        if (same && was.mode >= 0 && match < was.match && !(lost_data && match == 0)) {
            throw Violation("match index", format("of %s falls on %s", address_of(peer), name()));
        }
    }
}

} // namespace driver
