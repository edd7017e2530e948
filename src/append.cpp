/* SPDX-License-Identifier: MIT */
#include "append.hpp"

#include "commit.hpp"
#include "election.hpp"
#include "invariant.hpp"
#include "message.hpp"
#include "roles.hpp"

#include <algorithm>

namespace libraft::append {
namespace {

/* What an AppendEntries brings: checked and decoded, not carried out. */
struct Plan {
    Plan() = default;
    Plan(const Plan &) = delete;
    Plan &operator=(const Plan &) = delete;
    ~Plan() { configuration::release(changes); }

    bool brings_change = false;
    bool refused = false;             /* nothing can be appended now */
    bool matches = false;             /* prev_log_index is in the log, in that term */
    unsigned first_new = 0;           /* the entries before it are in the log already */
    uint32_t runs = 0;                /* changes of term among the new ones */
    Configuration *changes = nullptr; /* latest first */
};

[[nodiscard]] int check_entries(Step &step, const raft_append_entries &ae, Plan *plan) {
    raft_term term = ae.prev_log_term;
    for (unsigned i = 0; i < ae.n_entries; i++) {
        const raft_entry &entry = ae.entries[i];
        const uint32_t type = load_enum(entry.type);
        if (type < RAFT_COMMAND || type > RAFT_CHANGE) {
            return message::malformed(step, "AppendEntries: an entry of unknown type");
        }
        if (entry.term < term) {
            return message::malformed(step, "AppendEntries: the terms of entries fall");
        }
        plan->brings_change = plan->brings_change || type == RAFT_CHANGE;
        plan->runs += entry.term != term;
        term = entry.term;
    }
    if (term > ae.term) {
        return message::malformed(step, "AppendEntries: an entry of a later term");
    }
    return 0;
}

[[nodiscard]] int check_message(Step &step, const raft_message &m, Plan *plan) {
    const Server &s = step.server;
    const raft_append_entries &ae = m.append_entries;
    if (!message::valid_term(ae.term)) {
        return message::malformed(step, "AppendEntries: term out of range");
    }
    if (!message::valid_position(ae.prev_log_index, ae.prev_log_term, ae.term)) {
        return message::malformed(step, "AppendEntries: impossible previous position");
    }
    if (ae.leader_commit > kLimit || (ae.n_entries > 0 && ae.entries == nullptr)) {
        return message::malformed(step, "AppendEntries: impossible commit index or entries");
    }
    int rv = check_entries(step, ae, plan);
    if (rv != 0) {
        return rv;
    }
    if (ae.prev_log_index == 0 && ae.n_entries > 0 &&
        (load_enum(ae.entries[0].type) != RAFT_CHANGE || ae.entries[0].term == 0)) {
        return message::malformed(step, "AppendEntries: the first entry is no configuration");
    }
    if (message::contradicts_leader(s, m, ae.term)) {
        return message::malformed(step, "AppendEntries: two leaders in one term");
    }
    return 0;
}

/* Where do the logs agree? Entry by entry, as figure 3.1 says: an old message must not
 * truncate what a newer one brought. */
[[nodiscard]] int compare(Step &step, const raft_append_entries &ae, Plan *plan) {
    const Server &s = step.server;
    const raft_index prev = ae.prev_log_index;
    const raft_term known = s.trail.term_of(prev);
    if (prev <= s.commit) {
        /* Committed entries are in every leader's log (§3.6.3), known here or not. */
        if (known != 0 && known != ae.prev_log_term) {
            return step.fail(RAFT_CORRUPT, "a leader contradicts a committed entry");
        }
        plan->matches = true;
    } else {
        plan->matches = known != 0 && known == ae.prev_log_term;
    }
    if (!plan->matches) {
        return 0;
    }
    unsigned i = 0;
    for (; i < ae.n_entries; i++) {
        const raft_index index = prev + 1 + i;
        if (index > s.trail.last()) {
            break;
        }
        const raft_term term = s.trail.term_of(index);
        if (term == ae.entries[i].term || (term == 0 && index <= s.commit)) {
            continue;
        }
        if (index <= s.commit) {
            return step.fail(RAFT_CORRUPT, "a leader contradicts a committed entry");
        }
        break;
    }
    plan->first_new = i;
    return 0;
}

[[nodiscard]] int decode_changes(Step &step, const raft_append_entries &ae, Plan *plan) {
    for (unsigned i = plan->first_new; i < ae.n_entries; i++) {
        if (load_enum(ae.entries[i].type) != RAFT_CHANGE) {
            continue;
        }
        Configuration *c = nullptr;
        int rv = configuration::decode(ae.entries[i].buf, ae.prev_log_index + 1 + i, &c);
        if (rv != 0) {
            return rv == RAFT_NOMEM
                       ? step.no_memory()
                       : message::malformed(step, "AppendEntries: an undecodable configuration");
        }
        c->previous = plan->changes;
        plan->changes = c;
    }
    return 0;
}

/* While a snapshot is being installed the log stands. Between two chunks, a leader that
 * replicates by log again shows that it has given the installation up. */
bool refuses_entries(const Server &s, const Plan &plan) {
    return s.install != nullptr && (s.install->outstanding || !plan.matches);
}

/* Drop the entries from an index on, and the configurations that they set (§4.1). */
void truncate(Step &step, raft_index from) {
    Server &s = step.server;
    s.matched = std::min(s.matched, from - 1); /* a leader may take back what it sent: it lies */
    s.trail.truncate(from);
    s.last_stored = std::min(s.last_stored, from - 1);
    bool rolled_back = false;
    while (s.configuration != nullptr && s.configuration->index >= from) {
        step.remember();
        Configuration *c = s.configuration;
        s.configuration = c->previous;
        step.retire(c);
        rolled_back = true;
    }
    if (rolled_back) {
        roles::configuration_changed(step);
    }
}

void push_changes(Step &step, Plan *plan) {
    /* They are linked latest first; the oldest goes on the pile first. */
    Configuration *oldest_first = nullptr;
    while (plan->changes != nullptr) {
        Configuration *c = plan->changes;
        plan->changes = c->previous;
        c->previous = oldest_first;
        oldest_first = c;
    }
    while (oldest_first != nullptr) {
        Configuration *c = oldest_first;
        oldest_first = c->previous;
        roles::push_configuration(step, c);
    }
}

void append(Step &step, const raft_append_entries &ae, Plan *plan) {
    Server &s = step.server;
    const raft_index index = ae.prev_log_index + 1 + plan->first_new;
    step.begin_entries(index);
    if (index <= s.trail.last()) {
        truncate(step, index);
    }
    for (unsigned i = plan->first_new; i < ae.n_entries; i++) {
        s.trail.append(ae.entries[i].term, 1);
        step.add_entry(ae.entries[i]);
    }
    if (plan->changes != nullptr) {
        push_changes(step, plan);
    }
}

void reject(Step &step, const raft_message &m, raft_index hint) {
    const raft_index prev = m.append_entries.prev_log_index;
    /* Nothing precedes index 0: what cannot be named as rejected must not read as
     * acknowledged either. */
    answer(step, m.server_id, message::answer_address(step, m), prev, prev != 0 ? hint : 0);
}

/* §3.5: the follower's commit index follows the leader's, as far as the logs are known to
 * agree; it never falls. */
void follow_commit(Step &step, raft_index leader_commit) {
    Server &s = step.server;
    const raft_index commit = std::min(leader_commit, s.matched);
    if (commit <= s.commit) {
        return;
    }
    s.commit = commit;
    if (s.own_sets == 0) {
        roles::rearm_election_timer(s); /* its removal may be known to be committed now */
    }
}

void carry_out(Step &step, const raft_message &m, Plan *plan) {
    Server &s = step.server;
    const raft_append_entries &ae = m.append_entries;
    if (plan->refused) {
        reject(step, m, s.trail.last());
        return;
    }
    if (!plan->matches) {
        reject(step, m, s.trail.last_agreeable(ae.prev_log_index, ae.prev_log_term));
        return;
    }
    const bool news = plan->first_new < ae.n_entries;
    if (s.install != nullptr) {
        if (ae.n_entries == 0) {
            /* It agrees with the log that stands: a leader that has given the installation up
             * must learn how far. */
            s.matched = std::max(s.matched, ae.prev_log_index);
            acknowledge_leader(step);
            return;
        }
        s.abandon_install();
    }
    if (news) {
        append(step, ae, plan);
    }
    s.matched = std::max(s.matched, ae.prev_log_index + ae.n_entries);
    follow_commit(step, ae.leader_commit);
    if (!news) {
        acknowledge_leader(step); /* else once they are durable */
    }
    INVARIANT(s.matched <= s.trail.last());
}

/* The leader's own disk is one of the quorum's (§10.2.1). */
[[nodiscard]] int stored_on_leader(Step &step, raft_index index) {
    Server &s = step.server;
    Need need;
    commit::plan(s, &need);
    if (!step.reserve(need)) {
        return step.no_memory();
    }
    s.last_stored = index;
    if (Progress *own = s.tracker->find(s.id)) {
        (void)commit::peer_advanced(step, *own, index);
    }
    return 0;
}

/* A server that was just founded, alone, need not wait to be elected. (The first entry, which
 * became durable, is a configuration.) */
bool is_founded_alone(const Server &s) {
    return s.last_stored == 0 && s.state == RAFT_FOLLOWER && s.leader == 0 &&
           s.install == nullptr && roles::has_term_left(s.term) &&
           election::is_sole_voter(*s.configuration, s.id);
}

[[nodiscard]] int stored_on_founder(Step &step, raft_index index) {
    Server &s = step.server;
    election::Preparation preparation;
    Need need;
    if (!election::prepare(s, &preparation, &need) || !step.reserve(need)) {
        return step.no_memory();
    }
    s.last_stored = index;
    election::campaign(step, preparation);
    return 0;
}

} // namespace

void answer(Step &step, raft_id to, const char *address, raft_index rejected, raft_index last) {
    write_answer(step.server, step.out.add_message(), to, address, rejected, last);
}

void acknowledge_leader(Step &step) {
    Server &s = step.server;
    if (s.leader_address != nullptr) {
        answer(step, s.leader, s.leader_address, 0, std::min(s.last_stored, s.matched));
    }
}

int on_append_entries(Step &step, const raft_message &m) {
    Server &s = step.server;
    const raft_append_entries &ae = m.append_entries;
    Plan plan;
    int rv = check_message(step, m, &plan);
    if (rv != 0) {
        return rv;
    }
    Need need;
    if (ae.term < s.term) {
        message::plan_answer(s, m, &need);
        if (!step.reserve(need)) {
            return step.no_memory();
        }
        reject(step, m, s.trail.last());
        return 0;
    }
    rv = compare(step, ae, &plan);
    if (rv != 0) {
        return rv;
    }
    plan.refused = ae.n_entries > 0 && refuses_entries(s, plan);
    roles::LeaderName name;
    if (plan.matches && plan.first_new < ae.n_entries && !plan.refused) {
        rv = plan.brings_change ? decode_changes(step, ae, &plan) : 0;
        if (rv != 0) {
            return rv;
        }
        need.entries = ae.n_entries - plan.first_new; /* answered once they are stored */
        const bool rolls_back = s.configuration != nullptr &&
                                s.configuration->index > ae.prev_log_index + plan.first_new;
        if (!s.trail.reserve(plan.runs) ||
            (rolls_back && !step.keep_leader_address(m.server_address))) {
            return step.no_memory();
        }
    } else {
        message::plan_answer(s, m, &need);
    }
    if (!roles::prepare_leader(s, m, ae.term, &name) || !step.reserve(need)) {
        return step.no_memory();
    }
    roles::follow(step, ae.term, ae.version, name);
    if (ae.version >= 1) {
        s.leader_round = std::max(s.leader_round, uint64_t{ae.round});
    }
    carry_out(step, m, &plan);
    return 0;
}

int on_persisted(Step &step, raft_index index) {
    Server &s = step.server;
    if (index > s.trail.last() || index <= s.last_stored) {
        return 0;
    }
    if (s.leads()) {
        return stored_on_leader(step, index);
    }
    if (is_founded_alone(s)) {
        return stored_on_founder(step, index);
    }
    const raft_index acknowledged = std::min(s.last_stored, s.matched);
    const bool news = s.leader != 0 && std::min(index, s.matched) > acknowledged;
    if (news && !step.reserve({1, 0, 0, 0})) {
        return step.no_memory();
    }
    s.last_stored = index;
    if (s.deadline == kNever) {
        roles::rearm_election_timer(s); /* there is something to stand for now */
    }
    if (news) {
        acknowledge_leader(step);
    }
    return 0;
}

int on_stored(Step &step) {
    Server &s = step.server;
    const raft_event_stored &stored = step.event.stored;
    if (stored.write == 0 || stored.write > s.writes) {
        return step.fail(RAFT_INVALID, "a ticket that was never issued");
    }
    return stored.write < s.valid_from ? 0 : on_persisted(step, stored.index);
}

} // namespace libraft::append
