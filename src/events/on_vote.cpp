/* SPDX-License-Identifier: MIT */
/* A server receives RequestVote (§3.4), which may be a pre-vote (§9.6). */
#include "events/events.hpp"
#include "rules/answers.hpp"
#include "rules/election_start.hpp"
#include "rules/message_checks.hpp"
#include "rules/transitions.hpp"

#include <algorithm>

namespace libraft {
namespace {

constexpr unsigned char kResultVersion = 2;

enum class Verdict : bool { kRefused, kGranted };
enum class Kind : bool { kVote, kPreVote };

[[nodiscard]] int check_request(Step &step, const raft_message &m) {
    const raft_request_vote &rv = m.request_vote;
    if (!message::valid_term(step.server, rv.term)) {
        return message::malformed(step, "RequestVote: the term is out of range");
    }
    if (rv.candidate_id != m.server_id) {
        return message::malformed(step, "RequestVote: the sender is not the candidate");
    }
    if (!message::valid_position(rv.last_log_index, rv.last_log_term, rv.term)) {
        return message::malformed(
            step, "RequestVote: last_log_index and last_log_term do not fit each other");
    }
    return 0;
}

/* §3.6.1: a candidate's log must be at least as up-to-date as the voter's. */
bool is_up_to_date(const Server &s, const raft_request_vote &rv) {
    const raft_term own = s.stored_term();
    return rv.last_log_term > own ||
           (rv.last_log_term == own && rv.last_log_index >= s.last_stored);
}

void answer(Change &change, const raft_message &m, raft_term term, Verdict verdict, Kind kind) {
    const Server &s = change.server;
    const char *address = answers::address(change, m);
    raft_request_vote_result &r =
        change.add_message(RAFT_REQUEST_VOTE_RESULT, m.server_id, address).request_vote_result;
    r.version = kResultVersion;
    r.term = term;
    r.vote_granted = verdict == Verdict::kGranted;
    r.pre_vote = kind == Kind::kPreVote;
    r.features = s.settings->features;
    r.capacity = s.capacity;
}

/* A pre-vote is granted with the request's term. A refusal carries the higher of both terms, so
 * that a candidate that is behind learns. */
void pre_vote(Change &change, const raft_message &m, bool refused) {
    const Server &s = change.server;
    const raft_request_vote &rv = m.request_vote;
    if (!refused && rv.term >= s.term && is_up_to_date(s, rv)) {
        answer(change, m, rv.term, Verdict::kGranted, Kind::kPreVote);
    } else {
        answer(change, m, std::max(rv.term, s.term), Verdict::kRefused, Kind::kPreVote);
    }
}

void vote(Change &change, const raft_message &m) {
    Server &s = change.server;
    const raft_request_vote &rv = m.request_vote;
    const bool new_term = rv.term > s.term;
    const bool voted = !new_term && s.voted_for != 0 && s.voted_for != rv.candidate_id;
    if (new_term) {
        transitions::adopt_term(change, rv.term);
    }
    if (voted || !is_up_to_date(s, rv)) {
        answer(change, m, s.term, Verdict::kRefused, Kind::kVote);
        return;
    }
    change.remember();
    s.voted_for = rv.candidate_id;
    election_start::rearm(s);
    answer(change, m, s.term, Verdict::kGranted, Kind::kVote);
}

} // namespace

int on_request_vote(Step &step, const raft_message &m) {
    const Server &s = step.server;
    const raft_request_vote &rv = m.request_vote;
    const int error = check_request(step, m);
    if (error != 0) {
        return error;
    }
    const bool has_flags = rv.version >= 1;
    const bool permitted = has_flags && load_bool(rv.disrupt_leader); /* by the leader (§3.10) */
    Need need;
    answers::plan(m, &need);
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    const bool refused = election_start::in_lease(s) && !permitted;
    if (has_flags && load_bool(rv.pre_vote)) {
        pre_vote(*change, m, refused);
    } else if (refused || rv.term < s.term) {
        answer(*change, m, s.term, Verdict::kRefused, Kind::kVote);
    } else {
        vote(*change, m);
    }
    return 0;
}

} // namespace libraft
