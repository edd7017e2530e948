/* SPDX-License-Identifier: MIT */
/* Messages say what is so, and ask for nothing that the caller cannot have. */
#include "judge.hpp"
#include "judge_step.hpp"

#include <algorithm>
#include <cstring>

namespace driver {
namespace {

struct Required {
    raft_id from;
    const raft_message &m;
    void operator()(bool condition, const char *why) const {
        if (!condition) {
            throw Violation("messages", format("server %llu to %llu: %s: %s", from, m.server_id,
                                               why, describe(m).c_str()));
        }
    }
};

/* Only a member that has everything is told to sleep, and only if it has announced that it can, by
 * a leader that has everything stored and committed and is asked for nothing. */
void check_sleep_message(const Required &require, const View &v, const raft_message &m) {
    const raft_append_entries &a = m.append_entries;
    if (!a.sleep) {
        return;
    }
    const Peer &peer = v.peer(m.server_id);
    constexpr unsigned kNeeded = RAFT_FEATURE_SLEEP | RAFT_FEATURE_ROUNDS;
    require(a.n_entries == 0 && a.round != 0, "sleep in a message that is no heartbeat");
    require(v.leads() && v.last == v.stored && v.last == v.commit && v.transferee == 0,
            "sleep although there is something to do");
    require(a.prev_log_index == v.last && a.leader_commit == v.last &&
                peer.mode == RAFT_PROGRESS_PIPELINE && peer.match == v.last,
            "sleep to a member that does not have everything");
    require((peer.features & kNeeded) == kNeeded, "sleep to a member that does not sleep");
}

/* A server that sleeps needs rounds. */
bool consistent(unsigned features) {
    return (features & RAFT_FEATURE_SLEEP) == 0 || (features & RAFT_FEATURE_ROUNDS) != 0;
}

void check_result(const Required &require, const View &v, const raft_message &m) {
    if (m.type == RAFT_REQUEST_VOTE_RESULT) {
        const raft_request_vote_result &result = m.request_vote_result;
        require(!result.vote_granted || result.pre_vote ||
                    (result.term == v.term && v.vote == m.server_id),
                "a vote that was not given");
        require(result.pre_vote || result.term == v.term, "wrong term");
        require(consistent(result.features), "announces that it sleeps, but no rounds");
        return;
    }
    const raft_append_entries_result &result = m.append_entries_result;
    require(result.term == v.term, "wrong term");
    require(consistent(result.features), "announces that it sleeps, but no rounds");
    if (result.rejected != 0) {
        /* Of a stale leader's message no more is said than what is there. */
        require(result.last_log_index <= std::max(result.rejected, v.last), "hint above the log");
    } else {
        require(result.last_log_index <= v.stored, "acknowledges what is not stored");
    }
}

/* An answer goes to the address that the message being answered came with. All else goes to the
 * address in the configuration, or in an older one if the server is being removed. */
bool may_send_to(const Driver &s, const raft_message &m) {
    auto is = [&](const char *address) {
        return address != nullptr && strcmp(address, m.server_address) == 0;
    };
    if (m.type == RAFT_REQUEST_VOTE_RESULT || m.type == RAFT_APPEND_ENTRIES_RESULT) {
        /* What a follower says that wakes up is no answer. */
        const bool answers = s.event_type == RAFT_RECEIVE;
        const bool tells =
            m.type == RAFT_APPEND_ENTRIES_RESULT && m.append_entries_result.round == 0;
        return (answers && is(s.heard_from(m.server_id))) ||
               ((!answers || tells) && is(s.led_from()));
    }
    for (const Configuration *conf : {&s.view.conf, &s.before.conf}) {
        if (const Member *member = conf->find(m.server_id)) {
            return is(member->address);
        }
    }
    return s.knows(m.server_id, intern(m.server_address));
}

} // namespace

void check_message(const raft *r, const View &before, const View &after, const raft_message &m) {
    const Required require{r->id, m};
    require(m.server_id != 0 && m.server_id != r->id && m.server_address != nullptr,
            "no destination");
    if (m.type == RAFT_REQUEST_VOTE_RESULT || m.type == RAFT_APPEND_ENTRIES_RESULT) {
        check_result(require, after, m);
        return;
    }
    require(m.type == RAFT_REQUEST_VOTE || after.leads() || before.leads(),
            "a leader's message from another server");
    require(m.type == RAFT_REQUEST_VOTE || term_of(m) == after.term, "wrong term");
    if (m.type == RAFT_REQUEST_VOTE) {
        const raft_request_vote &v = m.request_vote;
        require(v.candidate_id == r->id, "another server's candidacy");
        require(v.term == after.term + (v.pre_vote ? 1 : 0), "wrong term");
        require(v.pre_vote || after.vote == r->id, "campaigns without its own vote");
        require(
            v.last_log_index == after.stored && v.last_log_term == raft_term_of(r, after.stored),
            "advertises what is not durable");
    } else if (m.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &a = m.append_entries;
        require(a.prev_log_term == raft_term_of(r, a.prev_log_index) &&
                    (a.prev_log_index == 0) == (a.prev_log_term == 0),
                "wrong previous term");
        require(a.leader_commit <= after.commit, "commit index not its own");
        require(a.entries == nullptr, "entries are not NULL");
        require(a.version == (a.sleep ? 2 : a.round != 0 ? 1 : 0), "wrong version");
        check_sleep_message(require, after, m);
        require(a.prev_log_index + a.n_entries <= after.last &&
                    (a.n_entries == 0 || a.prev_log_index + 1 >= after.first),
                "entries that it does not hold");
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        const raft_install_snapshot &s = m.install_snapshot;
        require(s.last_index > 0 && s.last_index >= after.oldest && s.last_index <= after.snapshot,
                "a snapshot that it does not have");
        require(s.last_term > 0 && s.conf.n > 0 && s.conf_index > 0 && s.conf_index <= s.last_index,
                "wrong metadata");
        require(s.data.len == 0, "data is not empty");
        require(s.version > 0 || s.offset == 0, "an offset in version 0");
    } else {
        require(m.type == RAFT_TIMEOUT_NOW, "unknown type");
        require(m.timeout_now.last_log_index == after.last &&
                    m.timeout_now.last_log_term == raft_term_of(r, after.last),
                "wrong log");
    }
}

void check_message(const Driver &s, const raft_message &m) {
    check_message(s.handle(), s.before, s.view, m);
    const Required require{s.id, m};
    require(may_send_to(s, m), "wrong address");
    if (m.type == RAFT_REQUEST_VOTE) {
        require(!s.chunk_outstanding, "campaigns while it installs a snapshot");
    } else if (m.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &a = m.append_entries;
        require(!a.sleep || s.reads.empty(), "sleep while reads are pending");
        const raft_term known = s.known_term(a.prev_log_index);
        require(a.prev_log_term == known || (known == 0 && a.prev_log_index + 1 == s.log.first),
                "wrong previous term");
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        const raft_install_snapshot &i = m.install_snapshot;
        const Snapshot *have = s.kept_snapshot(i.last_index);
        require(have != nullptr, "a snapshot that it was allowed to delete");
        require(
            i.last_term == have->term && i.conf_index == have->conf_index && have->conf.is(i.conf),
            "wrong metadata");
        require(i.version == 0 || i.offset < have->data.size() || !s.trusts_peers,
                "offset beyond the snapshot");
    } else if (m.type == RAFT_APPEND_ENTRIES_RESULT) {
        const raft_append_entries_result &r = m.append_entries_result;
        require(r.rejected != 0 || r.last_log_index == 0 || r.last_log_index < s.log.first ||
                    !s.checks_storage ||
                    s.disk.holds(r.last_log_index, s.term_at(r.last_log_index)),
                "acknowledges what is not durable");
        if (s.judge != nullptr) {
            s.judge->acknowledging(s, r);
        }
    }
}

} // namespace driver
