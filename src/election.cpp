/* SPDX-License-Identifier: MIT */
#include "election.hpp"

#include "leadership.hpp"
#include "membership.hpp"
#include "message.hpp"
#include "replication.hpp"
#include "roles.hpp"

#include <algorithm>

namespace libraft::election {
namespace {

constexpr unsigned char kRequestVersion = 2;
constexpr unsigned char kResultVersion = 2;

bool won(const Server &s) {
    return has_quorum(s.tracker->peers, [](const Progress &p) { return p.granted; });
}

void start_count(Server &s, bool pre_vote) {
    s.tracker->pre_vote = pre_vote;
    for (Progress &p : s.tracker->peers) {
        p.granted = p.self;
    }
}

void request_votes(Step &step, raft_term term, bool pre_vote, bool disrupt_leader) {
    Server &s = step.server;
    for (const Progress &p : s.tracker->peers) {
        if (!p.votes() || p.self) {
            continue;
        }
        raft_request_vote &rv = step.add_message(RAFT_REQUEST_VOTE, p.id, p.address).request_vote;
        rv.version = kRequestVersion;
        rv.term = term;
        rv.candidate_id = s.id;
        rv.last_log_index = s.last_stored; /* nothing else counts as in the log */
        rv.last_log_term = s.stored_term();
        rv.disrupt_leader = disrupt_leader;
        rv.pre_vote = pre_vote;
    }
}

/* §3.4: a new term, and this server's own vote in it. */
void ask_for_votes(Step &step, bool disrupt_leader) {
    Server &s = step.server;
    /* A pre-vote granted by a server that does not mark it as one could come again and
     * be taken for a vote: let the term of the votes be another one. */
    step.remember();
    s.term += s.tracker->legacy_grant ? 2 : 1;
    s.tracker->legacy_grant = false;
    s.voted_for = s.id;
    s.matched = 0;
    s.leader_round = 0;
    roles::become_candidate(step, nullptr);
    start_count(s, false);
    if (won(s)) {
        leadership::begin(step);
    } else {
        request_votes(step, s.term, false, disrupt_leader);
    }
}

/* §9.6: would a quorum vote for this server? Until it says so, nothing changes. */
void ask_for_pre_votes(Step &step) {
    Server &s = step.server;
    s.tracker->legacy_grant = false;
    s.tracker->pre_vote_term = s.term + 1;
    start_count(s, true);
    if (won(s)) {
        ask_for_votes(step, false);
    } else {
        request_votes(step, s.term + 1, true, false);
    }
}

/* §3.6.1: a candidate's log must be at least as up-to-date as the voter's. */
bool is_up_to_date(const Server &s, const raft_request_vote &rv) {
    raft_term own = s.stored_term();
    return rv.last_log_term > own ||
           (rv.last_log_term == own && rv.last_log_index >= s.last_stored);
}

/* §4.2.3, §6.4.1: no vote within a minimum election timeout of hearing from a leader. */
bool hears_leader(const Server &s) {
    return s.leads() || s.now - s.heard_at < s.settings->election_timeout;
}

void answer(Step &step, const raft_message &m, raft_term term, bool granted, bool pre_vote) {
    const char *address = message::answer_address(step, m);
    raft_request_vote_result &r =
        step.add_message(RAFT_REQUEST_VOTE_RESULT, m.server_id, address).request_vote_result;
    r.version = kResultVersion;
    r.term = term;
    r.vote_granted = granted;
    r.pre_vote = pre_vote;
    r.features = step.server.settings->features;
    r.capacity = step.server.capacity;
}

[[nodiscard]] int check_request(Step &step, const raft_message &m) {
    const raft_request_vote &rv = m.request_vote;
    if (!message::valid_term(rv.term)) {
        return message::malformed(step, "RequestVote: term out of range");
    }
    if (rv.candidate_id != m.server_id) {
        return message::malformed(step, "RequestVote: the candidate is not the sender");
    }
    if (!message::valid_position(rv.last_log_index, rv.last_log_term, rv.term)) {
        return message::malformed(step, "RequestVote: impossible last log position");
    }
    return 0;
}

/* Can an answer that is not marked belong to a vote of this term, and not, late or
 * repeated, to a pre-vote? Yes if no pre-vote can ever have asked for this term. */
bool unmarked_is_vote(const Server &s) {
    const raft_term asked = s.tracker->pre_vote_term;
    return asked != 0 ? s.term > asked : !s.settings->pre_vote && s.term > s.settings->asked_until;
}

void take_vote(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_request_vote_result &r = m.request_vote_result;
    Tracker &t = *s.tracker;
    Progress *p = t.find(m.server_id);
    if (p == nullptr) {
        return;
    }
    const bool marked = r.version >= 2; /* knows to mark the answer to a pre-vote */
    if (marked) {
        p->features = r.features;
        p->capacity = r.capacity;
        p->reports_capacity = (r.features & RAFT_FEATURE_CAPACITY) != 0;
    }
    if (!marked && !t.pre_vote && !unmarked_is_vote(s)) {
        return;
    }
    const raft_term asked = s.term + (t.pre_vote ? 1 : 0);
    if (!load_bool(r.vote_granted) || r.term != asked ||
        (marked && load_bool(r.pre_vote) != t.pre_vote)) {
        return;
    }
    p->granted = true;
    if (t.pre_vote && !marked) {
        t.legacy_grant = true;
    }
    if (!won(s)) {
        return;
    }
    if (t.pre_vote) {
        ask_for_votes(step, false);
    } else {
        leadership::begin(step);
    }
}

} // namespace

Preparation::~Preparation() { Tracker::destroy(tracker); }

bool is_sole_voter(const Configuration &c, raft_id id) {
    if (c.voter_sets_of(id) != kBothSets) {
        return false;
    }
    unsigned voters = 0;
    for (const raft_server &server : c) {
        voters += voter_sets(server.role) != 0;
    }
    return voters == 1;
}

bool prepare(Server &s, Preparation *preparation, Need *need) {
    if (s.tracker == nullptr) {
        preparation->tracker = roles::new_tracker(s);
        if (preparation->tracker == nullptr) {
            return false;
        }
    }
    Tracker &t = s.tracker != nullptr ? *s.tracker : *preparation->tracker;
    if (s.configuration->joint && !membership::prepare_leave(t, *s.configuration)) {
        return false;
    }
    need->messages += 2 * uint64_t{t.peers.size()};
    need->entries += 1;
    return s.trail.reserve(1);
}

void campaign(Step &step, Preparation &preparation) {
    roles::become_candidate(step, preparation.tracker);
    preparation.tracker = nullptr;
    if (step.server.settings->pre_vote) {
        ask_for_pre_votes(step);
    } else {
        ask_for_votes(step, false);
    }
}

int on_timeout(Step &step) {
    Server &s = step.server;
    /* While a chunk of a snapshot is being written the log may be about to be replaced. Between
     * two, a leader that is silent has given the installation up. */
    const bool installs = s.install != nullptr && s.install->outstanding;
    if (installs || !roles::may_campaign(s)) {
        INVARIANT(s.state == RAFT_FOLLOWER); /* a candidate is asked again, or never */
        roles::restart_election_timer(s);
        return 0;
    }
    Preparation preparation;
    Need need;
    if (!prepare(s, &preparation, &need) || !step.reserve(need)) {
        return step.no_memory();
    }
    s.abandon_install();
    campaign(step, preparation);
    return 0;
}

int on_request_vote(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_request_vote &rv = m.request_vote;
    int error = check_request(step, m);
    if (error != 0) {
        return error;
    }
    const bool flags = rv.version >= 1;
    const bool pre_vote = flags && load_bool(rv.pre_vote);
    const bool permitted = flags && load_bool(rv.disrupt_leader);
    Need need;
    message::plan_answer(s, m, &need);
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    const bool deaf = hears_leader(s) && !permitted;
    if (pre_vote) {
        const bool granted = !deaf && rv.term >= s.term && is_up_to_date(s, rv);
        /* A refusal tells the higher term, so that a candidate that is behind learns. */
        answer(step, m, granted ? rv.term : std::max(rv.term, s.term), granted, true);
        return 0;
    }
    if (deaf || rv.term < s.term) {
        answer(step, m, s.term, false, false);
        return 0;
    }
    if (rv.term > s.term) {
        roles::adopt_term(step, rv.term);
    }
    const bool granted =
        (s.voted_for == 0 || s.voted_for == rv.candidate_id) && is_up_to_date(s, rv);
    if (granted) {
        step.remember();
        s.voted_for = rv.candidate_id;
        roles::rearm_election_timer(s);
    }
    answer(step, m, s.term, granted, false);
    return 0;
}

int on_request_vote_result(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_request_vote_result &r = m.request_vote_result;
    if (r.term > kLimit) { /* 0 is what a pristine server that refuses is in */
        return message::malformed(step, "RequestVote result: term out of range");
    }
    const bool candidate = s.state == RAFT_CANDIDATE;
    /* A vote granted in a term above ours can only be a pre-vote; that, and the refusal of
     * a pre-vote that only repeats our request, name a term that nobody may be in. Version 0
     * knows no pre-votes: the term of its refusal is its own. */
    const bool about_pre_vote = (r.version >= 2 && load_bool(r.pre_vote)) ||
                                (r.version == 1 && candidate && s.tracker->pre_vote);
    const bool hypothetical = load_bool(r.vote_granted) || (about_pre_vote && r.term == s.term + 1);
    Preparation preparation;
    Need need;
    if ((candidate && !prepare(s, &preparation, &need)) || !step.reserve(need)) {
        return step.no_memory();
    }
    if (r.term > s.term && !hypothetical) {
        roles::adopt_term(step, r.term);
    } else if (candidate) {
        take_vote(step, m);
    }
    return 0;
}

int on_timeout_now(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_timeout_now &tn = m.timeout_now;
    if (!message::valid_term(tn.term) ||
        !message::valid_position(tn.last_log_index, tn.last_log_term, tn.term)) {
        return message::malformed(step, "TimeoutNow: impossible term or position");
    }
    const bool current = tn.term == s.term && s.state == RAFT_FOLLOWER && s.leader == m.server_id;
    /* The leader waits until we have everything; if we lost some of it, stay. */
    const bool ready = s.own_sets != 0 && s.install == nullptr && s.last_stored > 0 &&
                       s.last_stored >= tn.last_log_index && roles::has_term_left(s.term);
    if (tn.term < s.term || (tn.term == s.term && !(current && ready))) {
        return 0;
    }
    Preparation preparation;
    Need need;
    if ((current && !prepare(s, &preparation, &need)) || !step.reserve(need)) {
        return step.no_memory();
    }
    if (tn.term > s.term) {
        roles::adopt_term(step, tn.term);
        return 0;
    }
    roles::become_candidate(step, preparation.tracker);
    preparation.tracker = nullptr;
    ask_for_votes(step, true);
    return 0;
}

} // namespace libraft::election
