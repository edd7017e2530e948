/* SPDX-License-Identifier: MIT */
/* A server and its disk. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

void Server::write(Write w) {
    if (w.kind == Write::CHUNK) {
        half_of_ = w.last ? 0 : view.term;
        w_.stats.add(S_INSTALL_CHUNK);
        w_.stats.add(S_INSTALL_RESUMED, w.offset > 0);
    }
    Driver::write(std::move(w));
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
        done.push_back(disk.finish());
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
            raft_index last = w.last_index();
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
            chunk_written(w);
            break;
        case Write::SNAPSHOT:
            snapshot_written(w);
            break;
        default:
            break;
    }
}

/* The entries up to index, written under a ticket, are durable (or were: they may have
 * been replaced since). */
void Server::acknowledge(raft_index index, unsigned long long ticket) {
    bool stale = w_.sabotage == Sabotage::STALE_ACK;
    w_.stats.add(S_STALE_ACK, ticket < replaced_by);
    if (plan_.tickets && !stale) {
        must_succeed("an acknowledgement", stored(index, ticket));
        return;
    }
    bool honest = !stale && w_.sabotage != Sabotage::LYING_DISK;
    index = honest ? acknowledgeable(index) : index;
    if (index != 0 && log.has(index)) {
        must_succeed("an acknowledgement", persisted(index));
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
        if (d.ticket < replaced_by && index >= std::max(d.first, from)) {
            w_.acknowledge_later(id, index, d.ticket, w_.random.between(0, 40));
        }
    }
}

void Server::chunk_written(const Write &w) {
    half_of_ = w.last || w.fails ? 0 : half_of_;
    bool conflicts = log.has(w.index) && log.at(w.index).term != w.term;
    if (w.last && !w.fails && !w_.calm && w_.random.percent(w_.plan.upset_percent) &&
        w_.random.percent(conflicts ? 50 : 15)) {
        crash("between its snapshot and its log");
        return;
    }
    w_.stats.add(S_CHUNK_FAIL, w.fails);
    must_succeed("the acknowledgement of a chunk", chunk_stored(w));
}

void Server::take_snapshot(bool whole_log) {
    raft_index at = machine.applied;
    if (at == 0 || snapshot_pending_ != 0 || at <= view.snapshot || term_at(at) == 0) {
        return;
    }
    std::string data(reinterpret_cast<const char *>(&machine), sizeof machine);
    data.append(w_.plan.padding, static_cast<char>('a' + at % 26));
    snapshot_pending_ = at;
    Write w{Write::SNAPSHOT};
    w.last = whole_log;
    w.snapshot = make_snapshot(at, std::move(data));
    write(std::move(w));
}

void Server::snapshot_written(const Write &w) {
    snapshot_pending_ = 0;
    if (w.snapshot->index <= view.snapshot) {
        return; /* a newer one was installed meanwhile */
    }
    uint64_t this_epoch = epoch;
    raft_term unread = w_.random.next();
    must_succeed("its own snapshot",
                 snapshot_taken(w.snapshot, w.last ? 0 : w_.plan.trailing, unread));
    if (up && epoch == this_epoch) {
        w_.say(id, "has snapshot %llu", snapshot->index);
        w_.stats.add(S_SNAPSHOT);
    }
}

} // namespace sim
