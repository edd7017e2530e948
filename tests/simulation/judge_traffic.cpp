/* SPDX-License-Identifier: MIT */
/* What a leader sends, compared with what an ideal one would: each entry once to each server, each
 * part of a snapshot once, and a constant number of messages for each answer, timer or event that
 * concerns that server. What was lost, reported lost or trimmed may be sent again. */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr uint64_t kPerCause = 3; /* messages without new entries */
constexpr uint64_t kSlack = 24;
constexpr uint64_t kEntriesSlack = 64;

} // namespace

/* Which servers do the event and its update concern? */
void Server::note_causes(const raft_event &e, const raft_update &u) {
    unsigned all = 0;
    bool asked = e.type == RAFT_SUBMIT || e.type == RAFT_RECONFIGURE || e.type == RAFT_TRANSFER ||
                 e.type == RAFT_CATCH_UP;
    all += asked || (e.type == RAFT_TIMEOUT && e.time >= before.timeout);
    all += e.type == RAFT_READ && reads.size() <= 1; /* others share a round */
    all += (u.flags & RAFT_UPDATE_READS) != 0;       /* the next round may begin */
    all += !before.leads() || was_asleep_;
    all += eager_ && view.commit > before.commit;
    bool committed = before.commit < before.conf_index && view.commit >= before.conf_index;
    all += view.conf_index != before.conf_index || committed ? 2 : 0;
    for (raft_id peer = 1; peer <= sim_.plan.servers; peer++) {
        past_.traffic[peer].causes += all;
    }
    raft_id peer = e.type == RAFT_UNREACHABLE ? e.unreachable.server_id
                   : e.type == RAFT_SENT      ? e.sent.server_id
                                              : 0;
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    bool answer =
        came != nullptr && came->type == RAFT_APPEND_ENTRIES_RESULT && term_of(*came) == view.term;
    peer = answer ? came->server_id : peer;
    if (peer == 0 || peer > kMaxServers) {
        return;
    }
    Traffic &t = past_.traffic[peer];
    t.causes++;
    if (e.type == RAFT_UNREACHABLE) {
        t.disturbances++;
        t.unreachable = true;
        t.known = false;
    }
    for (raft_index i = e.sent.index + 1; e.type == RAFT_SENT && i < t.sent.size(); i++) {
        t.entries -= t.sent[i];
        t.sent[i] = false;
    }
    /* A connection that is not ordered: entries overtake each other. */
    bool ordered = sim_.plan.callers.bandwidth != 0;
    t.disturbances += answer && came->append_entries_result.rejected != 0 && !ordered;
    t.known = t.known || answer;
}

void Server::count_entries(const raft_message &m) {
    const raft_append_entries &a = m.append_entries;
    Traffic &t = past_.traffic[m.server_id];
    raft_index end = a.prev_log_index + a.n_entries;
    uint64_t fresh = 0;
    t.sent.resize(std::max<size_t>(t.sent.size(), end + 1));
    for (raft_index i = a.prev_log_index + 1; i <= end; i++) {
        fresh += !t.sent[i];
        t.sent[i] = true;
    }
    t.entries += fresh;
    t.again += a.n_entries - fresh;
    t.messages += fresh == 0;
}

/* A chunk, or a whole snapshot, is sent again only after a timeout without an acknowledgement,
 * after RAFT_UNREACHABLE, or if the server has lost its part. A newer snapshot does not replace one
 * whose transfer makes progress. None is sent to a server whose features are not known. */
