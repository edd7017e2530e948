/* SPDX-License-Identifier: MIT */
/* The rules for a START or a message that the library accepted, written from the header alone,
 * independently of the library. */
#pragma once

#include <raft.h>

#include <cstring>
#include <string_view>

namespace fuzz {

inline constexpr unsigned long long kHighest = 1ULL << 62;

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
        !legal_snapshot(m->index, m->term, m->configuration, m->configuration_index, s.term)) {
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
    return a.term > 0 && a.term <= kHighest && a.leader_commit <= kHighest &&
           legal_position(a.prev_log_index, a.prev_log_term, a.term) &&
           (a.n_entries == 0 || a.entries != nullptr) &&
           legal_entries(a.entries, a.n_entries, a.prev_log_term, a.term);
}

inline bool legal_message(const raft_message &m, raft_id own) {
    if (m.server_id == 0 || m.server_id == own || m.server_address == nullptr) {
        return false;
    }
    switch (number_of(m.type)) {
        case RAFT_APPEND_ENTRIES:
            return legal_append(m.append_entries);
        case RAFT_REQUEST_VOTE: {
            const raft_request_vote &v = m.request_vote;
            return v.term > 0 && v.term <= kHighest && v.candidate_id == m.server_id &&
                   legal_position(v.last_log_index, v.last_log_term, v.term);
        }
        case RAFT_INSTALL_SNAPSHOT: {
            const raft_install_snapshot &i = m.install_snapshot;
            return i.term <= kHighest && (i.data.len == 0 || i.data.base != nullptr) &&
                   legal_snapshot(i.last_index, i.last_term, i.conf, i.conf_index, i.term);
        }
        case RAFT_TIMEOUT_NOW: {
            const raft_timeout_now &t = m.timeout_now;
            return t.term > 0 && t.term <= kHighest &&
                   legal_position(t.last_log_index, t.last_log_term, t.term);
        }
        default:
            return true;
    }
}

/* For an event that was accepted. */
inline bool legal(const raft_event &event, raft_id own) {
    if (event.time > kHighest) {
        return false;
    }
    if (number_of(event.type) == RAFT_START) {
        return legal_start(event.start);
    }
    if (number_of(event.type) == RAFT_RECEIVE) {
        return event.receive.message != nullptr && legal_message(*event.receive.message, own);
    }
    return true;
}

} // namespace fuzz
