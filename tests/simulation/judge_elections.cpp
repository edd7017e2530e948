/* SPDX-License-Identifier: MIT */
/* Promises about terms, votes and election timeouts (§3.4, §4.2.3, §9.6). */
#include "server.hpp"

#include "simulation.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr unsigned kSameSpans = 12; /* so many equal random timeouts in a row are no chance */

bool has_flags(const raft_message &m) { return m.request_vote.version >= 1; }

bool asks_for_pre_vote(const raft_message &m) {
    return m.type == RAFT_REQUEST_VOTE && has_flags(m) && m.request_vote.pre_vote;
}

/* Must a server adopt the term of this message? Not that of a pre-vote result, of a grant or (in
 * version 1) of a refusal that may be of a pre-vote: no server need be in that term. */
bool names_real_term(const raft_message &m) {
    if (m.type == RAFT_REQUEST_VOTE) {
        return false; /* the request may be ignored */
    }
    if (m.type != RAFT_REQUEST_VOTE_RESULT) {
        return true;
    }
    const raft_request_vote_result &r = m.request_vote_result;
    return !r.vote_granted && (r.version == 0 || (r.version >= 2 && !r.pre_vote));
}

} // namespace

/* Is a candidate's log at least as up-to-date as the durable log of this server? */
bool Server::is_up_to_date(const raft_request_vote &v) const {
    raft_term own = term_at(before.stored);
    return v.last_log_term > own || (v.last_log_term == own && v.last_log_index >= before.stored);
}

/* It has heard from a leader, or is one, and the request has no permission to disrupt it. */
bool Server::turns_away(const raft_message &request) const {
    bool hears = before.leads() || latest - past_.heard < plan_.election_timeout;
    return hears && !(has_flags(request) && request.request_vote.disrupt_leader);
}

/* A vote or pre-vote is granted unless the server heard from a leader within an election timeout
 * (and the request has no permission): at most one vote a term, and only to an up-to-date log. */
bool Server::must_grant(const raft_message &request) const {
    const raft_request_vote &v = request.request_vote;
    if (turns_away(request) || v.term < before.term || !is_up_to_date(v)) {
        return false;
    }
    return asks_for_pre_vote(request) || v.term > before.term || before.vote == 0 ||
           before.vote == request.server_id;
}

void Server::check_answer_to_candidate(const raft_message &request,
                                       const raft_request_vote_result &r) const {
    if (r.vote_granted != must_grant(request)) {
        throw Violation("votes",
                        format("%s of term %llu, %llu ms after it heard from a leader, %s "
                               "%s",
                               name(), before.term, latest - past_.heard,
                               r.vote_granted ? "grants" : "refuses", describe(request).c_str()));
    }
    if (!r.vote_granted && r.term < view.term) {
        throw Violation(
            "votes", format("%s of term %llu refuses with term %llu", name(), view.term, r.term));
    }
    bool pre_vote = asks_for_pre_vote(request);
    if (view.state != RAFT_FOLLOWER || before.state != RAFT_FOLLOWER) {
        return;
    }
    bool later = view.timeout > before.timeout && view.timeout != driver::kNoDeadline;
    if (r.vote_granted && !pre_vote) {
        if (view.timeout < latest + plan_.election_timeout) {
            throw Violation("election timeout", format("%s grants a vote, but would campaign in "
                                                       "%llu ms",
                                                       name(), view.timeout - latest));
        }
    } else if (later && !was_asleep_) {
        throw Violation("election timeout", format("%s puts off its campaign for one that it "
                                                   "does not vote for",
                                                   name()));
    }
}

void Server::check_terms(const raft_message &came) const {
    raft_term told = term_of(came);
    if (asks_for_pre_vote(came)) {
        if (view.term != before.term || view.vote != before.vote || view.state != before.state) {
            throw Violation("terms", format("a request for a pre-vote changes %s", name()));
        }
    } else if (names_real_term(came) && view.term < told) {
        throw Violation("terms", format("%s stays in term %llu upon %s", name(), view.term,
                                        describe(came).c_str()));
    } else if (came.type == RAFT_REQUEST_VOTE && told > before.term && view.term != told &&
               !turns_away(came)) {
        throw Violation("terms",
                        format("%s stays in term %llu although it hears no leader, upon %s", name(),
                               view.term, describe(came).c_str()));
    }
}

/* An election timeout is random, between the set time and twice that. */
void Server::check_election_timeout(const raft_event &e, bool heard) {
    bool campaigns = view.state == RAFT_CANDIDATE && view.timeout != before.timeout;
    bool wakes = was_asleep_ && !asleep_ && view.state == RAFT_FOLLOWER;
    bool fresh =
        e.type == RAFT_START || wakes || (heard && view.state == RAFT_FOLLOWER) || campaigns;
    if (!fresh || view.leads() || view.timeout == driver::kNoDeadline || delay_ == UINT32_MAX) {
        return;
    }
    raft_time span = view.timeout - latest;
    span -= std::min<raft_time>(span, delay_);
    if (span < plan_.election_timeout || span >= 2ULL * plan_.election_timeout) {
        throw Violation("election timeout", format("of %s is %llu ms, set to %u", name(), span,
                                                   plan_.election_timeout));
    }
    if (campaigns) {
        same_spans_ = span == latest_span_ ? same_spans_ + 1 : 0;
        latest_span_ = span;
        if (same_spans_ == kSameSpans) {
            throw Violation("election timeout", format("of %s is %llu ms each time", name(), span));
        }
    }
}

/* May nothing but its role keep this server from leading? Not if entries beyond its log are known
 * to be committed; nor if it is the sole voter of what may be an old configuration. */
