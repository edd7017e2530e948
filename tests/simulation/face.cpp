/* SPDX-License-Identifier: MIT */
#include "face.hpp"

#include <cstring>

namespace sim {
namespace {

void refuse(const char *what, raft_id id) {
    throw Violation("accessors", format("%s of server %llu", what, id));
}

void capture_configuration(Face &f, const raft *r) {
    raft_configuration conf;
    raft_index index = 0;
    int rc = raft_configuration_at(r, f.last, &conf, &index);
    if (rc != 0) {
        if (rc != RAFT_NOTFOUND) {
            refuse("raft_configuration_at fails", r->id);
        }
        f.conf.members.clear();
        f.conf_index = 0;
        return;
    }
    f.conf_index = index;
    if (f.conf.members.size() != conf.n) {
        f.conf = copy(conf);
        return;
    }
    for (unsigned i = 0; i < conf.n; i++) {
        const raft_server &s = conf.servers[i];
        const Member &known = f.conf.members[i];
        if (s.id == known.id && strcmp(s.address, address_of(s.id, known.port)) == 0) {
            f.conf.members[i].role = s.role;
            continue;
        }
        f.conf = copy(conf);
        return;
    }
}

void capture_peer(Face &f, raft *r, raft_id id) {
    struct raft_progress p;
    raft_index match = 0;
    int status = -1;
    bool member = f.conf.role_of(id) >= 0;
    int expected = !f.leads() ? RAFT_NOTLEADER : !member ? RAFT_BADID : 0;
    if (raft_progress(r, id, &p) != expected || raft_match_index(r, id, &match) != expected ||
        raft_catch_up(r, id, &status) != expected) {
        refuse("raft_progress, raft_match_index or raft_catch_up contradicts the configuration",
               r->id);
    }
    if (expected != 0) {
        f.catch_up[id] = RAFT_CATCH_UP_NONE;
        f.mode[id] = -1;
        f.match[id] = f.next[id] = 0;
        f.contact[id] = 0;
        f.features[id] = 0;
        return;
    }
    if (p.match != match) {
        refuse("raft_progress contradicts raft_match_index", r->id);
    }
    if (p.mode != RAFT_PROGRESS_NONE && p.next <= p.match) {
        refuse("next index not above match index", r->id);
    }
    f.catch_up[id] = status;
    f.mode[id] = p.mode;
    f.match[id] = p.match;
    f.next[id] = p.next;
    f.contact[id] = p.last_contact;
    f.features[id] = p.features;
}

} // namespace

void Face::capture(raft *r) {
    bool led = leads();
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
    leader_port = address != nullptr ? port_of(leader, address) : -1;
    capture_configuration(*this, r);
    if (led || leads()) {
        for (raft_id id = 1; id <= kMaxServers; id++) {
            capture_peer(*this, r, id);
        }
    }
    if (role != conf.role_of(r->id)) {
        refuse("raft_role contradicts the configuration", r->id);
    }
    if ((leader != 0) != (address != nullptr) || (leader != 0) != (leader_port >= 0)) {
        refuse("raft_leader's address is wrong", r->id);
    }
    if (leads() != (leader == r->id) || (transferee != 0 && !leads())) {
        refuse("raft_state contradicts raft_leader or raft_transferee", r->id);
    }
    if (stored > last || commit > last || snapshot > commit || first > last + 1) {
        refuse("indexes out of order", r->id);
    }
}

const char *Face::difference(const Face &o) const {
#define SIM_COMPARE(field, name) \
    if (field != o.field) {      \
        return name;             \
    }
    SIM_COMPARE(term, "raft_current_term")
    SIM_COMPARE(vote, "raft_voted_for")
    SIM_COMPARE(state, "raft_state")
    SIM_COMPARE(commit, "raft_commit_index")
    SIM_COMPARE(timeout, "raft_timeout")
    SIM_COMPARE(last, "raft_last_index")
    SIM_COMPARE(first, "raft_first_index")
    SIM_COMPARE(stored, "raft_last_stored")
    SIM_COMPARE(snapshot, "raft_snapshot_index")
    SIM_COMPARE(role, "raft_role")
    SIM_COMPARE(leader, "raft_leader")
    SIM_COMPARE(leader_port, "raft_leader's address")
    SIM_COMPARE(transferee, "raft_transferee")
    SIM_COMPARE(conf_index, "raft_configuration_at's index")
    if (!(conf == o.conf)) {
        return "raft_configuration_at";
    }
    if (memcmp(catch_up, o.catch_up, sizeof catch_up) != 0) {
        return "raft_catch_up";
    }
    if (memcmp(match, o.match, sizeof match) != 0) {
        return "raft_match_index";
    }
    if (memcmp(mode, o.mode, sizeof mode) != 0 || memcmp(next, o.next, sizeof next) != 0 ||
        memcmp(contact, o.contact, sizeof contact) != 0 ||
        memcmp(features, o.features, sizeof features) != 0) {
        return "raft_progress";
    }
    return nullptr;
#undef SIM_COMPARE
}

unsigned flags_between(const Face &a, const Face &b) {
    unsigned flags = 0;
    auto set = [&flags](bool changed, unsigned flag) { flags |= changed ? flag : 0; };
    set(a.term != b.term, RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR);
    set(a.vote != b.vote, RAFT_UPDATE_VOTED_FOR);
    set(a.state != b.state, RAFT_UPDATE_STATE);
    set(a.commit != b.commit, RAFT_UPDATE_COMMIT_INDEX);
    set(a.timeout != b.timeout, RAFT_UPDATE_TIMEOUT);
    set(a.conf_index != b.conf_index || !(a.conf == b.conf), RAFT_UPDATE_CONFIGURATION);
    set(a.leader != b.leader || a.leader_port != b.leader_port, RAFT_UPDATE_LEADER);
    set(memcmp(a.catch_up, b.catch_up, sizeof a.catch_up) != 0, RAFT_UPDATE_CATCH_UP);
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

} // namespace sim
