/* SPDX-License-Identifier: MIT */
#include "rules/elections.hpp"

#include "rules/rounds_and_leases.hpp"
#include "rules/sending.hpp"
#include "rules/transitions.hpp"

#include <utility>

namespace libraft::elections {
namespace {

constexpr unsigned char kRequestVersion = 2;

enum class Request { kPreVote, kVote, kVoteWithPermission };

bool has_won(const Server &s) {
    return has_quorum(s.tracker->peers, [](const Peer &p) { return p.granted; });
}

/* Count anew, beginning with this server's own vote. */
void start_count(Server &s, Request request) {
    s.tracker->pre_vote = request == Request::kPreVote;
    for (Peer &p : s.tracker->peers) {
        p.granted = p.self;
    }
}

void request_votes(Change &change, raft_term term, Request request) {
    const Server &s = change.server;
    for (const Peer &p : s.tracker->peers) {
        if (!p.votes() || p.self) {
            continue;
        }
        raft_request_vote &rv = change.add_message(RAFT_REQUEST_VOTE, p.id, p.address).request_vote;
        rv.version = kRequestVersion;
        rv.term = term;
        rv.candidate_id = s.id;
        rv.last_log_index = s.last_stored; /* entries that are not durable do not count */
        rv.last_log_term = s.stored_term();
        rv.disrupt_leader = request == Request::kVoteWithPermission;
        rv.pre_vote = request == Request::kPreVote;
    }
}

/* The term begins with a barrier: entries of earlier terms commit with it (§3.6.2). */
void lead(Change &change) {
    Server &s = change.server;
    Tracker &t = *s.tracker;
    transitions::become_leader(change);
    t.elected_at = s.now;
    t.asked_at = s.now;
    t.round = 0;
    (void)rounds::begin(s); /* the first round of a millisecond cannot fail */
    t.transfer = Transfer();
    for (Peer &p : t.peers) {
        p.begin_term(s.log.last(), s.last_stored, s.now);
    }
    sending::append_barrier(change);
    t.barrier = s.log.last();
    t.tally.restart(t.peers, t.barrier - 1);
    for (Peer &p : t.peers) {
        if (p.is_replicated_to()) {
            sending::send(change, p);
        }
    }
    s.deadline = s.now + s.settings->heartbeat_timeout;
}

/* §3.4: a new term, and this server's own vote in it. */
void ask_for_votes(Change &change, Request request) {
    Server &s = change.server;
    /* A late pre-vote of a server that does not mark pre-votes could be taken for a vote. Use
     * another term for the votes then. */
    transitions::begin_term(change, s.term + (s.tracker->legacy_grant ? 2 : 1));
    s.tracker->legacy_grant = false;
    transitions::become_candidate(change, {});
    start_count(s, request);
    if (has_won(s)) {
        lead(change);
    } else {
        request_votes(change, s.term, request);
    }
}

/* §9.6: would a quorum vote for this server? The term changes only after it has said so. */
void ask_for_pre_votes(Change &change) {
    Server &s = change.server;
    s.tracker->legacy_grant = false;
    s.tracker->pre_vote_term = s.term + 1;
    start_count(s, Request::kPreVote);
    if (has_won(s)) {
        ask_for_votes(change, Request::kVote);
    } else {
        request_votes(change, s.term + 1, Request::kPreVote);
    }
}

void become_candidate(Change &change, Preparation &preparation) {
    transitions::become_candidate(change, std::move(preparation.tracker));
    if (preparation.leave) {
        change.server.tracker->leave = std::move(preparation.leave);
    }
}

} // namespace

bool prepare(const Server &s, const Configuration *coming, Preparation *preparation, Need *need) {
    const Configuration &c = coming != nullptr ? *coming : *s.configuration;
    if (!s.tracker) {
        preparation->tracker.reset(new_tracker(c, s.id, s.log.last(), s.now));
        if (!preparation->tracker) {
            return false;
        }
    }
    const Tracker &t = s.tracker ? *s.tracker : *preparation->tracker;
    if (c.joint && !t.leave) {
        preparation->leave.reset(configuration::leave(c));
        if (!preparation->leave) {
            return false;
        }
    }
    need->messages += 2 * uint64_t{t.peers.size()};
    need->entries += 1;
    need->runs += 1;
    return true;
}

void campaign(Change &change, Preparation &preparation) {
    become_candidate(change, preparation);
    change.server.tracker->asked_again = false;
    if (change.server.settings->pre_vote) {
        ask_for_pre_votes(change);
    } else {
        ask_for_votes(change, Request::kVote);
    }
}

int campaign(Step &step) {
    Preparation preparation;
    Need need;
    Change *change =
        prepare(step.server, nullptr, &preparation, &need) ? step.reserve(need) : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    change->server.installation.reset();
    campaign(*change, preparation);
    return 0;
}

void ask_again(Change &change, raft_term term) {
    transitions::raise_term(change, term);
    change.server.tracker->asked_again = true;
    ask_for_pre_votes(change);
}

void campaign_with_permission(Change &change, Preparation &preparation) {
    become_candidate(change, preparation);
    ask_for_votes(change, Request::kVoteWithPermission);
}

void count_votes(Change &change) {
    const Server &s = change.server;
    if (!has_won(s)) {
        return;
    }
    if (s.tracker->pre_vote) {
        ask_for_votes(change, Request::kVote);
    } else {
        lead(change);
    }
}

} // namespace libraft::elections
