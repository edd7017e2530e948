/* SPDX-License-Identifier: MIT */
/* What a server promises over several steps: it is held to what it has heard, said and been asked
 * since it was booted, by its own clock. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>

namespace sim {
namespace {

bool gives_permission(const raft_message &m) {
    return m.request_vote.version >= 1 && m.request_vote.disrupt_leader;
}

} // namespace

void Server::keep_promises(const raft_event &e, const raft_update &u) {
    if (e.type == RAFT_START) {
        past_ = Past();
        past_.heard = e.time; /* starting counts as hearing from a leader */
    }
    past_.now = std::max<raft_time>(past_.now, e.time);
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    for (unsigned i = 0; u.flags & RAFT_UPDATE_MESSAGES && i < u.messages.n; i++) {
        const raft_message &m = u.messages.batch[i];
        if (m.type == RAFT_REQUEST_VOTE_RESULT && came != nullptr) {
            check_answer_to_candidate(*came, m.request_vote_result);
        } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
            check_resumption(m);
        } else if (m.type == RAFT_TIMEOUT_NOW) {
            past_.timeout_now_term = face.term;
        }
    }
    if (came != nullptr) {
        bool of_leader = came->type == RAFT_APPEND_ENTRIES || came->type == RAFT_INSTALL_SNAPSHOT;
        if (of_leader && term_of(*came) == face.term) {
            past_.heard = past_.now;
        }
        if (came->type == RAFT_TIMEOUT_NOW && face.state != before_.state &&
            face.state != RAFT_FOLLOWER && term_of(*came) != before_.term) {
            throw Violation("transfer", format("%s of term %llu campaigns upon TimeoutNow of "
                                               "term %llu", name(), before_.term,
                                               term_of(*came)));
        }
    }
    check_transfer_ends(e);
    check_pending_reads(e, u);
}

/* Votes and pre-votes: none within an election timeout of hearing from a leader, whatever the
 * term, unless that leader permits it; and a refusal lets a stale candidate learn. */
void Server::check_answer_to_candidate(const raft_message &request,
                                       const raft_request_vote_result &r) const {
    if (!r.vote_granted) {
        if (r.term < face.term) {
            throw Violation("votes", format("%s of term %llu refuses with term %llu", name(),
                                            face.term, r.term));
        }
        return;
    }
    bool hears = before_.leads() || past_.now - past_.heard < plan_.election_timeout;
    if (hears && !gives_permission(request)) {
        throw Violation("votes", format("%s grants one, though it heard from a leader %llu ms ago",
                                        name(), past_.now - past_.heard));
    }
}

/* A chunk is asked for from the beginning, or from somewhere in what was sent of this snapshot. */
void Server::check_resumption(const raft_message &m) const {
    const raft_install_snapshot &is = m.install_snapshot;
    const auto &given = w_.server(m.server_id).given;
    auto known = given.find(is.last_index);
    unsigned long long bytes = known != given.end() ? known->second : 0;
    if (is.version >= 1 && is.offset > bytes) {
        throw Violation("install", format("%s sends %s snapshot %llu from %llu, of which it was "
                                          "sent %llu", name(), name_of(m.server_id), is.last_index,
                                          is.offset, bytes));
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
        throw Violation("transfer", format("%s still hands over to %s after %llu ms", name(),
                                           name_of(face.transferee),
                                           past_.now - past_.transfer_since));
    }
}

/* Each read is answered once, at the latest when leadership is lost; by a lease never once
 * TimeoutNow has been sent. */
void Server::check_pending_reads(const raft_event &e, const raft_update &u) {
    if (e.type == RAFT_READ) {
        past_.reads.push_back(e.read.id);
    }
    for (unsigned i = 0; u.flags & RAFT_UPDATE_READS && i < u.reads.n; i++) {
        if (std::erase(past_.reads, u.reads.batch[i].id) != 1) {
            throw Violation("read", format("%s answers what it was not asked, or twice", name()));
        }
        auto only_self = [this](raft_id peer) { return peer == id; };
        if (e.type == RAFT_READ && e.read.lease && u.reads.batch[i].status == 0 &&
            past_.timeout_now_term == face.term && !quorum(face.conf, only_self)) {
            throw Violation("read", format("%s answers by lease after TimeoutNow", name()));
        }
    }
    bool lost = !face.leads() || (before_.leads() && before_.term != face.term);
    if (lost && !past_.reads.empty()) {
        throw Violation("read", format("%s does not lead any more, but leaves %zu unanswered",
                                       name(), past_.reads.size()));
    }
}

} // namespace sim
