/* SPDX-License-Identifier: MIT */
#include "wire.hpp"

namespace sim {
namespace {

/* The highest version that a codec knows. */
unsigned char limit_of(raft_message_type type, unsigned vintage) {
    switch (type) {
        case RAFT_APPEND_ENTRIES:
        case RAFT_INSTALL_SNAPSHOT:
            return vintage >= kOurs ? 1 : 0;
        case RAFT_APPEND_ENTRIES_RESULT:
            return vintage >= kOurs ? 3 : vintage == kPublished ? 2 : vintage == kUnmarked ? 1 : 0;
        case RAFT_REQUEST_VOTE:
        case RAFT_REQUEST_VOTE_RESULT:
            return vintage >= kPublished ? 2 : vintage == kUnmarked ? 1 : 0;
        default:
            return 0;
    }
}

void scramble_result(raft_append_entries_result &r, Random &random) {
    if (r.version < 1) {
        r.features = static_cast<unsigned short>(random.next());
        r.capacity = static_cast<unsigned short>(random.next());
    }
    if (r.version < 3) {
        r.round = random.next();
        r.snapshot_index = random.next();
        r.snapshot_offset = random.next();
    }
}

} // namespace

bool strip(raft_message &m, unsigned vintage, Random &random) {
    unsigned char limit = limit_of(m.type, vintage);
    /* The version is the first field of every message. */
    unsigned char &version = m.request_vote.version;
    if (version <= limit) {
        return false;
    }
    version = limit;
    switch (m.type) {
        case RAFT_REQUEST_VOTE:
            if (version < 1) {
                m.request_vote.disrupt_leader = random.percent(50);
                m.request_vote.pre_vote = random.percent(50);
            }
            break;
        case RAFT_REQUEST_VOTE_RESULT:
            m.request_vote_result.pre_vote = random.percent(50);
            m.request_vote_result.features = static_cast<unsigned short>(random.next());
            m.request_vote_result.capacity = static_cast<unsigned short>(random.next());
            break;
        case RAFT_APPEND_ENTRIES:
            m.append_entries.round = random.next();
            break;
        case RAFT_APPEND_ENTRIES_RESULT:
            scramble_result(m.append_entries_result, random);
            break;
        case RAFT_INSTALL_SNAPSHOT:
            m.install_snapshot.offset = random.next();
            m.install_snapshot.last = false;
            break;
        default:
            break;
    }
    return true;
}

bool is_pre_vote(const raft_message &m) {
    return (m.type == RAFT_REQUEST_VOTE && m.request_vote.pre_vote) ||
           (m.type == RAFT_REQUEST_VOTE_RESULT && m.request_vote_result.pre_vote);
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
            return format("%s/%u term %llu prev %llu/%llu n %u commit %llu round %llx", name,
                          a.version, a.term, a.prev_log_index, a.prev_log_term, a.n_entries,
                          a.leader_commit, a.round);
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

} // namespace sim