bool Server::is_electable() const {
    if (past_.known_commit > before.last) {
        return false;
    }
    const auto &members = before.conf.members;
    return before.vote == id || term_at(before.last) == before.term ||
           std::any_of(members.begin(), members.end(),
                       [this](const Member &m) { return m.id != id && votes(m.role); });
}

/* A voter campaigns when its timeout passes, unless a chunk of a snapshot is being written: its log
 * may be about to be replaced. */
void Server::check_silence(const raft_event &e) const {
    bool waited = before.state == RAFT_FOLLOWER && e.time >= before.timeout && !was_asleep_;
    if (e.type == RAFT_TIMEOUT && waited && !chunk_outstanding && votes(before.role) &&
        before.stored > 0 && is_electable() && view.state == RAFT_FOLLOWER &&
        delay_ != UINT32_MAX) {
        throw Violation("campaign", format("%s hears no leader and does not campaign", name()));
    }
}

/* Only voters campaign, and servers that an uncommitted change removes from the voters. A server
 * that campaigns upon TimeoutNow has the leader's whole log and its permission. */
void Server::check_campaign(const raft_event &e, const raft_update &u) const {
    bool begins = view.state != RAFT_FOLLOWER && before.state == RAFT_FOLLOWER;
    if (e.type == RAFT_CAMPAIGN &&
        (before.leads() || latest - past_.heard < plan_.election_timeout ||
         view.state == RAFT_FOLLOWER)) {
        throw Violation("campaign", format("%s campaigns on demand %llu ms after it heard a leader",
                                           name(), latest - past_.heard));
    }
    if (!begins) {
        return;
    }
    if (!votes(view.role) && view.conf_index <= before.commit) {
        throw Violation("campaign", format("%s campaigns without a vote", name()));
    }
    if (e.type != RAFT_RECEIVE) {
        return;
    }
    const raft_message &came = *e.receive.message;
    const raft_timeout_now &now = came.timeout_now;
    if (came.type != RAFT_TIMEOUT_NOW || now.term != before.term || !votes(view.role) ||
        before.leader != came.server_id || before.stored < now.last_log_index) {
        throw Violation("transfer", format("%s of term %llu campaigns upon %s", name(), before.term,
                                           describe(came).c_str()));
    }
    for (const raft_message &m : messages_of(u)) {
        if (m.type == RAFT_REQUEST_VOTE &&
            (m.request_vote.pre_vote || !m.request_vote.disrupt_leader)) {
            throw Violation("transfer", format("%s campaigns for its leader with %s", name(),
                                               describe(m).c_str()));
        }
    }
}

/* When did its election timeout begin for another reason than a leader? */
void Server::note_postponement(const raft_update &u) {
    bool granted = false;
    for (const raft_message &m : messages_of(u)) {
        granted =
            granted || (m.type == RAFT_REQUEST_VOTE_RESULT && m.request_vote_result.vote_granted &&
                        !m.request_vote_result.pre_vote);
    }
    bool stopped = view.state == RAFT_FOLLOWER && before.state != RAFT_FOLLOWER;
    bool waits_again = was_asleep_ ||
                       (event_type == RAFT_TIMEOUT && view.timeout != before.timeout) ||
                       (before.timeout == driver::kNoDeadline && view.timeout != before.timeout);
    /* The role decides whether it campaigns. */
    if (granted || stopped || waits_again || view.role != before.role || event_type == RAFT_START) {
        past_.postponed = latest;
    }
    bool led = view.leads() && before.leads() && view.conf_index == before.conf_index;
    past_.led_since = led ? past_.led_since : latest;
}

/* A server with the largest election delay does not campaign, and a leader that gets it steps down
 * at its next heartbeat; or, if it told the group to sleep, after an ordinary one. */
void Server::check_never_leads(const raft_event &e) const {
    if (delay_ != UINT32_MAX) {
        return;
    }
    bool due =
        e.type == RAFT_TIMEOUT && e.time >= before.timeout && !was_asleep_ && !past_.sends_to_sleep;
    bool begins = view.state != RAFT_FOLLOWER && before.state == RAFT_FOLLOWER;
    if (begins || (due && view.leads())) {
        throw Violation("never leads", format("%s %s", name(), begins ? "campaigns" : "leads on"));
    }
}

/* A vote announces features, too. */
static bool is_vote_of(raft_term term, const raft_message &m) {
    return m.type == RAFT_REQUEST_VOTE_RESULT && term_of(m) == term && !is_pre_vote(m);
}

void Server::keep_election_promises(const raft_event &e, const raft_update &u) {
    const raft_message *came = e.type == RAFT_RECEIVE ? e.receive.message : nullptr;
    bool heard = false;
    if (came != nullptr) {
        bool of_leader = came->type == RAFT_APPEND_ENTRIES || came->type == RAFT_INSTALL_SNAPSHOT;
        heard = of_leader && term_of(*came) == view.term;
        check_terms(*came);
        if (is_vote_of(view.term, *came)) {
            past_.voted_in[came->server_id] = view.term;
        }
    }
    for (const raft_message &m : messages_of(u)) {
        if (m.type == RAFT_REQUEST_VOTE_RESULT && came != nullptr) {
            check_answer_to_candidate(*came, m.request_vote_result);
        }
    }
    check_silence(e);
    check_campaign(e, u);
    check_election_timeout(e, heard);
    if (heard) {
        const raft_index told = came->type == RAFT_APPEND_ENTRIES
                                    ? came->append_entries.leader_commit
                                    : came->install_snapshot.last_index;
        past_.known_commit = std::max(past_.known_commit, told);
    } else if (e.type == RAFT_RECOVER) {
        past_.known_commit = 0;
    }
    if (heard || before.leads()) { /* a leader hears from itself */
        past_.heard = latest;
    }
    note_postponement(u);
    check_never_leads(e);
}

} // namespace sim
