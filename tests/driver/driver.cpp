/* SPDX-License-Identifier: MIT */
/* Starting, stepping, and following in the caller's memory what a step did. */
#include "driver.hpp"

#include "../observe/fields.hpp"
#include "judge.hpp"
#include "judge_step.hpp"

#include <algorithm>
#include <cstring>

namespace driver {

Driver::Driver(raft_id own_id, Payloads &own_payloads, Judge *judge_or_null)
    : id(own_id),
      judge(judge_or_null),
      address(driver::address_of(own_id)),
      payloads_(own_payloads) {
    if (judge != nullptr) {
        judge->add(this);
    }
}

Driver::~Driver() {
    raft_close(handle());
    if (judge != nullptr) {
        judge->remove(this);
    }
}

raft_term Driver::term_at(raft_index i) const {
    if (log.has(i)) {
        return log.at(i).term;
    }
    return snapshot != nullptr && snapshot->index == i ? snapshot->term : 0;
}

raft_term Driver::known_term(raft_index i) const {
    const raft_term term = term_at(i);
    return term == 0 && i > 0 && i + 1 == log.first && judge != nullptr && i <= judge->top()
               ? judge->committed_term(i)
               : term;
}

const Snapshot *Driver::kept_snapshot(raft_index index) const {
    if (snapshot != nullptr && snapshot->index == index) {
        return snapshot.get();
    }
    for (const SnapshotPtr &s : older_snapshots) {
        if (s->index == index) {
            return s.get();
        }
    }
    return nullptr;
}

const Configuration *Driver::configuration_at(raft_index index, raft_index *conf_index) const {
    for (auto it = confs.rbegin(); it != confs.rend(); ++it) {
        if (it->first <= index) {
            *conf_index = it->first;
            return &it->second;
        }
    }
    return nullptr;
}

void Driver::check_log(raft_index at) const {
    for (raft_index i = view.first; i <= view.last; i++) {
        if (raft_term_of(handle(), i) != term_at(i) || term_at(i) == 0) {
            throw Violation("raft_term_of", format("%llu on %s is %llu, the log says %llu", i,
                                                   name(), raft_term_of(handle(), i), term_at(i)));
        }
    }
    raft_index conf_index = 0, expected_index = 0;
    raft_configuration conf;
    const int rc = raft_configuration_at(handle(), at, &conf, &conf_index);
    const Configuration *expected = configuration_at(at, &expected_index);
    if ((rc == 0) != (expected != nullptr) ||
        (rc == 0 && (!expected->is(conf) || conf_index != expected_index))) {
        throw Violation("raft_configuration_at", format("%llu on %s is wrong", at, name()));
    }
}

/* ------------------------------------------------------------------- starting -- */

void Driver::load() {
    epoch++;
    up = true;
    if (disk.log.empty()) { /* where the next entry goes */
        disk.log.reset(disk.snapshot != nullptr ? disk.snapshot->index + 1 : 1);
    }
    if (disk.snapshot != nullptr && !records_configuration_index()) {
        Snapshot unrecorded = *disk.snapshot;
        unrecorded.conf_index = unrecorded.index; /* stands for it */
        disk.snapshot = std::make_shared<const Snapshot>(std::move(unrecorded));
    }
    log = disk.log;
    snapshot = disk.snapshot;
    older_snapshots.clear();
    applied = 0;
    if (snapshot != nullptr) {
        restore(*snapshot);
        applied = snapshot->index;
    }
    known_.clear();
    heard_.clear();
    reads.clear();
    rebuild_configurations();
    incoming = Snapshot();
    chunk_outstanding = false;
    ticket_ = replaced_by = 0;
    latest = 0;
    view = View();
    view.capture(handle());
    view.term = disk.term; /* the flags of START are relative to what it is given */
    view.vote = disk.vote;
    if (judge != nullptr) {
        judge->loaded(*this);
    }
}

raft_event Driver::start_event(raft_index from) {
    raft_event e = {};
    e.type = RAFT_START;
    e.start.term = disk.term;
    e.start.voted_for = disk.vote;
    loan.clear();
    if (snapshot != nullptr) {
        e.start.metadata = loan.lend(*snapshot);
        if (!records_configuration_index()) {
            e.start.metadata->configuration_index = 0;
        }
    }
    if (!log.empty()) {
        loan.lend(&log.at(from), static_cast<size_t>(log.last() - from + 1));
        for (raft_entry &entry : loan.entries) {
            if (entry.type != RAFT_CHANGE && !reads_payloads()) {
                entry.buf = {nullptr, 0};
            }
        }
        e.start.start_index = from;
        e.start.entries = loan.entries.data();
        e.start.n_entries = static_cast<unsigned>(loan.entries.size());
    }
    return e;
}

int Driver::start() {
    load();
    raft_event e = start_event(log.first);
    return step(e);
}

void Driver::crash(size_t kept) {
    raft_close(handle());
    disk.crash(kept);
    up = false;
    epoch++;
}

void Driver::move_handle() {
    handles_[1 - place_] = handles_[place_];
    memset(&handles_[place_], 0, sizeof(raft));
    place_ = 1 - place_;
}

/* ------------------------------------------------------------------- stepping -- */

int Driver::call(raft_event &e, raft_update &u) {
    observe::fill(&u);
    return raft_step(handle(), &e, &u);
}

int Driver::step(raft_event &e) {
    event_type = e.type;
    raft_update u;
    hear(e);
    const int rc = call(e, u);
    loan.spoil();
    if (rc != 0) {
        check_failure(e, u, rc);
        return rc;
    }
    latest = e.type == RAFT_START ? e.time : std::max<raft_time>(latest, e.time);
    before = view;
    view.capture(handle());
    tamper(u);
    check_flags(before, view, e, u);
    check_timeout(before, view, e, u, latest);
    check_monotonic(before, view);
    check_vote(before, view);
    check_first_index(before, view, e, u);
    check_stored(*this);
    check_untouched(u);
    follow(e, u);
    judge_step();
    check_leader_address(*this);
    judged(e, u);
    carry_out(u);
    return 0;
}

void Driver::check_failure(const raft_event &e, const raft_update &u, int rc) {
    View expected = view;
    if (e.type == RAFT_START) { /* compared with the disk's from then on */
        expected.term = raft_current_term(handle());
        expected.vote = raft_voted_for(handle());
    }
    check_failed(expected, handle(), e, u, rc);
}

/* ------------------------------------------------------------------ following -- */

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
    follow_reads(e, u);
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
