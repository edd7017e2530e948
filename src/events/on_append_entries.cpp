/* SPDX-License-Identifier: MIT */
/* A follower receives AppendEntries (§3.5). */
#include "events/events.hpp"
#include "rules/answers.hpp"
#include "rules/changes.hpp"
#include "rules/commit.hpp"
#include "rules/election_start.hpp"
#include "rules/fast_path.hpp"
#include "rules/general_path.hpp"
#include "rules/message_checks.hpp"
#include "rules/sleeping.hpp"
#include "rules/transitions.hpp"

#include <algorithm>
#include <utility>

namespace libraft {
namespace {

/* What a message brings: checked and decoded, not carried out. */
struct Plan {
    bool brings_change = false;
    bool refused = false;         /* nothing can be appended now */
    bool matches = false;         /* prev_log_index is in the log, in that term */
    unsigned first_new = 0;       /* the entries before it are in the log already */
    uint32_t runs = 0;            /* changes of term among the entries */
    Owner<Configuration> changes; /* latest first */
    known_leader::Address leader_address;
};

uint64_t round_of(const raft_append_entries &ae) { return ae.version >= 1 ? ae.round : 0; }

[[nodiscard]] int check_entries(Step &step, const raft_append_entries &ae, Plan *plan) {
    raft_term term = ae.prev_log_term;
    for (unsigned i = 0; i < ae.n_entries; i++) {
        const raft_entry &entry = ae.entries[i];
        const uint32_t type = load_enum(entry.type);
        if (!message::is_entry_type(type)) {
            return message::malformed(step, "AppendEntries: an entry has an unknown type");
        }
        if (entry.term < term) {
            return message::malformed(
                step, "AppendEntries: an entry has a lower term than the entry before it");
        }
        plan->brings_change = plan->brings_change || type == RAFT_CHANGE;
        plan->runs += entry.term != term;
        term = entry.term;
    }
    if (term > ae.term) {
        return message::malformed(step,
                                  "AppendEntries: an entry has a higher term than the message");
    }
    return 0;
}

[[nodiscard]] int check_message(Step &step, const raft_message &m, Plan *plan) {
    const raft_append_entries &ae = m.append_entries;
    if (!message::valid_term(step.server, ae.term)) {
        return message::malformed(step, "AppendEntries: the term is out of range");
    }
    if (!message::valid_position(ae.prev_log_index, ae.prev_log_term, ae.term)) {
        return message::malformed(
            step, "AppendEntries: prev_log_index and prev_log_term do not fit each other");
    }
    if (ae.leader_commit > kLimit || round_of(ae) > kLimit ||
        (ae.n_entries > 0 && ae.entries == nullptr)) {
        return message::malformed(
            step,
            "AppendEntries: the commit index or the round is out of range, or entries is NULL");
    }
    int rv = check_entries(step, ae, plan);
    if (rv != 0) {
        return rv;
    }
    if (ae.prev_log_index == 0 && ae.n_entries > 0 &&
        (load_enum(ae.entries[0].type) != RAFT_CHANGE || ae.entries[0].term == 0)) {
        return message::malformed(step, "AppendEntries: entry 1 is not a configuration");
    }
    if (message::contradicts_leader(step.server, m, ae.term)) {
        return message::malformed(step, "AppendEntries: this term has another leader");
    }
    return 0;
}

/* Find where the logs agree, entry by entry, as figure 3.1 says: an old message must not truncate
 * what a newer one brought. */
[[nodiscard]] int compare(Step &step, const raft_append_entries &ae, Plan *plan) {
    const Server &s = step.server;
    const raft_index prev = ae.prev_log_index;
    const raft_term known = s.log.term_of(prev);
    if (prev <= s.commit) {
        /* Every leader has the committed entries (§3.6.3), also those compacted here. */
        if (known != 0 && known != ae.prev_log_term) {
            return step.fail(RAFT_CORRUPT, "the message contradicts a committed entry");
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
        if (index > s.log.last()) {
            break;
        }
        const raft_term term = s.log.term_of(index);
        /* unreachable: an unknown term is that of a compacted entry, which is committed */
        if (term == ae.entries[i].term || (term == 0 && index <= s.commit)) {
            continue;
        }
        if (index <= s.commit) {
            return step.fail(RAFT_CORRUPT, "the message contradicts a committed entry");
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
        Owner<Configuration> c;
        int rv = configuration::decode(ae.entries[i].buf, ae.prev_log_index + 1 + i, &c);
        if (rv != 0) {
            return rv == RAFT_NOMEM ? step.no_memory()
                                    : message::malformed(
                                          step, "AppendEntries: a configuration cannot be decoded");
        }
        c->previous = plan->changes.take();
        plan->changes = std::move(c);
    }
    return 0;
}

/* Was the message sent after the chunk of a snapshot that came last? It is certain if the message
 * comes from another leader, has entries beyond the snapshot, or has a round that began later.
 * Without a round it cannot be told, and the message counts as newer. */
bool is_newer(const Installation &i, const raft_append_entries &ae) {
    return i.leader_term != ae.term || ae.prev_log_index + ae.n_entries > i.index ||
           round_of(ae) == 0 || ae.round > i.round;
}

/* While a chunk of a snapshot is being written the log stands. Between two chunks, a leader that
 * replicates by log again, or lets the group sleep, shows that it has given the installation up; an
 * old message does not. */
bool refuses_entries(const Server &s, const raft_append_entries &ae, const Plan &plan) {
    if (!s.installation) {
        return false;
    }
    const bool news =
        plan.matches && (plan.first_new < ae.n_entries || sleeping::is_told_to_sleep(s, ae));
    return s.installation->outstanding || !news || !is_newer(*s.installation, ae);
}

bool appends(const raft_append_entries &ae, const Plan &plan) {
    return plan.matches && plan.first_new < ae.n_entries && !plan.refused;
}

/* Remove the entries from an index on, and the configurations that they set (§4.1). */
bool truncate(Change &change, raft_index from) {
    Server &s = change.server;
    /* A faulty leader may truncate entries that it sent earlier in this term; `matched` must
     * never exceed the log. */
    s.matched = std::min(s.matched, from - 1);
    s.log.truncate(from);
    s.last_stored = std::min(s.last_stored, from - 1);
    return changes::roll_back(change, from);
}

void push_changes(Change &change, Owner<Configuration> latest_first) {
    Owner<Configuration> oldest_first;
    while (latest_first) {
        Configuration *c = latest_first.take();
        latest_first.reset(c->previous);
        c->previous = oldest_first.take();
        oldest_first.reset(c);
    }
    while (oldest_first) {
        Owner<Configuration> c(oldest_first.take());
        oldest_first.reset(c->previous);
        changes::push(change, std::move(c));
    }
}

void append(Change &change, const raft_append_entries &ae, Plan *plan) {
    Server &s = change.server;
    const raft_index index = ae.prev_log_index + 1 + plan->first_new;
    change.begin_entries(index);
    if (index <= s.log.last() && truncate(change, index)) {
        changes::configuration_changed(change);
    }
    for (unsigned i = plan->first_new; i < ae.n_entries; i++) {
        s.log.append(ae.entries[i].term, 1);
        change.add_entry(ae.entries[i]);
    }
    push_changes(change, std::move(plan->changes));
}

void carry_out(Change &change, const raft_message &m, Plan *plan) {
    Server &s = change.server;
    const raft_append_entries &ae = m.append_entries;
    if (!plan->matches) {
        answers::reject(change, m, ae.prev_log_index,
                        s.log.last_agreeable(ae.prev_log_index, ae.prev_log_term));
        return;
    }
    if (plan->refused) {
        /* It agrees with the log that stands. Say how far: the leader may have given the
         * installation up. (A rejection would say that an acknowledged entry was lost.) */
        s.matched = std::max(s.matched, ae.prev_log_index + plan->first_new);
        (void)commit::follow(s, ae.leader_commit);
        answers::acknowledge(change);
        return;
    }
    s.installation.reset();
    const bool appended = appends(ae, *plan);
    if (appended) {
        append(change, ae, plan);
    }
    s.matched = std::max(s.matched, ae.prev_log_index + ae.n_entries);
    (void)commit::follow(s, ae.leader_commit);
    if (!appended) {
        answers::acknowledge(change); /* new entries are acknowledged once they are durable */
    }
}

/* The leader's version, round and commit index. */
void hear(Server &s, const raft_append_entries &ae) {
    if (ae.version >= 1) {
        s.leader_extended = true;
        s.leader_round = std::max(s.leader_round, uint64_t{ae.round});
    }
    if (ae.leader_commit > s.matched) { /* perhaps beyond the log */
        s.known_commit = std::max(s.known_commit, ae.leader_commit);
    }
}

/* Acquire what carrying the plan out needs. NULL: the step fails with *error. */
Change *reserve(Step &step, const raft_message &m, Plan *plan, int *error) {
    const Server &s = step.server;
    const raft_append_entries &ae = m.append_entries;
    Need need;
    *error = 0;
    if (appends(ae, *plan)) {
        *error = plan->brings_change ? decode_changes(step, ae, plan) : 0;
        if (*error != 0) {
            return nullptr;
        }
        need.entries = ae.n_entries - plan->first_new;
        need.runs = plan->runs;
    } else {
        answers::plan(m, &need);
    }
    Change *change = known_leader::prepare(s, m.server_address, &plan->leader_address)
                         ? step.reserve(need)
                         : nullptr;
    if (change == nullptr) {
        *error = step.no_memory();
    }
    return change;
}

int handle(Step &step) {
    const Server &s = step.server;
    const raft_message &m = *step.event.receive.message;
    const raft_append_entries &ae = m.append_entries;
    Plan plan;
    int rv = message::check_sender(step, m);
    if (rv == 0) {
        rv = check_message(step, m, &plan);
    }
    if (rv != 0) {
        return rv;
    }
    if (ae.term < s.term) {
        Need need;
        answers::plan(m, &need);
        Change *change = step.reserve(need);
        if (change == nullptr) {
            return step.no_memory();
        }
        answers::refuse_term(*change, m, ae.prev_log_index);
        return 0;
    }
    rv = compare(step, ae, &plan);
    if (rv != 0) {
        return rv;
    }
    plan.refused = refuses_entries(s, ae, plan);
    Change *change = reserve(step, m, &plan, &rv);
    if (change == nullptr) {
        return rv;
    }
    transitions::follow(*change, m.server_id, ae.term, ae.version, plan.leader_address);
    hear(change->server, ae);
    carry_out(*change, m, &plan);
    sleeping::obey(change->server, ae);
    return 0;
}

/* Are all entries commands or barriers of this term? */
bool are_plain_of(const raft_entry *entries, uint32_t n, raft_term term) {
    for (const raft_entry *entry = entries; entry != entries + n; entry++) {
        if (entry->term != term || !fast_path::is_plain(load_enum(entry->type))) {
            return false;
        }
    }
    return true;
}

/* Is this a message of the known leader in this term, with the address that answers go to? */
bool is_from_leader(const Server &s, const raft_message &m) {
    return s.fast_path == FastPath::kFollower && m.server_id == s.leader &&
           m.append_entries.term == s.term && m.server_address != nullptr &&
           strcmp(m.server_address, s.leader_address.get()) == 0;
}

/* What a usual message changes, except for the log and the answer. Returns the flags. */
[[gnu::always_inline]] inline unsigned follow_usual(Server &s, const raft_event &event,
                                                    const raft_append_entries &ae) {
    fast_path::begin(s, event);
    s.heard_at = s.now;
    hear(s, ae);
    unsigned flags = 0;
    if (s.deadline != s.now + s.drawn_timeout) {
        election_start::rearm(s);
        flags |= RAFT_UPDATE_TIMEOUT;
    }
    s.matched = std::max(s.matched, ae.prev_log_index + ae.n_entries);
    if (commit::follow(s, ae.leader_commit)) {
        flags |= RAFT_UPDATE_COMMIT_INDEX;
    }
    return flags;
}

/* It matches the log. */
[[gnu::always_inline]] inline int take_heartbeat(Server &s, const raft_event &event,
                                                 raft_update &update) {
    const raft_append_entries &ae = event.receive.message->append_entries;
    if (!fast_path::within_limits(event, ae.leader_commit | ae.prev_log_index | ae.round) ||
        s.outbox.is_large() || !s.outbox.holds(kMessageSize)) [[unlikely]] {
        return run(s, event, update, handle);
    }
    const unsigned flags = follow_usual(s, event, ae);
    raft_message *answer = fast_path::messages_of(s);
    answers::write_acknowledgement(s, *answer);
    update.messages = {answer, 1};
    update.flags = flags | RAFT_UPDATE_MESSAGES;
    return 0;
}

/* Commands and barriers that continue the log in its last term. */
FAST_PATH int take_entries(Server &s, const raft_event &event, raft_update &update) {
    const raft_append_entries &ae = event.receive.message->append_entries;
    if (!fast_path::within_limits(event, ae.leader_commit | ae.prev_log_index | ae.round) ||
        ae.prev_log_index != s.log.last() || ae.prev_log_term != s.log.last_term() ||
        ae.entries == nullptr || !s.outbox.holds(ae.n_entries * kEntrySize) ||
        !are_plain_of(ae.entries, ae.n_entries, ae.prev_log_term)) [[unlikely]] {
        return run(s, event, update, handle);
    }
    const unsigned flags = follow_usual(s, event, ae);
    raft_entry *entries = fast_path::entries_of(s);
    for (uint32_t i = 0; i < ae.n_entries; i++) {
        entries[i] = ae.entries[i];
    }
    fast_path::append(s, update, entries, ae.n_entries);
    update.flags = flags | RAFT_UPDATE_ENTRIES;
    return 0;
}

} // namespace

FAST_PATH int on_append_entries(Server &s, const raft_event &event, raft_update &update) {
    const raft_message &m = *event.receive.message;
    const raft_append_entries &ae = m.append_entries;
    if (is_from_leader(s, m) && ae.version < 2) {
        if (ae.n_entries > 0) {
            return take_entries(s, event, update);
        }
        const bool at_end =
            ae.prev_log_index == s.log.last() && ae.prev_log_term == s.log.last_term();
        if (at_end ||
            (ae.prev_log_term != 0 && s.log.term_of(ae.prev_log_index) == ae.prev_log_term)) {
            return take_heartbeat(s, event, update);
        }
    }
    return run(s, event, update, handle);
}

} // namespace libraft
