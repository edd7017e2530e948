/* SPDX-License-Identifier: MIT */
/* A candidate receives the result of a vote (§3.4) or a pre-vote (§9.6). */
#include "events/events.hpp"
#include "rules/election_start.hpp"
#include "rules/elections.hpp"
#include "rules/message_checks.hpp"
#include "rules/transitions.hpp"
#include "state/tracker.hpp"

namespace libraft {
namespace {

/* Can an unmarked result of this term belong to a vote? Yes, if this server cannot have requested
 * a pre-vote for this term, also before a restart. */
bool is_unmarked_vote(const Server &s) {
    const raft_term requested = s.tracker->pre_vote_term;
    return requested != 0 ? s.term > requested : !s.settings->pre_vote && s.pre_vote_terms == 0;
}

/* Does this result grant what the candidate asked for? */
bool is_grant(const Server &s, const raft_request_vote_result &r, bool marked) {
    const bool pre_vote = s.tracker->pre_vote;
    const raft_term asked = s.term + (pre_vote ? 1 : 0);
    if (!marked && !pre_vote && !is_unmarked_vote(s)) {
        return false;
    }
    return load_bool(r.vote_granted) && r.term == asked &&
           (!marked || load_bool(r.pre_vote) == pre_vote);
}

void take_result(Change &change, const raft_message &m) {
    Server &s = change.server;
    const raft_request_vote_result &r = m.request_vote_result;
    Peer *p = s.tracker->find(m.server_id);
    if (p == nullptr) {
        return;
    }
    const bool marked = r.version >= 2; /* a pre-vote's result says that it is one */
    if (marked) {
        p->note_features(r.features, r.capacity);
    }
    if (!is_grant(s, r, marked)) {
        return;
    }
    p->granted = true;
    if (s.tracker->pre_vote && !marked) {
        s.tracker->legacy_grant = true;
    }
    elections::count_votes(change);
}

/* The term of a result need not be one that any server is in: a grant above our term can only
 * answer a pre-vote, and the refusal of a pre-vote may merely echo our request. Version 0 has no
 * pre-votes: the term of its refusal is its own. */
bool is_hypothetical(const Server &s, const raft_request_vote_result &r) {
    const bool about_pre_vote =
        (r.version >= 2 && load_bool(r.pre_vote)) ||
        (r.version == 1 && s.state == RAFT_CANDIDATE && s.tracker->pre_vote);
    return load_bool(r.vote_granted) || (about_pre_vote && r.term == s.term + 1);
}

/* Was a pre-vote refused only because the voter is in a later term than the one that was asked
 * for? Then ask again, in a term after that, once for each timeout. Otherwise a server whose
 * requests raise one voter's term again and again, and which cannot win itself, would keep the only
 * server that can win a term behind. */
bool may_ask_again(const Server &s, const raft_message &m) {
    const raft_request_vote_result &r = m.request_vote_result;
    if (s.state != RAFT_CANDIDATE || !s.tracker->pre_vote || s.tracker->asked_again ||
        r.version < 2 || !load_bool(r.pre_vote) || load_bool(r.vote_granted) ||
        r.term <= s.term + 1 || !election_start::has_term_left(r.term) ||
        !election_start::may_campaign(s)) {
        return false;
    }
    const Peer *p = s.tracker->find(m.server_id);
    return p != nullptr && p->votes();
}

} // namespace

int on_request_vote_result(Step &step, const raft_message &m) {
    const Server &s = step.server;
    const raft_request_vote_result &r = m.request_vote_result;
    if (r.term > message::highest_term(s)) { /* 0 is the term of a pristine server that refuses */
        return message::malformed(step, "RequestVote result: the term is out of range");
    }
    const bool candidate = s.state == RAFT_CANDIDATE;
    elections::Preparation preparation;
    Need need;
    Change *change =
        /* unreachable: a candidate has what prepare() allocates */
        !candidate || elections::prepare(s, {}, &preparation, &need) ? step.reserve(need) : nullptr;
    if (change == nullptr) {
        return step.no_memory();
    }
    if (may_ask_again(s, m)) {
        change->server.tracker->find(m.server_id)->note_features(r.features, r.capacity);
        elections::ask_again(*change, r.term);
    } else if (r.term > s.term && !is_hypothetical(s, r)) {
        transitions::adopt_term(*change, r.term);
    } else if (candidate) {
        take_result(*change, m);
    }
    return 0;
}

} // namespace libraft
