/* SPDX-License-Identifier: MIT */
/* What a step changed in the library's memory, followed in ours and judged. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

void Server::rebuild_configurations() {
    confs_.clear();
    if (snap != nullptr) {
        confs_.emplace_back(snap->conf_index, snap->conf);
    }
    for (size_t i = 0; i < log.entries.size(); i++) {
        raft_index index = log.first + i;
        const Payload *p = log.entries[i].payload;
        if (p->type == RAFT_CHANGE && (snap == nullptr || index > snap->index)) {
            confs_.emplace_back(index, decode(p->bytes.data(), p->bytes.size()));
        }
    }
    for (const auto &[index, conf] : confs_) {
        know(conf);
    }
}

void Server::know(const Conf &conf) {
    for (const Member &m : conf.members) {
        known_ports_[m.id] |= 1U << m.port;
    }
}

const Conf *Server::configuration_at(raft_index index, raft_index *conf_index) const {
    for (auto it = confs_.rbegin(); it != confs_.rend(); ++it) {
        if (it->first <= index) {
            *conf_index = it->first;
            return &it->second;
        }
    }
    return nullptr;
}

void Server::check_latest_configuration() const {
    static const std::pair<raft_index, Conf> none;
    const auto &latest = confs_.empty() ? none : confs_.back();
    if (latest.first != face.conf_index || !(latest.second == face.conf)) {
        throw Violation("configuration",
                        format("%s is in %s of %llu, its log says %s of %llu", name(),
                               describe(face.conf).c_str(), face.conf_index,
                               describe(latest.second).c_str(), latest.first));
    }
}

void Server::absorb_entry(raft_index index, const raft_entry &e) {
    const Payload *payload;
    bool made = face.leads() || event_type_ == RAFT_BOOTSTRAP || event_type_ == RAFT_RECOVER;
    if (e.batch == nullptr) { /* the library's own */
        if (e.type == RAFT_COMMAND) {
            throw Violation("entries", "a command without its cookie");
        }
        payload = w_.make_payload(e.type, kNoOp, e.buf.base, e.buf.len);
        static const unsigned char zeros[8] = {};
        if (e.type == RAFT_BARRIER && (e.buf.len != 8 || memcmp(e.buf.base, zeros, 8) != 0)) {
            throw Violation("entries", "a barrier's payload is not 8 zero bytes");
        }
    } else {
        payload = static_cast<const Payload *>(e.batch);
        if (payload->type != e.type || e.buf.base != payload->bytes.data() ||
            e.buf.len != payload->bytes.size()) {
            throw Violation("entries", "payload not handed through as it came");
        }
    }
    Entry entry{e.term, payload};
    raft_term prev_term = term_at(index - 1);
    log.entries.push_back(entry);
    w_.judge.appended(*this, index, entry, prev_term, made);
    if (payload->type == RAFT_CHANGE &&
        (event_type_ == RAFT_SUBMIT || event_type_ == RAFT_RECONFIGURE)) {
        judge_change(index);
    } else if (payload->type == RAFT_CHANGE && made && before_.conf.joint() &&
               event_type_ != RAFT_RECOVER && face.commit < before_.conf_index) {
        throw Violation("membership", format("%s leaves a joint configuration that is not "
                                             "committed",
                                             name()));
    }
    if (payload->type == RAFT_CHANGE) {
        confs_.emplace_back(index, decode(payload->bytes.data(), payload->bytes.size()));
        know(confs_.back().second);
    }
}

/* A change that was asked for: at most one is uncommitted, and none before something of the
 * leader's own term is committed. */
void Server::judge_change(raft_index index) const {
    raft_index own = index;
    while (own > 1 && term_at(own - 1) == face.term) {
        own--;
    }
    const char *why = own == index || before_.commit < own
                          ? "nothing of the leader's term was committed"
                      : before_.conf_index > before_.commit ? "another was not committed"
                      : before_.conf.joint()                ? "a joint one was under way"
                                                            : nullptr;
    if (why != nullptr) {
        throw Violation("membership", format("%s accepts a change though %s", name(), why));
    }
}

