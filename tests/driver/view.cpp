/* SPDX-License-Identifier: MIT */
#include "view.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace driver {
namespace {

void require(bool consistent, const char *what, raft_id id) {
    if (!consistent) {
        throw Violation("accessors", format("%s of server %llu", what, id));
    }
}

const char *keep(const char *known, const char *address) {
    const bool same = known != nullptr && address != nullptr && strcmp(known, address) == 0;
    return same ? known : intern(address);
}

void capture_configuration(View &v, const raft *r) {
    raft_configuration conf;
    raft_index index = 0;
    const int rc = raft_configuration_at(r, v.last, &conf, &index);
    if (rc != 0) {
        require(rc == RAFT_NOTFOUND, "raft_configuration_at fails", r->id);
        v.conf.members.clear();
        v.conf_index = 0;
        return;
    }
    v.conf_index = index;
    if (!v.conf.is(conf)) {
        v.conf = Configuration(conf);
    }
}

void capture_peer(Peer &peer, raft *r, raft_id id) {
    struct raft_progress p;
    const int codes = raft_progress(r, id, &p) | raft_match_index(r, id, &peer.match) |
                      raft_catch_up(r, id, &peer.catch_up);
    require(codes == 0, "a leader's accessors fail for a member", r->id);
    require(p.match == peer.match, "raft_progress contradicts raft_match_index", r->id);
    require(p.mode == RAFT_PROGRESS_NONE || p.next > p.match, "next index not above match index",
            r->id);
    peer.mode = p.mode;
    peer.next = p.next;
    peer.contact = p.last_contact;
    peer.features = p.features;
}

/* Nothing is told of other servers than a leader's members. */
void require_unknown(const View &v, raft *r, raft_id id) {
    struct raft_progress p;
    raft_index match;
    int status;
    const int expected = v.leads() ? RAFT_BADID : RAFT_NOTLEADER;
    require(raft_progress(r, id, &p) == expected && raft_match_index(r, id, &match) == expected &&
                raft_catch_up(r, id, &status) == expected,
            "raft_progress, raft_match_index or raft_catch_up tells of no member of a leader's",
            r->id);
}

} // namespace

const Peer &View::peer(raft_id id) const {
    static const Peer none;
    if (id - 1 < peers.size() && conf.members[static_cast<size_t>(id - 1)].id == id) {
        return peers[static_cast<size_t>(id - 1)]; /* as it often is */
    }
    for (size_t i = 0; i < peers.size(); i++) {
        if (conf.members[i].id == id) {
            return peers[i];
        }
    }
    return none;
}

void View::capture(raft *r) {
    const bool led = leads();
    term = raft_current_term(r);
    vote = raft_voted_for(r);
    state = raft_state(r);
    commit = raft_commit_index(r);
    timeout = raft_timeout(r);
    last = raft_last_index(r);
    first = raft_first_index(r);
    stored = raft_last_stored(r);
    snapshot = raft_snapshot_index(r);
    role = raft_role(r);
    transferee = raft_transferee(r);
    const char *address = nullptr;
    raft_leader(r, &leader, &address);
    leader_address = keep(leader_address, address);
    const raft_index previous_conf = conf_index;
    capture_configuration(*this, r);
    peers.resize(leads() ? conf.members.size() : 0);
    for (size_t i = 0; i < peers.size(); i++) {
        capture_peer(peers[i], r, conf.members[i].id);
    }
    if (led != leads() || previous_conf != conf_index) {
        for (raft_id id = 0; id < 10; id++) {
            if (!leads() || conf.find(id) == nullptr) {
                require_unknown(*this, r, id);
            }
        }
    }
    require(role == conf.role_of(r->id), "raft_role contradicts the configuration", r->id);
    require((leader != 0) == (address != nullptr), "raft_leader's address", r->id);
    require(leads() == (leader == r->id) && (transferee == 0 || leads()),
            "raft_state contradicts raft_leader or raft_transferee", r->id);
    require(stored <= last && commit <= last && snapshot <= commit && first <= last + 1,
            "order of the indexes", r->id);
}

namespace {

/* Catch-ups of a server that is no leader, or of one that is no member, are none. */
bool same_catch_ups(const View &a, const View &b) {
    if (a.peers.size() == b.peers.size() && a.conf_index == b.conf_index) {
        return std::equal(a.peers.begin(), a.peers.end(), b.peers.begin(),
                          [](const Peer &p, const Peer &q) { return p.catch_up == q.catch_up; });
    }
    for (const View *v : {&a, &b}) {
        for (size_t i = 0; i < v->peers.size(); i++) {
            const raft_id id = v->conf.members[i].id;
            if (a.peer(id).catch_up != b.peer(id).catch_up) {
                return false;
            }
        }
    }
    return true;
}

} // namespace

const char *View::difference(const View &o) const {
    const struct {
        bool differs;
        const char *name;
    } all[] = {
        {term != o.term, "raft_current_term"},
        {vote != o.vote, "raft_voted_for"},
        {state != o.state, "raft_state"},
        {commit != o.commit, "raft_commit_index"},
        {timeout != o.timeout, "raft_timeout"},
        {last != o.last, "raft_last_index"},
        {first != o.first, "raft_first_index"},
        {stored != o.stored, "raft_last_stored"},
        {snapshot != o.snapshot, "raft_snapshot_index"},
        {role != o.role, "raft_role"},
        {leader != o.leader, "raft_leader"},
        {leader_address != o.leader_address, "raft_leader's address"},
        {transferee != o.transferee, "raft_transferee"},
        {conf_index != o.conf_index, "raft_configuration_at's index"},
        {!(conf == o.conf), "raft_configuration_at"},
        {!same_catch_ups(*this, o), "raft_catch_up"},
        {peers != o.peers, "raft_match_index or raft_progress"},
    };
    for (const auto &accessor : all) {
        if (accessor.differs) {
            return accessor.name;
        }
    }
    return nullptr;
}

unsigned flags_between(const View &a, const View &b) {
    unsigned flags = 0;
    auto set = [&flags](bool changed, unsigned flag) { flags |= changed ? flag : 0; };
    set(a.term != b.term, RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR);
    set(a.vote != b.vote, RAFT_UPDATE_VOTED_FOR);
    set(a.state != b.state, RAFT_UPDATE_STATE);
    set(a.commit != b.commit, RAFT_UPDATE_COMMIT_INDEX);
    set(a.timeout != b.timeout, RAFT_UPDATE_TIMEOUT);
    set(a.conf_index != b.conf_index || !(a.conf == b.conf), RAFT_UPDATE_CONFIGURATION);
    set(a.leader != b.leader || a.leader_address != b.leader_address, RAFT_UPDATE_LEADER);
    set(!same_catch_ups(a, b), RAFT_UPDATE_CATCH_UP);
    set(a.transferee != b.transferee, RAFT_UPDATE_TRANSFER);
    return flags;
}

std::string describe_flags(unsigned flags) {
    static const char *const names[] = {
        "TERM",    "VOTE",          "ENTRIES", "SNAPSHOT", "MESSAGES", "STATE",   "COMMIT",
        "TIMEOUT", "CONFIGURATION", "READS",   "LEADER",   "CATCH_UP", "TRANSFER"};
    std::string text;
    for (unsigned i = 0; i < 32; i++) {
        if (flags & (1U << i)) {
            text += text.empty() ? "" : "|";
            text += i < std::size(names) ? names[i] : "?";
        }
    }
    return text.empty() ? "0" : text;
}

} // namespace driver
