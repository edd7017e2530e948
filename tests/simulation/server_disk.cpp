/* SPDX-License-Identifier: MIT */
/* A server's disk: writes, acknowledgements, snapshots. */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

void Server::write(Write w) {
    if (w.kind == Write::CHUNK) {
        part_of_ = w.last ? 0 : view.term;
        sim_.stats.add(S_INSTALL_CHUNK);
        sim_.stats.add(S_INSTALL_RESUMED, w.offset > 0);
    }
    Driver::write(std::move(w));
    if (disk.queue.size() == 1) {
        schedule_disk();
    }
}

void Server::schedule_disk() {
    Time latency = sim_.random.between(sim_.plan.disk_min, sim_.plan.disk_max);
    Time at = sim_.now + latency * (sim_.calm ? 1 : disk_slowness);
    Time slow = sim_.plan.callers.chunk_write_max;
    if (slow != 0 && disk.queue.front().kind == Write::CHUNK) {
        Time more = sim_.extra.between(0, slow);
        sim_.stats.add(S_SLOW_CHUNK, more > plan_.election_timeout * kMs);
        at += more;
    }
    if (!sim_.calm) {
        at = std::max(at, disk_stalled_until);
    }
    sim_.schedule(at, Scheduled::DISK, id, epoch);
}

void Server::disk_done() {
    uint64_t this_epoch = epoch;
    std::vector<Write> done;
    do { /* one sync often covers several writes */
        done.push_back(disk.finish());
    } while (!disk.queue.empty() && sim_.random.percent(50));
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
            if (plan_.held_messages && sim_.broken != Broken::LATE_VOTE) {
                meta_durable_++;
                flush_held();
            }
            break;
        case Write::ENTRIES: {
            if (sim_.crash_sole_voter(*this)) {
                break;
            }
            raft_index last = w.last_index();
            if (w.entries.size() > 1 && !sim_.calm &&
                sim_.random.percent(sim_.plan.partial_ack_percent)) {
                sim_.stats.add(S_PARTIAL_ACK);
                acknowledge(w.index + sim_.random.below(w.entries.size()), w.ticket);
            }
            if (!up) {
                break;
            }
            done_.push_back({w.index, last, w.ticket});
            if (done_.size() > 8) {
                done_.pop_front();
            }
            if (!sim_.calm && sim_.random.percent(sim_.plan.late_ack_percent)) {
                sim_.stats.add(S_LATE_ACK);
                sim_.acknowledge_later(id, last, w.ticket,
                                       sim_.random.skewed(1, sim_.plan.late_ack_max));
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

/* The entries up to an index, written under a ticket, are durable, or were before others replaced
 * them. */
void Server::acknowledge(raft_index index, unsigned long long ticket) {
    bool stale = sim_.broken == Broken::STALE_ACK;
    sim_.stats.add(S_STALE_ACK, ticket < replaced_by);
    if (plan_.tickets && !stale) {
        must_succeed("an acknowledgement", stored(index, ticket));
        return;
    }
    bool correct = !stale && sim_.broken != Broken::EARLY_ACK;
    index = correct ? acknowledgeable(index) : index;
    if (index != 0 && log.has(index)) {
        must_succeed("an acknowledgement", persisted(index));
    }
}

/* Acknowledge writes of replaced entries again, late, while new writes of the same indexes are
 * under way. */
void Server::repeat_acknowledgements(raft_index from) {
    if (sim_.calm || !plan_.tickets || !sim_.random.percent(sim_.plan.late_ack_percent)) {
        return;
    }
    for (const Done &d : done_) {
        raft_index index = std::min(d.last, log.last()); /* at most what the log has */
        if (d.ticket < replaced_by && index >= std::max(d.first, from)) {
            sim_.acknowledge_later(id, index, d.ticket, sim_.random.between(0, 40));
        }
    }
}

void Server::chunk_written(const Write &w) {
    part_of_ = w.last || w.fails ? 0 : part_of_;
    parts_lost += w.fails;
    bool conflicts = log.has(w.index) && log.at(w.index).term != w.term;
    if (w.last && !w.fails && !sim_.calm && sim_.random.percent(sim_.plan.disturb_percent) &&
        sim_.random.percent(conflicts ? 50 : 15)) {
        crash("between its snapshot and its log");
        return;
    }
    sim_.stats.add(S_CHUNK_FAIL, w.fails);
    must_succeed("the acknowledgement of a chunk", chunk_stored(w));
}

void Server::take_snapshot(bool whole_log) {
    raft_index at = machine.applied;
    if (at == 0 || snapshot_pending_ != 0 || at <= view.snapshot || term_at(at) == 0) {
        return;
    }
    std::string data(reinterpret_cast<const char *>(&machine), sizeof machine);
    data.append(sim_.plan.padding, static_cast<char>('a' + at % 26));
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
    raft_term unread = sim_.random.next();
    must_succeed("its own snapshot",
                 snapshot_taken(w.snapshot, w.last ? 0 : sim_.plan.trailing, unread));
    if (up && epoch == this_epoch) {
        sim_.note(id, "has snapshot %llu", snapshot->index);
        sim_.stats.add(S_SNAPSHOT);
    }
}

} // namespace sim