void Server::check_snapshot(const raft_message &m) {
    const raft_install_snapshot &s = m.install_snapshot;
    const Server &peer = sim_.server(m.server_id);
    Traffic &t = past_.traffic[m.server_id];
    unsigned long long offset = s.version >= 1 ? s.offset : 0;
    const char *why = nullptr;
    bool excused = t.unreachable || peer.parts_lost != t.parts_lost ||
                   latest - t.sent_at >= tuning_.snapshot_timeout;
    /* An older answer may arrive after the one that tells of the loss. */
    bool lost_part = peer.parts_lost != t.parts_lost;
    excused = excused || t.excused_again;
    bool before_part = s.last_index == t.snapshot && offset <= t.offset && t.snapshot != 0;
    bool other = t.snapshot != 0 && s.last_index != t.snapshot;
    bool same_features = !sim_.plan.callers.has(C_FEATURES) && announces(RAFT_FEATURE_CHUNKS) &&
                         peer.announces(RAFT_FEATURE_CHUNKS);
    if (!t.known) {
        why = "its features are not known";
    } else if (s.version == 0 && same_features) {
        why = "it takes chunks";
    } else if (before_part && !excused) {
        why = "it was sent this before";
    } else if (other && !excused) {
        why = "another one is under way";
    }
    if (why != nullptr) {
        throw Violation("snapshot traffic",
                        format("%s to %s, which was sent snapshot %llu to %llu %llu ms ago: %s: %s",
                               name(), name_of(m.server_id), t.snapshot, t.offset,
                               latest - t.sent_at, why, describe(m).c_str()));
    }
    t.excused_again = before_part ? lost_part : t.excused_again;
    t.snapshot = s.last_index;
    t.offset = offset;
    t.sent_at = latest;
    t.unreachable = false;
    t.parts_lost = offset == 0 ? peer.parts_lost : t.parts_lost;
    t.messages++;
    t.disturbances++; /* the log is sent anew from there */
}

void Server::check_traffic(raft_id peer) const {
    const Traffic &t = past_.traffic[peer];
    /* A window may be sent again in messages of as few entries as the caller allows. */
    unsigned limit = sim_.plan.tuning.message_entries;
    uint64_t again = limit != 0 ? sim_.plan.tuning.inflight / limit + 1 : 1;
    if (t.messages > kPerCause * t.causes + kSlack + again) {
        throw Violation("traffic",
                        format("%s has sent %s %llu messages without new entries, for %llu answers,"
                               " timers and events",
                               name(), name_of(peer), static_cast<unsigned long long>(t.messages),
                               static_cast<unsigned long long>(t.causes)));
    }
    uint64_t window = std::min<uint64_t>(sim_.plan.tuning.inflight, 64 + t.entries);
    if (t.again > 2 * t.entries + window * t.disturbances + kEntriesSlack) {
        throw Violation("traffic",
                        format("%s has sent %s %llu entries again, beside %llu new ones, after "
                               "%llu disturbances",
                               name(), name_of(peer), static_cast<unsigned long long>(t.again),
                               static_cast<unsigned long long>(t.entries),
                               static_cast<unsigned long long>(t.disturbances)));
    }
}

void Server::count_traffic(const raft_event &e, const raft_update &u) {
    if (!view.leads()) {
        return;
    }
    for (const Member &m : view.conf.members) {
        Traffic &t = past_.traffic[m.id];
        const Server &peer = sim_.server(m.id);
        t.disturbances += peer.epoch != t.epoch;
        t.epoch = peer.epoch;
        if (t.data_losses != peer.data_losses) { /* it needs all of it again */
            t.data_losses = peer.data_losses;
            t.sent.clear();
        }
        if (!asleep_ && view.peer(m.id).contact + plan_.election_timeout <= latest) {
            t.known = false;
        }
        if (view.peer(m.id).mode != RAFT_PROGRESS_SNAPSHOT) {
            t.snapshot = 0;
        }
    }
    note_causes(e, u);
    for (const raft_message &m : messages_of(u)) {
        if (m.type == RAFT_APPEND_ENTRIES) {
            count_entries(m);
        } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
            check_snapshot(m);
        } else {
            past_.traffic[m.server_id].messages += m.type == RAFT_TIMEOUT_NOW;
        }
        check_traffic(m.server_id);
        sim_.stats.add(S_SENT_AGAIN, past_.traffic[m.server_id].again != 0);
    }
}

} // namespace sim
