/* SPDX-License-Identifier: MIT */
/* A server and its disk. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

void Server::write(Write w) {
    disk.queue.push_back(std::move(w));
    if (disk.queue.size() == 1) {
        schedule_disk();
    }
}

void Server::schedule_disk() {
    Time latency = w_.random.between(w_.plan.disk_min, w_.plan.disk_max);
    Time at = w_.now + latency * (w_.calm ? 1 : disk_slowness);
    if (!w_.calm) {
        at = std::max(at, disk_stalled_until);
    }
    w_.schedule(at, Happening::DISK, id, epoch);
}

void Server::disk_done() {
    uint64_t this_epoch = epoch;
    std::vector<Write> done;
    do { /* one sync often covers several writes */
        done.push_back(std::move(disk.queue.front()));
        disk.queue.pop_front();
        disk.apply(done.back());
    } while (!disk.queue.empty() && w_.random.percent(50));
    if (!disk.queue.empty()) {
        schedule_disk();
    }
    for (const Write &w : done) {
        finished(w);
        if (!up || epoch != this_epoch) {
            return;
        }
    }
}

void Server::finished(const Write &w) {
    switch (w.kind) {
        case Write::META:
            if (plan_.held_messages && w_.sabotage != Sabotage::LATE_VOTE) {
                meta_durable_++;
                flush_held();
            }
            break;
        case Write::ENTRIES: {
            if (w_.tempt_heir(*this)) {
                break;
            }
            raft_index last = w.index + w.entries.size() - 1;
            if (w.entries.size() > 1 && !w_.calm &&
                w_.random.percent(w_.plan.partial_ack_percent)) {
                w_.stats.add(S_PARTIAL_ACK);
                acknowledge(w.index + w_.random.below(w.entries.size()), w.ticket);
            }
            if (!up) {
                break;
            }
            done_.push_back({w.index, last, w.ticket});
            if (done_.size() > 8) {
                done_.pop_front();
            }
            if (!w_.calm && w_.random.percent(w_.plan.late_ack_percent)) {
                w_.stats.add(S_LATE_ACK);
                w_.acknowledge_later(id, last, w.ticket, w_.random.skewed(1, w_.plan.late_ack_max));
            } else {
                acknowledge(last, w.ticket);
            }
            break;
        }
        case Write::CHUNK:
            chunk_stored(w);
            break;
        case Write::SNAPSHOT:
            snapshot_stored(w);
            break;
        default:
            break;
    }
}

/* The entries up to index, written under a ticket, are durable (or were: they may have
 * been replaced since). */
void Server::acknowledge(raft_index index, unsigned long long ticket) {
    raft_event e = {};
    if (ticket < replaced_by_) {
        w_.stats.add(S_STALE_ACK);
    }
    if (plan_.tickets && w_.sabotage != Sabotage::STALE_ACK) {
        e.type = RAFT_STORED;
        e.stored.index = index;
        e.stored.write = ticket;
    } else {
        /* Taken at its word: only what is in the log now may be acknowledged, and will not be
         * replaced by a write that is under way, even by what was there before. */
        bool honest = w_.sabotage != Sabotage::STALE_ACK && w_.sabotage != Sabotage::LYING_DISK;
        for (const Write &w : disk.queue) {
            if (honest && (w.kind == Write::ENTRIES || w.kind == Write::RESET)) {
                index = std::min(index, w.index - 1);
            }
        }
        while (honest && index > 0 &&
               !(disk.log.has(index) && log.has(index) &&
                 disk.log.at(index).term == log.at(index).term)) {
            index--;
        }
        if (index == 0 || !log.has(index)) {
            return;
        }
        e.type = RAFT_PERSISTED_ENTRIES;
        e.persisted_entries.index = index;
    }
    int rc = step(e);
    if (rc != 0) {
        throw Violation("acknowledgement",
                        format("%s refuses it with %d (%s)", name(), rc, raft_errmsg(handle())));
    }
}

/* Writes of a log that is no more are acknowledged, late, while others of the same indexes are
 * under way. */
void Server::repeat_acknowledgements(raft_index from) {
    if (w_.calm || !plan_.tickets || !w_.random.percent(w_.plan.late_ack_percent)) {
        return;
    }
    for (const Done &d : done_) {
        raft_index index = std::min(d.last, log.last()); /* a part of it, perhaps */
        if (d.ticket < replaced_by_ && index >= std::max(d.first, from)) {
            w_.acknowledge_later(id, index, d.ticket, w_.random.between(0, 40));
        }
    }
}