void Server::absorb_entries(const raft_event &e, const raft_update &u) {
    if ((u.flags & RAFT_UPDATE_ENTRIES) == 0) {
        absorb_install();
        return;
    }
    const raft_update_entries &en = u.entries;
    if (chunk_outstanding_) {
        throw Violation("entries", format("%s: while a snapshot chunk is outstanding", name()));
    }
    if (e.type == RAFT_START && en.n == 0) {
        if (snap == nullptr || en.index != snap->index + 1) {
            throw Violation("entries", format("%s: START drops the log at %llu", name(), en.index));
        }
        w_.say(id, "drops the log behind its snapshot");
        w_.stats.add(S_START_DISCARD);
        log.reset(en.index);
        confs_.clear();
        rebuild_configurations();
    } else {
        if (en.index == 0 || en.index > log.last() + 1 || en.index < log.first || en.n == 0 ||
            en.index <= before_.commit) {
            throw Violation("entries",
                            format("%s: update with %u entries at %llu, log %llu..%llu,"
                                   " commit %llu",
                                   name(), en.n, en.index, log.first, log.last(), before_.commit));
        }
        if (en.index <= log.last()) {
            if (before_.leads() && face.leads()) {
                throw Violation("leader append-only", format("%s drops its entries", name()));
            }
            if (log.at(en.index).term == en.batch[0].term) {
                throw Violation("entries",
                                format("%s replaces entry %llu by itself", name(), en.index));
            }
            w_.stats.add(S_TRUNCATION);
            replaced_by_ = en.write;
            w_.entries_leave(*this, en.index, true);
            if (w_.sabotage != Sabotage::KEEP_TRUNCATED) {
                log.truncate(en.index);
            }
            while (!confs_.empty() && confs_.back().first >= en.index) {
                confs_.pop_back();
            }
        }
        for (unsigned i = 0; i < en.n; i++) {
            absorb_entry(en.index + i, en.batch[i]);
        }
    }
    if (en.write <= ticket_) {
        throw Violation("entries", format("%s: ticket %llu after %llu", name(), en.write, ticket_));
    }
    ticket_ = en.write;
}

/* A snapshot whose last chunk was acknowledged replaces the log. */
void Server::absorb_install() {
    if (event_type_ != RAFT_PERSISTED_SNAPSHOT || face.snapshot == before_.snapshot) {
        return;
    }
    if (incoming_.index != face.snapshot || face.last != face.snapshot ||
        face.commit != face.snapshot || face.first != face.last + 1) {
        throw Violation("install", format("%s installed %llu, expected %llu; last index %llu",
                                          name(), face.snapshot, incoming_.index, face.last));
    }
    w_.say(id, "installs snapshot %llu/%llu", incoming_.index, incoming_.term);
    w_.stats.add(S_INSTALL);
    w_.stats.add(S_INSTALL_WITHIN, log.last() > incoming_.index);
    w_.entries_leave(*this, 1, false);
    previous_snap_ = snap;
    snap = std::make_shared<const Snapshot>(incoming_);
    log.reset(snap->index + 1);
    replaced_by_ = ticket_ + 1;
    rebuild_configurations();
}

void Server::judge_step() {
    if (face.last != log.last()) {
        throw Violation("last index", format("%s says %llu, its updates %llu (event %d)", name(),
                                             face.last, log.last(), event_type_));
    }
    if (face.conf_index != before_.conf_index || !(face.conf == before_.conf) ||
        (confs_.empty() ? 0 : confs_.back().first) != face.conf_index) {
        check_latest_configuration();
    }
    if (raft_term_of(handle(), face.last) != term_at(face.last)) {
        throw Violation("raft_term_of", format("%llu on %s", face.last, name()));
    }
    if (face.leads() && (!before_.leads() || face.term != before_.term)) {
        w_.stats.add(S_ELECTION);
        w_.judge.elected(*this);
        w_.tempt_election(*this);
    }
    if (face.commit != before_.commit) {
        bool led = face.leads() || (before_.leads() && before_.term == face.term);
        w_.judge.committed(*this, before_.commit, face.commit, led, before_.conf);
    }
    if (face.leads()) {
        bool same = before_.leads() && before_.term == face.term;
        for (raft_id p = 1; p <= w_.plan.servers; p++) {
            if (!same || face.match[p] != before_.match[p]) {
                w_.judge.matched(*this, p, face.match[p]);
            }
            bool stays = same && before_.mode[p] >= 0 && face.mode[p] >= 0;
            if (stays && face.match[p] < before_.match[p]) {
                throw Violation("match index", format("of %s falls on %s", name_of(p), name()));
            }
        }
    }
}

} // namespace sim
