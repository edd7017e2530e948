/* SPDX-License-Identifier: MIT */
/* The caller's duties after a step, in the order of the contract, and the events that report what
 * became durable. */
#include "judge.hpp"
#include "judge_step.hpp"

#include <algorithm>

namespace driver {

void Driver::carry_out(const raft_update &u) {
    constexpr unsigned term_and_vote = RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR;
    constexpr unsigned work =
        term_and_vote | RAFT_UPDATE_ENTRIES | RAFT_UPDATE_MESSAGES | RAFT_UPDATE_SNAPSHOT;
    if (u.flags & work && interrupted()) {
        return;
    }
    if (u.flags & term_and_vote) {
        save(view.term, view.vote);
    }
    if (u.flags & RAFT_UPDATE_ENTRIES) {
        if (interrupted()) {
            return;
        }
        write_entries(u.entries);
    }
    if (event_type == RAFT_PERSISTED_SNAPSHOT && view.snapshot != before.snapshot) {
        Write w{Write::RESET};
        w.index = log.first;
        write(std::move(w));
    }
    if (u.flags & RAFT_UPDATE_SNAPSHOT) {
        write_chunk(u.snapshot);
    }
    if (u.flags & RAFT_UPDATE_MESSAGES && !send_messages(u)) {
        return;
    }
    if (view.commit != before.commit) {
        apply_committed();
    }
    if (u.flags & RAFT_UPDATE_READS) {
        answer_reads(u);
    }
    delete_snapshots();
    arm_timer();
}

void Driver::delete_snapshots() {
    std::erase_if(older_snapshots, [this](const SnapshotPtr &s) {
        return s->index < view.oldest || !keeps_snapshots();
    });
}

void Driver::save(raft_term term, raft_id vote) {
    disk.term = term;
    disk.vote = vote;
}

void Driver::write_entries(const raft_update_entries &en) {
    Write w{en.n == 0 ? Write::RESET : Write::ENTRIES}; /* RESET: a log behind its snapshot */
    w.ticket = en.write;
    w.index = en.index;
    for (unsigned i = 0; i < en.n; i++) {
        w.entries.push_back(log.at(w.index + i));
    }
    write(std::move(w));
    if (en.n > 0) {
        entries_written(en.index, log.last(), en.write);
    }
}

void Driver::write_chunk(const raft_update_snapshot &s) {
    if (chunk_outstanding) {
        throw Violation("snapshot", format("%s: a chunk while another is outstanding", name()));
    }
    if (s.offset == 0) {
        incoming =
            Snapshot{s.metadata.index, s.metadata.term, Configuration(s.metadata.configuration),
                     s.metadata.configuration_index, ""};
        incoming_since_ = view.term;
    }
    if (incoming_since_ != view.term) { /* another leader's may have other bytes */
        throw Violation("snapshot", format("%s goes on in term %llu with a snapshot of term %llu",
                                           name(), view.term, incoming_since_));
    }
    if (s.offset != incoming.data.size() || s.metadata.index != incoming.index ||
        s.metadata.term != incoming.term || (s.chunk.len == 0 && !s.last) ||
        s.metadata.index <= view.commit) {
        throw Violation("snapshot",
                        format("%s: chunk of %llu/%llu at %llu, expected %llu/%llu at "
                               "%zu, commit %llu",
                               name(), s.metadata.index, s.metadata.term, s.offset, incoming.index,
                               incoming.term, incoming.data.size(), view.commit));
    }
    incoming.data.append(static_cast<const char *>(s.chunk.base), s.chunk.len);
    Write w{Write::CHUNK};
    w.index = s.metadata.index;
    w.term = s.metadata.term;
    w.offset = s.offset;
    w.last = s.last;
    w.fails = chunk_write_fails();
    if (s.last) {
        w.snapshot = std::make_shared<const Snapshot>(incoming);
    }
    chunk_outstanding = true;
    write(std::move(w));
}

/* An outgoing message gets what the library leaves to the caller. */
void Driver::attach(Message &message) {
    raft_message &m = message.m;
    if (m.type == RAFT_APPEND_ENTRIES) {
        raft_append_entries &a = m.append_entries;
        a.sleep = a.version >= 2 && a.sleep; /* older versions do not have it */
        a.n_entries = a.n_entries > 0 ? choose_entries(a.n_entries) : 0;
        a.n_entries = a.n_entries > 0 ? limit_entries(m, a.n_entries) : 0;
        const Entry *first = a.n_entries > 0 ? &log.at(a.prev_log_index + 1) : nullptr;
        message.entries.assign(first, first + a.n_entries);
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        raft_install_snapshot &i = m.install_snapshot;
        const Snapshot &s = *kept_snapshot(i.last_index);
        const auto offset = static_cast<size_t>(std::min<uint64_t>(i.offset, s.data.size()));
        const size_t left = s.data.size() - offset;
        const size_t n = i.version >= 1 ? choose_bytes(left) : left;
        i.last = i.version >= 1 ? n == left : i.last;
        message.data = s.data.substr(offset, n);
        message.conf = Configuration(i.conf);
    }
}

bool Driver::send_messages(const raft_update &u) {
    for (const raft_message &m : messages_of(u)) {
        check_message(*this, m);
        std::unique_ptr<Message> message(make_message());
        message->from = id;
        message->to = m.server_id;
        message->address = address;
        message->m = m;
        attach(*message);
        if (interrupted()) {
            return false;
        }
        send(std::move(message));
    }
    return true;
}

void Driver::apply_committed() {
    const raft_index end = apply_until();
    if (snapshot != nullptr && applied < snapshot->index) {
        restore(*snapshot);
        applied = snapshot->index;
    }
    while (applied < end) {
        applied++;
        if (!log.has(applied)) {
            throw Violation("commit",
                            format("%s commits %llu, which it does not hold", name(), applied));
        }
        apply(applied, log.at(applied));
    }
}

void Driver::answer_reads(const raft_update &u) {
    for (const raft_read &r : reads_of(u)) {
        if (r.status == 0 && r.index > view.commit) {
            throw Violation("read",
                            format("%s answers at %llu beyond its commit index", name(), r.index));
        }
        answered(r);
    }
}

/* -------------------------------------------------------------- what is durable -- */

int Driver::finish_write() {
    const Write w = disk.finish();
    while (!disk.queue.empty() && disk.queue.front().kind != Write::ENTRIES &&
           disk.queue.front().kind != Write::CHUNK) {
        disk.finish();
    }
    return w.kind == Write::ENTRIES ? stored(w.last_index(), w.ticket)
           : w.kind == Write::CHUNK ? chunk_stored(w)
                                    : 0;
}

int Driver::stored(raft_index index, unsigned long long ticket) {
    raft_event e = {};
    e.type = RAFT_STORED;
    e.stored.index = index;
    e.stored.write = ticket;
    return step(e);
}

int Driver::persisted(raft_index index) {
    raft_event e = {};
    e.type = RAFT_PERSISTED_ENTRIES;
    e.persisted_entries.index = index;
    return step(e);
}

raft_index Driver::acknowledgeable(raft_index index) const {
    for (const Write &w : disk.queue) {
        if (w.kind == Write::ENTRIES || w.kind == Write::RESET) {
            index = std::min(index, w.index - 1);
        }
    }
    while (index > 0 && !(disk.log.has(index) && log.has(index) &&
                          disk.log.at(index).term == log.at(index).term)) {
        index--;
    }
    return index;
}

int Driver::chunk_stored(const Write &w) {
    chunk_outstanding = false;
    raft_event e = {};
    e.type = RAFT_PERSISTED_SNAPSHOT;
    if (!w.fails) {
        e.persisted_snapshot.metadata.index = w.index;
        e.persisted_snapshot.metadata.term = w.term;
        e.persisted_snapshot.offset = w.offset;
        e.persisted_snapshot.last = w.last;
    }
    return step(e);
}

SnapshotPtr Driver::make_snapshot(raft_index at, std::string data) const {
    raft_configuration conf;
    Snapshot s{at, term_at(at), {}, 0, std::move(data)};
    if (raft_configuration_at(handle(), at, &conf, &s.conf_index) != 0) {
        throw Violation("raft_configuration_at", format("%llu fails on %s", at, name()));
    }
    s.conf = Configuration(conf);
    raft_index expected_index = 0;
    const Configuration *expected = configuration_at(at, &expected_index);
    const Configuration *committed = judge != nullptr ? judge->committed_conf(at) : nullptr;
    if (expected == nullptr || !(*expected == s.conf) || expected_index != s.conf_index ||
        (committed != nullptr && !(*committed == s.conf))) {
        throw Violation("raft_configuration_at", format("%llu is wrong on %s", at, name()));
    }
    return std::make_shared<const Snapshot>(std::move(s));
}

int Driver::snapshot_taken(const SnapshotPtr &taken, unsigned trailing, raft_term unread) {
    raft_event e = {};
    e.type = RAFT_SNAPSHOT;
    e.snapshot.metadata.index = taken->index;
    e.snapshot.metadata.term = unread;
    e.snapshot.trailing = trailing;
    const SnapshotPtr replaced = snapshot;
    if (replaced != nullptr) {
        older_snapshots.push_back(replaced);
    }
    snapshot = taken;
    const uint64_t this_epoch = epoch;
    const int rc = step(e);
    if (rc != 0) {
        snapshot = replaced;
        std::erase(older_snapshots, replaced);
    }
    if (rc != 0 || !up || epoch != this_epoch) {
        return rc;
    }
    if (view.snapshot != taken->index || view.first > taken->index + 1 ||
        (log.first <= taken->index && view.first + trailing > taken->index + 1 &&
         view.first > log.first && trailing <= taken->index &&
         taken->index + 1 - view.first != trailing)) {
        throw Violation("snapshot", format("%s: first index %llu after snapshot %llu", name(),
                                           view.first, taken->index));
    }
    if (view.first > log.first) {
        log.drop_before(view.first);
        Write trim{Write::TRIM};
        trim.index = view.first;
        write(std::move(trim));
    }
    rebuild_configurations();
    return 0;
}

} // namespace driver