void Server::chunk_stored(const Write &w) {
    chunk_outstanding_ = false;
    half_of_ = w.last || w.fails ? 0 : half_of_;
    bool conflicts = log.has(w.chunk_index) && log.at(w.chunk_index).term != w.chunk_term;
    if (w.last && !w.fails && !w_.calm && w_.random.percent(w_.plan.upset_percent) &&
        w_.random.percent(conflicts ? 50 : 15)) {
        crash("between its snapshot and its log");
        return;
    }
    raft_event e = {};
    e.type = RAFT_PERSISTED_SNAPSHOT;
    if (w.fails) {
        w_.stats.add(S_CHUNK_FAIL);
    } else {
        e.persisted_snapshot.metadata.index = w.chunk_index;
        e.persisted_snapshot.metadata.term = w.chunk_term;
        e.persisted_snapshot.offset = w.offset;
        e.persisted_snapshot.last = w.last;
    }
    int rc = step(e);
    if (rc != 0) {
        throw Violation("acknowledgement", format("%s refuses a chunk's with %d (%s)", name(), rc,
                                                  raft_errmsg(handle())));
    }
}

void Server::take_snapshot(bool whole_log) {
    raft_index at = machine.applied;
    if (at == 0 || snapshot_pending_ != 0 || at <= face.snapshot || term_at(at) == 0) {
        return;
    }
    raft_configuration conf;
    auto s = std::make_shared<Snapshot>();
    s->index = at;
    s->term = term_at(at);
    if (raft_configuration_at(handle(), at, &conf, &s->conf_index) != 0) {
        throw Violation("raft_configuration_at", format("%llu fails on %s", at, name()));
    }
    s->conf = copy(conf);
    raft_index expected_index = 0;
    const Conf *expected = configuration_at(at, &expected_index);
    const Conf *truth = w_.judge.committed_conf(at);
    if (expected == nullptr || !(*expected == s->conf) || expected_index != s->conf_index ||
        truth == nullptr || !(*truth == s->conf)) {
        throw Violation("raft_configuration_at", format("%llu is wrong on %s", at, name()));
    }
    s->data.assign(reinterpret_cast<const char *>(&machine), sizeof machine);
    s->data.append(w_.plan.padding, static_cast<char>('a' + at % 26));
    snapshot_pending_ = at;
    Write w{Write::SNAPSHOT};
    w.last = whole_log;
    w.snapshot = std::move(s);
    write(std::move(w));
}

void Server::snapshot_stored(const Write &w) {
    snapshot_pending_ = 0;
    if (w.snapshot->index <= face.snapshot) {
        return; /* a newer one was installed meanwhile */
    }
    raft_event e = {};
    e.type = RAFT_SNAPSHOT;
    e.snapshot.metadata.index = w.snapshot->index;
    e.snapshot.metadata.term = w_.random.next(); /* not read */
    unsigned trailing = w.last ? 0 : w_.plan.trailing;
    e.snapshot.trailing = trailing;
    previous_snap_ = snap;
    snap = w.snapshot;
    uint64_t this_epoch = epoch;
    int rc = step(e);
    if (rc != 0) {
        throw Violation("snapshot", format("%s refuses its own of %llu with %d (%s)", name(),
                                           w.snapshot->index, rc, raft_errmsg(handle())));
    }
    if (!up || epoch != this_epoch) {
        return;
    }
    w_.say(id, "has snapshot %llu", snap->index);
    w_.stats.add(S_SNAPSHOT);
    if (face.snapshot != snap->index || face.first > snap->index + 1 ||
        (log.first <= snap->index && face.first + trailing > snap->index + 1 &&
         face.first > log.first && trailing <= snap->index &&
         snap->index + 1 - face.first != trailing)) {
        throw Violation("snapshot", format("%s: first index %llu after snapshot %llu", name(),
                                           face.first, snap->index));
    }
    if (face.first > log.first) {
        log.drop_before(face.first);
        Write trim{Write::TRIM};
        trim.index = face.first;
        write(std::move(trim));
    }
    rebuild_configurations();
}

} // namespace sim
