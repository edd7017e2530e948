/* SPDX-License-Identifier: MIT */
#include "message.hpp"

#include <cstring>

namespace driver {

bool load(const bool &value) {
    unsigned char byte;
    memcpy(&byte, &value, sizeof byte);
    return byte != 0;
}

bool is(const raft_message &m, raft_message_type type) {
    return memcmp(&m.type, &type, sizeof type) == 0;
}

raft_term term_of(const raft_message &m) {
    switch (m.type) {
        case RAFT_APPEND_ENTRIES:
            return m.append_entries.term;
        case RAFT_APPEND_ENTRIES_RESULT:
            return m.append_entries_result.term;
        case RAFT_REQUEST_VOTE:
            return m.request_vote.term;
        case RAFT_REQUEST_VOTE_RESULT:
            return m.request_vote_result.term;
        case RAFT_INSTALL_SNAPSHOT:
            return m.install_snapshot.term;
        case RAFT_TIMEOUT_NOW:
            return m.timeout_now.term;
        default:
            return 0;
    }
}

bool is_pre_vote(const raft_message &m) {
    return (m.type == RAFT_REQUEST_VOTE && m.request_vote.pre_vote) ||
           (m.type == RAFT_REQUEST_VOTE_RESULT && m.request_vote_result.pre_vote);
}

const char *name_of(raft_message_type type) {
    static const char *const names[] = {"?",           "AppendEntries",     "AppendEntriesResult",
                                        "RequestVote", "RequestVoteResult", "InstallSnapshot",
                                        "TimeoutNow"};
    return type >= RAFT_APPEND_ENTRIES && type <= RAFT_TIMEOUT_NOW ? names[type] : "?";
}

std::string describe(const raft_message &m) {
    const char *name = name_of(m.type);
    switch (m.type) {
        case RAFT_APPEND_ENTRIES: {
            const raft_append_entries &a = m.append_entries;
            return format("%s/%u term %llu prev %llu/%llu n %u commit %llu round %llx%s", name,
                          a.version, a.term, a.prev_log_index, a.prev_log_term, a.n_entries,
                          a.leader_commit, a.round,
                          a.version >= 2 && load(a.sleep) ? " sleep" : "");
        }
        case RAFT_APPEND_ENTRIES_RESULT: {
            const raft_append_entries_result &r = m.append_entries_result;
            return format(
                "%s/%u term %llu rejected %llu last %llu features %u round %llx "
                "snapshot %llu@%llu",
                name, r.version, r.term, r.rejected, r.last_log_index, r.features, r.round,
                r.snapshot_index, r.snapshot_offset);
        }
        case RAFT_REQUEST_VOTE: {
            const raft_request_vote &v = m.request_vote;
            return format("%s/%u term %llu last %llu/%llu%s%s", name, v.version, v.term,
                          v.last_log_index, v.last_log_term, v.disrupt_leader ? " disrupt" : "",
                          v.pre_vote ? " pre-vote" : "");
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            const raft_request_vote_result &v = m.request_vote_result;
            return format("%s/%u term %llu %s%s", name, v.version, v.term,
                          v.vote_granted ? "granted" : "refused", v.pre_vote ? " pre-vote" : "");
        }
        case RAFT_INSTALL_SNAPSHOT: {
            const raft_install_snapshot &s = m.install_snapshot;
            return format("%s/%u term %llu last %llu/%llu offset %llu len %zu%s", name, s.version,
                          s.term, s.last_index, s.last_term, s.offset, s.data.len,
                          s.last ? " last" : "");
        }
        case RAFT_TIMEOUT_NOW:
            return format("%s/%u term %llu last %llu/%llu", name, m.timeout_now.version,
                          m.timeout_now.term, m.timeout_now.last_log_index,
                          m.timeout_now.last_log_term);
        default:
            return "?";
    }
}

void Loan::clear() {
    entries.clear();
    servers.clear();
    addresses_.clear();
}

const char *Loan::lend(const char *address) {
    return address == nullptr ? nullptr : addresses_.emplace_back(address).c_str();
}

void Loan::lend(const Entry *first, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const Payload *p = first[i].payload;
        entries.push_back({first[i].term,
                           p->type,
                           {const_cast<char *>(p->bytes.data()), p->bytes.size()},
                           {const_cast<Payload *>(p)}});
    }
}

raft_configuration Loan::lend(const Configuration &conf) {
    for (const Member &m : conf.members) {
        servers.push_back({m.id, lend(m.address), m.role});
    }
    return {servers.data(), static_cast<unsigned>(servers.size())};
}

raft_snapshot_metadata *Loan::lend(const Snapshot &s) {
    metadata_ = {s.index, s.term, lend(s.conf), s.conf_index};
    return &metadata_;
}

raft_message *Loan::lend(const Message &message) {
    raft_message &m = message_;
    m = message.m;
    m.server_id = message.from;
    m.server_address =
        lend(message.address != nullptr ? message.address : address_of(message.from));
    if (m.type == RAFT_APPEND_ENTRIES) {
        lend(message.entries.data(), message.entries.size());
        m.append_entries.entries = entries.empty() ? nullptr : entries.data();
        m.append_entries.n_entries = static_cast<unsigned>(entries.size());
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        m.install_snapshot.conf = lend(message.conf);
        m.install_snapshot.data = {const_cast<char *>(message.data.data()), message.data.size()};
    }
    return &m;
}

void Loan::spoil() {
    for (raft_entry &e : entries) {
        memset(static_cast<void *>(&e), 0x5a, sizeof e);
    }
    for (raft_server &s : servers) {
        memset(static_cast<void *>(&s), 0x5a, sizeof s);
    }
    for (std::string &address : addresses_) {
        address.assign(address.size(), 'Z');
    }
}

} // namespace driver
