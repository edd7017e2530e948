/* SPDX-License-Identifier: MIT */
/* The rules for a START or a message that the library accepted, written from the header alone,
 * independently of the library. */
#pragma once

#include "../driver/message.hpp"

#include <raft.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace fuzz {

inline constexpr unsigned long long kHighest = 1ULL << 62;

/* A message must not use the terms up: its term is at most so high. A server without a log (own
 * term 0 here) accepts any. */
inline raft_term highest_term(raft_term own) {
    constexpr raft_term kHalf = 1ULL << 61;
    constexpr raft_term kAhead = 1ULL << 32;
    return own == 0 ? kHighest : std::min(kHighest, std::max(own, kHalf) + kAhead);
}

/* A hostile enumerator must not be loaded as an enum. */
template <class T>
unsigned number_of(const T &type) {
    static_assert(sizeof type == sizeof(unsigned));
    unsigned number;
    memcpy(&number, &type, sizeof number);
    return number;
}

inline bool legal_configuration(const raft_configuration &conf) {
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &s = conf.servers[i];
        if (s.id == 0 || s.address == nullptr || s.role < 0 || s.role > RAFT_VOTER_TO_SPARE) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            const raft_server &other = conf.servers[j];
            if (other.id == s.id || std::string_view(other.address) == s.address) {
                return false;
            }
        }
    }
    return conf.n > 0;
}

/* Terms never fall and lie within bounds, the types are known. */
inline bool legal_entries(const raft_entry *entries, unsigned n, raft_term from, raft_term to) {
    for (unsigned i = 0; i < n; i++) {
        const unsigned type = number_of(entries[i].type);
        if (type < RAFT_COMMAND || type > RAFT_CHANGE || entries[i].term < from) {
            return false;
        }
        from = entries[i].term;
    }
    return from <= to;
}

/* The last entry of a snapshot, and the configuration in it. */
inline bool legal_snapshot(raft_index index, raft_term term, const raft_configuration &conf,
                           raft_index conf_index, raft_term current) {
    return index > 0 && index <= kHighest && term > 0 && term <= current && conf_index > 0 &&
           conf_index <= index && legal_configuration(conf);
}

inline bool legal_start(const raft_event_start &s) {
    if (s.term == 0) {
        return s.voted_for == 0 && s.metadata == nullptr && s.n_entries == 0;
    }
    const raft_snapshot_metadata *m = s.metadata;
    if (m != nullptr &&
        !legal_snapshot(m->index, m->term, m->configuration,
                        m->configuration_index != 0 ? m->configuration_index : m->index, s.term)) {
        return false;
    }
    if (s.n_entries == 0) {
        return s.term <= kHighest;
    }
    const raft_index covered = m != nullptr ? m->index : 0;
    return s.term <= kHighest && s.entries != nullptr && s.start_index > 0 &&
           s.start_index <= covered + 1 && legal_entries(s.entries, s.n_entries, 1, s.term) &&
           (s.start_index > 1 || number_of(s.entries[0].type) == RAFT_CHANGE);
}

inline bool legal_position(raft_index index, raft_term term, raft_term current) {
    return index <= kHighest && term <= current && (index == 0) == (term == 0);
}

inline bool legal_append(const raft_append_entries &a) {
    return a.leader_commit <= kHighest && (a.version < 1 || a.round <= kHighest) &&
           legal_position(a.prev_log_index, a.prev_log_term, a.term) &&
           (a.n_entries == 0 || a.entries != nullptr) &&
           legal_entries(a.entries, a.n_entries, a.prev_log_term, a.term);
}

inline bool legal_install(const raft_install_snapshot &i) {
    const unsigned long long offset = i.version < 1 ? 0 : i.offset;
    return (i.data.len == 0 || i.data.base != nullptr) && offset <= kHighest &&
           i.data.len <= kHighest - offset &&
           legal_snapshot(i.last_index, i.last_term, i.conf, i.conf_index, i.term);
}

inline bool legal_message(const raft_message &m, raft_id own, raft_term own_term) {
    if (m.server_id == 0 || m.server_id == own || m.server_address == nullptr) {
        return false;
    }
    if (number_of(m.type) < RAFT_APPEND_ENTRIES || number_of(m.type) > RAFT_TIMEOUT_NOW) {
        return true; /* a message of a later version, which the library ignores */
    }
    const raft_term term = driver::term_of(m);
    const bool needs_term = m.type != RAFT_REQUEST_VOTE_RESULT;
    if ((needs_term && term == 0) || term > highest_term(own_term)) {
        return false;
    }
    switch (number_of(m.type)) {
        case RAFT_APPEND_ENTRIES:
            return legal_append(m.append_entries);
        case RAFT_REQUEST_VOTE: {
            const raft_request_vote &v = m.request_vote;
            return v.candidate_id == m.server_id &&
                   legal_position(v.last_log_index, v.last_log_term, v.term);
        }
        case RAFT_INSTALL_SNAPSHOT:
            return legal_install(m.install_snapshot);
        case RAFT_TIMEOUT_NOW: {
            const raft_timeout_now &t = m.timeout_now;
            return legal_position(t.last_log_index, t.last_log_term, t.term);
        }
        default:
            return true;
    }
}

/* For an event that was accepted. `own_term`: 0 without a log. */
inline bool legal(const raft_event &event, raft_id own, raft_term own_term) {
    if (event.time > kHighest) {
        return false;
    }
    if (number_of(event.type) == RAFT_START) {
        return legal_start(event.start);
    }
    if (number_of(event.type) == RAFT_RECEIVE) {
        return event.receive.message != nullptr &&
               legal_message(*event.receive.message, own, own_term);
    }
    return true;
}

} // namespace fuzz
