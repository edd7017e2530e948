/* SPDX-License-Identifier: MIT */
/* RAFT_SUBMIT: the caller gives a leader entries to replicate. */
#include "events/events.hpp"
#include "rules/fast_path.hpp"
#include "rules/general_path.hpp"
#include "rules/membership.hpp"
#include "rules/message_checks.hpp"
#include "rules/sending.hpp"

#include <algorithm>
#include <utility>

namespace libraft {
namespace {

/* A majority of the voters must have disk capacity left. The leader's own is that of the event. */
bool quorum_has_space(const Server &s) {
    const uint16_t threshold = s.settings->capacity_threshold;
    return threshold == 0 || has_quorum(s.tracker->peers, [&](const Peer &p) {
               return p.self ? s.capacity >= threshold
                             : !p.reports_capacity() || p.capacity >= threshold;
           });
}

[[nodiscard]] int check_entries(Step &step, const raft_event_submit &submit) {
    for (unsigned i = 0; i < submit.n; i++) {
        const uint32_t type = load_enum(submit.entries[i].type);
        if (!message::is_entry_type(type)) {
            return step.fail(RAFT_MALFORMED, "a submitted entry has an unknown type");
        }
        if (type == RAFT_CHANGE && submit.n > 1) {
            return step.fail(RAFT_MALFORMED, "a RAFT_CHANGE entry must be submitted alone");
        }
    }
    return 0;
}

[[nodiscard]] int check(Step &step, const raft_event_submit &submit) {
    const Server &s = step.server;
    if (submit.n == 0 || submit.entries == nullptr) {
        return step.fail(RAFT_INVALID, "there are no entries, or entries is NULL");
    }
    if (!s.leads()) {
        return step.fail(RAFT_NOTLEADER, "this server is not the leader");
    }
    if (s.tracker->transfer.to != 0) {
        return step.fail(RAFT_NOTLEADER, "leadership is being transferred");
    }
    if (const int rv = check_entries(step, submit); rv != 0) {
        return rv;
    }
    if (s.log.last() + submit.n > kLimit) {
        return step.fail(RAFT_TOOBIG, "the index is at its limit");
    }
    if (!quorum_has_space(s)) {
        return step.fail(RAFT_NOSPACE, "too few voters have disk capacity left");
    }
    const uint64_t limit = s.settings->max_uncommitted_entries;
    if (limit != 0 && s.log.last() - s.commit + submit.n > limit) {
        return step.fail(RAFT_BUSY, "too many entries are uncommitted");
    }
    return 0;
}

/* A configuration whose payload the caller made. */
[[nodiscard]] int submit_change(Step &step, const raft_entry &entry) {
    Owner<Configuration> next;
    int rv = configuration::decode(entry.buf, 0, &next);
    if (rv != 0) {
        return rv == RAFT_NOMEM ? step.no_memory()
                                : step.fail(rv, "the configuration cannot be decoded");
    }
    if (next->joint) {
        return step.fail(RAFT_BADROLE, "configuration: a role of joint changes");
    }
    rv = membership::check_possible(step);
    if (rv != 0) {
        return rv;
    }
    if (configuration::voters_changed(*step.server.configuration, *next) > 1) {
        return step.fail(RAFT_CANTCHANGE, "more than one voter changes: use RAFT_RECONFIGURE");
    }
    rv = membership::check_unforced(step, *next);
    if (rv != 0) {
        return rv;
    }
    return membership::append_change(step, std::move(next), &entry);
}

int handle(Step &step) {
    const Server &s = step.server;
    const raft_event_submit &submit = step.event.submit;
    const int rv = check(step, submit);
    if (rv != 0) {
        return rv;
    }
    if (load_enum(submit.entries[0].type) == RAFT_CHANGE) {
        return submit_change(step, submit.entries[0]);
    }
    Need need;
    need.entries = submit.n;
    need.messages = sending::messages_for_all(s, s.log.last() + submit.n);
    Change *change = step.reserve(need);
    if (change == nullptr) {
        return step.no_memory();
    }
    change->begin_entries(s.log.last() + 1);
    for (unsigned i = 0; i < submit.n; i++) {
        change->add_entry(submit.entries[i]).term = s.term;
    }
    change->server.log.append(s.term, submit.n);
    sending::send_to_all(*change);
    return 0;
}

/* Are these commands and barriers that no limit refuses, and that one message to each peer
 * holds? */
bool is_usual(const Server &s, const raft_event_submit &submit) {
    if (s.fast_path != FastPath::kLeader || submit.n == 0 || submit.entries == nullptr) {
        return false;
    }
    const Settings &settings = *s.settings;
    const raft_index last = s.log.last() + submit.n;
    const uint32_t uncommitted = settings.max_uncommitted_entries;
    if (last > kLimit || settings.capacity_threshold != 0 ||
        (uncommitted != 0 && last - s.commit > uncommitted)) {
        return false;
    }
    const auto &peers = s.tracker->peers;
    return s.outbox.holds(submit.n * kEntrySize + peers.size() * kMessageSize) &&
           fast_path::are_plain(submit.entries, submit.n) &&
           (settings.max_message_entries == 0 ||
            std::all_of(peers.begin(), peers.end(), [&](const Peer &p) {
                return !p.is_pipelined() || sending::fits_message(s, p, last);
            }));
}

} // namespace

FAST_PATH int on_submit(Server &s, const raft_event &event, raft_update &update) {
    const raft_event_submit &submit = event.submit;
    if (!fast_path::within_limits(event) || !is_usual(s, submit)) [[unlikely]] {
        return run(s, event, update, handle);
    }
    fast_path::begin(s, event);
    s.tracker->asked_at = s.now;
    raft_entry *entries = fast_path::entries_of(s);
    for (uint32_t i = 0; i < submit.n; i++) {
        entries[i] = submit.entries[i];
        entries[i].term = s.term;
    }
    fast_path::append(s, update, entries, submit.n);
    auto *first = reinterpret_cast<raft_message *>(entries + submit.n);
    raft_message *next = first;
    for (Peer &p : s.tracker->peers) {
        const uint32_t n = p.is_pipelined() ? sending::unsent(s, p) : 0;
        if (n > 0) {
            sending::write_next(s, *next++, p, n);
        }
    }
    update.flags = RAFT_UPDATE_ENTRIES | fast_path::hand_out(update, first, next);
    return 0;
}

} // namespace libraft
