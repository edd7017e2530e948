/* SPDX-License-Identifier: MIT */
/* No message asks for what the caller cannot have, or says what is not so. */
#include "server.hpp"

#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

/* The address of a member is the configuration's; else that which the message being answered
 * came with, or an older configuration's for one that is being removed. */
bool Server::may_send_to(const raft_message &m) const {
    int port = port_of(m.server_id, m.server_address);
    for (const Conf *conf : {&face.conf, &before_.conf}) {
        if (const Member *member = conf->find(m.server_id)) {
            return port == static_cast<int>(member->port);
        }
    }
    if (port >= 0 && known_ports_[m.server_id] >> port & 1) {
        return true;
    }
    bool to_leader = m.type == RAFT_APPEND_ENTRIES_RESULT && m.server_id == face.leader;
    return port >= 0 &&
           (port == heard_port_[m.server_id] || (to_leader && port == face.leader_port));
}

void Server::check_leader_address() const {
    if (face.leader == 0) {
        return;
    }
    int expected = face.leader == id ? static_cast<int>(port) : heard_port_[face.leader];
    bool known = false; /* the latest configuration that has it tells */
    for (auto it = confs_.rbegin(); it != confs_.rend() && !known; ++it) {
        if (const Member *member = it->second.find(face.leader)) {
            expected = static_cast<int>(member->port);
            known = true;
        }
    }
    bool kept = !known && face.leader == before_.leader && face.leader_port == before_.leader_port;
    if (face.leader_port != expected && !kept) {
        throw Violation(
            "raft_leader",
            format("%s says its leader %s is at %s, not at %s", name(), name_of(face.leader),
                   address_of(face.leader, static_cast<unsigned>(face.leader_port)),
                   expected < 0 ? "nowhere"
                                : address_of(face.leader, static_cast<unsigned>(expected))));
    }
}

void Server::check_message(const raft_message &m) const {
    auto refuse = [&](const char *why) {
        throw Violation("messages", format("%s to %s: %s: %s", name(), name_of(m.server_id), why,
                                           describe(m).c_str()));
    };
    if (m.server_id == 0 || m.server_id > w_.plan.servers || m.server_id == id) {
        refuse("no such destination");
    }
    if (m.server_address == nullptr || !may_send_to(m)) {
        refuse("wrong address");
    }
    if (m.type == RAFT_REQUEST_VOTE_RESULT || m.type == RAFT_APPEND_ENTRIES_RESULT) {
        check_result(m);
        return;
    }
    if (m.type != RAFT_REQUEST_VOTE && !face.leads() && !before_.leads()) {
        refuse("a leader's message from another");
    }
    check_request(m);
}

void Server::check_request(const raft_message &m) const {
    auto require = [&](bool condition, const char *why) {
        if (!condition) {
            throw Violation("messages", format("%s to %s: %s: %s", name(), name_of(m.server_id),
                                               why, describe(m).c_str()));
        }
    };
    const Server &peer = w_.server(m.server_id);
    if (m.type == RAFT_REQUEST_VOTE) {
        const raft_request_vote &v = m.request_vote;
        require(v.candidate_id == id, "another's candidacy");
        require(v.term == face.term + (v.pre_vote ? 1 : 0), "wrong term");
        require(v.pre_vote || face.vote == id, "campaigns without its own vote");
        require(v.last_log_index == face.stored && v.last_log_term == term_at(face.stored),
                "advertises what is not durable");
        require(!chunk_outstanding_, "campaigns while it installs a snapshot");
    } else if (m.type == RAFT_APPEND_ENTRIES) {
        const raft_append_entries &a = m.append_entries;
        require(a.term == face.term, "wrong term");
        require(a.prev_log_term == known_term(a.prev_log_index), "wrong previous term");
        require(a.leader_commit <= face.commit, "commit index not its own");
        require(a.entries == nullptr, "entries are not NULL");
        require(a.n_entries == 0 || (a.prev_log_index + 1 >= face.first &&
                                     a.prev_log_index + a.n_entries <= face.last),
                "entries that it does not hold");
        require(tuning_.message_entries == 0 || a.n_entries <= tuning_.message_entries,
                "more entries than allowed");
        require(a.n_entries <= tuning_.inflight, "more in flight than allowed");
        require(a.version == 0 || peer.announces(RAFT_FEATURE_ROUNDS), "version not understood");
        require(a.version == 0 || announces(RAFT_FEATURE_ROUNDS), "version not announced");
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        const raft_install_snapshot &s = m.install_snapshot;
        require(s.term == face.term, "wrong term");
        bool current = snap != nullptr && s.last_index == snap->index;
        bool previous = previous_snap_ != nullptr && s.last_index == previous_snap_->index;
        require(current || previous, "a snapshot that it does not have");
        const Snapshot &have = current ? *snap : *previous_snap_;
        require(s.last_term == have.term && s.conf_index == have.conf_index &&
                    copy(s.conf) == have.conf,
                "wrong metadata");
        require(s.version == 0 ||
                    (peer.announces(RAFT_FEATURE_CHUNKS) && announces(RAFT_FEATURE_CHUNKS)),
                "version not understood");
        require(s.version == 0 ? s.offset == 0 : s.offset < have.data.size(),
                "offset beyond the snapshot");
    } else if (m.type == RAFT_TIMEOUT_NOW) {
        require(m.timeout_now.term == face.term && m.timeout_now.last_log_index == face.last &&
                    m.timeout_now.last_log_term == term_at(face.last),
                "wrong log or term");
    } else {
        require(false, "unknown type");
    }
}

void Server::check_result(const raft_message &m) const {
    auto require = [&](bool condition, const char *why) {
        if (!condition) {
            throw Violation("messages", format("%s to %s: %s: %s", name(), name_of(m.server_id),
                                               why, describe(m).c_str()));
        }
    };
    if (m.type == RAFT_REQUEST_VOTE_RESULT) {
        const raft_request_vote_result &v = m.request_vote_result;
        if (v.vote_granted && !v.pre_vote) {
            require(v.term == face.term && face.vote == m.server_id, "a vote not given");
        }
        require(v.pre_vote || v.term == face.term, "wrong term");
        return;
    }
    const raft_append_entries_result &r = m.append_entries_result;
    require(r.term == face.term, "wrong term");
    if (r.rejected != 0) {
        /* Of a stale leader's message no more is said than what is there. */
        require(r.last_log_index <= std::max(r.rejected, face.last), "hint above the log");
        return;
    }
    require(r.last_log_index <= face.stored, "acknowledges what is not stored");
    require(r.last_log_index == 0 || r.last_log_index < log.first ||
                disk.holds(r.last_log_index, term_at(r.last_log_index)),
            "acknowledges what is not durable");
    /* What the leader of this term holds there, as long as it leads. */
    raft_id leader = w_.judge.leader_of(r.term);
    if (leader != 0 && leader != id && r.last_log_index > 0) {
        const Server &l = w_.server(leader);
        raft_term mine = term_at(r.last_log_index), its = l.term_at(r.last_log_index);
        require(!l.up || !l.face.leads() || l.face.term != r.term || mine == 0 || its == 0 ||
                    mine == its,
                "acknowledges an entry that is not the leader's");
    }
}

} // namespace sim
