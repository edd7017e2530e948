/* SPDX-License-Identifier: MIT */
/* What a server promises over several steps: it is held to what it has heard, said and been asked
 * since it was booted, by its own clock. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>

namespace sim {
void Server::keep_promises(const raft_event &e, const raft_update &u) {
    if (e.type == RAFT_START) {
        past_ = Past();
        past_.heard = e.time; /* starting counts as hearing from a leader */
    }
    past_.now = std::max<raft_time>(past_.now, e.time);
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        const raft_message &m = u.messages.batch[i];
        if (m.type == RAFT_INSTALL_SNAPSHOT) {
            check_resumption(m);
        } else if (m.type == RAFT_APPEND_ENTRIES_RESULT && came != nullptr) {
            check_answer_to_leader(*came, m.append_entries_result);
        } else if (m.type == RAFT_TIMEOUT_NOW) {
            past_.timeout_now_term = face.term;
        }
    }
    keep_election_promises(e, u);
    keep_leader_promises(e, u);
    check_transfer_ends(e);
    check_pending_reads(e, u);
}

/* What is committed is in every leader's log: it is not called a conflict, unless nothing can be
 * appended while a snapshot is written. */
void Server::check_answer_to_leader(const raft_message &request,
                                    const raft_append_entries_result &r) const {
    if (request.type == RAFT_APPEND_ENTRIES && r.rejected != 0 && r.rejected <= face.commit &&
        term_of(request) == face.term && !chunk_outstanding_) {
        throw Violation("append", format("%s, which has committed %llu, refuses %s", name(),
                                         face.commit, describe(request).c_str()));
    }
}

/* A chunk is asked for from the beginning, or from somewhere in what was sent of this snapshot. */
void Server::check_resumption(const raft_message &m) const {
    const raft_install_snapshot &is = m.install_snapshot;
    const auto &given = w_.server(m.server_id).given;
    auto known = given.find(is.last_index);
    unsigned long long bytes = known != given.end() ? known->second : 0;
    if (is.version >= 1 && is.offset > bytes) {
        throw Violation("install",
                        format("%s sends %s snapshot %llu from %llu, of which it was "
                               "sent %llu",
                               name(), name_of(m.server_id), is.last_index, is.offset, bytes));
    }
}

/* A transfer that fails is given up after an election timeout. */
void Server::check_transfer_ends(const raft_event &e) {
    bool same = before_.leads() && face.leads() && face.transferee == before_.transferee;
    if (face.transferee == 0 || !same) {
        past_.transfer_since = past_.now;
        return;
    }
    bool due = e.type == RAFT_TIMEOUT && e.time >= before_.timeout;
    if (due && past_.now - past_.transfer_since >= plan_.election_timeout) {
        throw Violation("transfer",
                        format("%s still hands over to %s after %llu ms", name(),
                               name_of(face.transferee), past_.now - past_.transfer_since));
    }
}

/* Each read is answered once, at the latest when leadership is lost. */
void Server::check_pending_reads(const raft_event &e, const raft_update &u) {
    if (e.type == RAFT_READ) {
        past_.reads.push_back(e.read.id);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_READS && i < u.reads.n; i++) {
        const raft_read &read = u.reads.batch[i];
        if (std::erase(past_.reads, read.id) != 1) {
            throw Violation("read", format("%s answers what it was not asked, or twice", name()));
        }
        /* Others may have been confirmed by a round. */
        if (e.type == RAFT_READ && e.read.lease && read.id == e.read.id && read.status == 0) {
            check_lease();
        }
    }
    bool lost = !face.leads() || (before_.leads() && before_.term != face.term);
    if (lost && !past_.reads.empty()) {
        throw Violation("read", format("%s does not lead any more, but leaves %zu unanswered",
                                       name(), past_.reads.size()));
    }
}

} // namespace sim
