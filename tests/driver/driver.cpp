/* SPDX-License-Identifier: MIT */
/* Starting and stepping. */
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
    view.due_to_wake = before.due_to_wake && view.timeout == before.timeout;
    tamper(u);
    check_flags(before, view, e, u);
    check_timeout(before, view, e, u, latest);
    check_sleep(before, view, e, u);
    check_monotonic(before, view);
    check_vote(before, view);
    check_first_index(before, view, e, u);
    check_stored(*this);
    check_untouched(u);
    follow(e, u);
    judge_step();
    check_sleep(*this, e);
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

} // namespace driver
