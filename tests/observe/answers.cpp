/* SPDX-License-Identifier: MIT */
#include "answers.hpp"

#include "fields.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace observe {
namespace {

bool is_id(std::string_view type) { return type == "raft_id"; }

/* Contract, promise 5; IDs are the caller's own. */
bool fits_int64(unsigned long long value, std::string_view type = "") {
    return is_id(type) || value <= INT64_MAX;
}
bool fits_int64(int /* value */, std::string_view /* type */) { return true; }

const char *keep(const char *known, const char *address) {
    const bool same = known != nullptr && address != nullptr && strcmp(known, address) == 0;
    return same ? known : driver::intern(address);
}

} // namespace

void Answers::require(bool consistent, const char *what) {
    if (!consistent && contradiction.empty()) {
        contradiction = what;
    }
}

void Answers::ask(struct raft *r) {
    contradiction.clear();
#define OBSERVE_ASK(name, type, function, flags) \
    name = function(r);                          \
    require(fits_int64(name, #type), #function " does not fit a signed 64-bit integer");
    OBSERVE_ACCESSORS(OBSERVE_ASK)
#undef OBSERVE_ASK
    const char *address = nullptr;
    raft_leader(r, &leader, &address);
    leader_address = keep(leader_address, address);
    ask_configuration(r);
    peers.resize(leads() ? conf.members.size() : 0);
    for (size_t i = 0; i < peers.size(); i++) {
        ask_peer(r, conf.members[i].id, &peers[i]);
    }
    require(role == conf.role_of(r->id), "raft_role contradicts the configuration");
    require((leader != 0) == (address != nullptr), "raft_leader tells an address without an ID");
    require(leads() == (leader == r->id) && (transferee == 0 || leads()),
            "raft_state contradicts raft_leader or raft_transferee");
    require(stored <= last && commit <= last && snapshot <= commit && first <= last + 1,
            "the order of the indexes is wrong");
    require(
        oldest <= snapshot && (oldest == 0) == (snapshot == 0) && (leads() || oldest == snapshot),
        "raft_oldest_snapshot_index contradicts raft_snapshot_index or raft_state");
    require(first <= oldest + 1, "entries after the oldest snapshot are gone");
}

void Answers::ask_configuration(const struct raft *r) {
    raft_configuration now = {};
    conf_index = 0;
    const int code = raft_configuration_at(r, last, &now, &conf_index);
    require(code == 0 || code == RAFT_NOTFOUND, "raft_configuration_at fails");
    if (!conf.is(now)) {
        conf = driver::Configuration(now);
    }
}

void Answers::ask_peer(const struct raft *r, raft_id id, Peer *peer) {
    struct raft_peer progress = {};
    const int codes = raft_progress(r, id, &progress) | raft_match_index(r, id, &peer->match) |
                      raft_catch_up(r, id, &peer->catch_up);
    const auto &[mode, features, capacity, match, next, last_contact, snapshot_index, offset,
                 losses, reserved] = progress;
    require(codes == 0, "a leader's accessors fail for a member");
    require(match == peer->match, "raft_progress contradicts raft_match_index");
    require(mode == RAFT_PROGRESS_NONE || next > match || losses > 0,
            "the next index is not above the match");
    require(mode == RAFT_PROGRESS_SNAPSHOT ? snapshot_index >= oldest && snapshot_index <= snapshot
                                           : snapshot_index == 0 && offset == 0,
            "the snapshot that a peer is sent is not kept, or is told in another mode");
    require(
        fits_int64(next) && fits_int64(offset) && fits_int64(losses) && fits_int64(last_contact),
        "raft_progress does not fit a signed 64-bit integer");
    require(std::all_of(std::begin(reserved), std::end(reserved),
                        [](unsigned long long word) { return word == 0; }),
            "a reserved field of raft_progress is not zero");
    peer->mode = mode;
    peer->next = next;
    peer->contact = last_contact;
    peer->features = features;
    peer->capacity = capacity;
    peer->snapshot = snapshot_index;
    peer->offset = offset;
    peer->losses = losses;
}

void Answers::ask_others(const struct raft *r) {
    const int expected = leads() ? RAFT_BADID : RAFT_NOTLEADER;
    for (raft_id id = 0; id < 10; id++) {
        struct raft_peer progress;
        raft_index match;
        int status;
        require(
            (leads() && conf.find(id) != nullptr) || (raft_progress(r, id, &progress) == expected &&
                                                      raft_match_index(r, id, &match) == expected &&
                                                      raft_catch_up(r, id, &status) == expected),
            "raft_progress, raft_match_index or raft_catch_up tells of no member of a leader's");
    }
}

void Answers::ask_log(const struct raft *r, raft_index indexes) {
    const raft_index oldest = first > 4 ? first - 4 : 0;
    positions.clear();
    earlier.clear();
    for (raft_index i = std::max(last > indexes ? last - indexes : 0, oldest); i <= last + 2; i++) {
        Position at;
        raft_configuration then = {};
        at.index = i;
        at.term = raft_term_of(r, i);
        at.code = raft_configuration_at(r, i, &then, &at.conf_index);
        positions.push_back(at);
        if (at.code == 0 && (earlier.empty() || earlier.back().first != at.conf_index)) {
            earlier.emplace_back(at.conf_index, driver::Configuration(then));
        }
    }
}

const Peer &Answers::peer(raft_id id) const {
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

namespace {

void add_answer(Record *r, const char *name, unsigned long long value, std::string_view type) {
    is_id(type) ? r->add_own(name, value) : r->add(name, value);
}
void add_answer(Record *r, const char *name, int value, std::string_view /* type */) {
    r->add(name, value);
}

void add_configuration(Record *r, const driver::Configuration &conf) {
    r->add("servers", conf.members.size());
    for (const auto &[id, role, address] : conf.members) {
        r->add_own("id", id);
        r->add("address", address);
        r->add("role", role);
    }
}

/* A server that is no member, or that nobody leads, counts as RAFT_CATCH_UP_NONE. */
bool same_catch_ups(const Answers &a, const Answers &b) {
    for (const Answers *some : {&a, &b}) {
        for (size_t i = 0; i < some->peers.size(); i++) {
            const raft_id id = some->conf.members[i].id;
            if (a.peer(id).catch_up != b.peer(id).catch_up) {
                return false;
            }
        }
    }
    return true;
}

} // namespace

void record(Record *r, const Answers &a) {
#define OBSERVE_RECORD(name, type, function, flags) add_answer(r, #function, a.name, #type);
    OBSERVE_ACCESSORS(OBSERVE_RECORD)
#undef OBSERVE_RECORD
    r->add_own("raft_leader", a.leader);
    r->add("raft_leader's address", a.leader_address);
    r->add("contradiction", a.contradiction.c_str());
    r->group("raft_configuration_at, entry", a.conf_index);
    add_configuration(r, a.conf);
    for (size_t i = 0; i < a.peers.size(); i++) {
        const auto &[mode, catch_up, match, next, contact, features, capacity, snapshot, offset,
                     losses] = a.peers[i];
        r->group_of_own("raft_progress of", a.conf.members[i].id);
        r->add("mode", mode);
        r->add("raft_catch_up", catch_up);
        r->add("raft_match_index", match);
        r->add("next", next);
        r->add("last_contact", contact);
        r->add("features", features);
        r->add("capacity", capacity);
        r->add("snapshot_index", snapshot);
        r->add("snapshot_offset", offset);
        r->add("data_losses", losses);
    }
    for (const auto &[index, term, code, conf_index] : a.positions) {
        r->group("index", index);
        r->add("raft_term_of", term);
        r->add("raft_configuration_at", code);
        r->add("set by entry", conf_index);
    }
    for (const auto &[index, conf] : a.earlier) {
        r->group("configuration of entry", index);
        add_configuration(r, conf);
    }
}

std::string text(const Answers &answers) {
    Record r;
    record(&r, answers);
    return r.text();
}

std::string difference(const Answers &a, const Answers &b) {
    if (a == b) {
        return "";
    }
    Record of_a;
    Record of_b;
    record(&of_a, a);
    record(&of_b, b);
    return of_a.difference(of_b);
}

unsigned flags_between(const Answers &a, const Answers &b, unsigned event) {
    unsigned flags = event == RAFT_TIMEOUT ? unsigned{RAFT_UPDATE_TIMEOUT} : 0;
    const auto set = [&flags](bool changed, unsigned flag) { flags |= changed ? flag : 0; };
#define OBSERVE_COMPARE(name, type, function, flag) set(a.name != b.name, flag);
    OBSERVE_ACCESSORS(OBSERVE_COMPARE)
#undef OBSERVE_COMPARE
    set(a.leader != b.leader || a.leader_address != b.leader_address, RAFT_UPDATE_LEADER);
    set(a.conf_index != b.conf_index || !(a.conf == b.conf), RAFT_UPDATE_CONFIGURATION);
    set(!same_catch_ups(a, b), RAFT_UPDATE_CATCH_UP);
    return flags;
}

} // namespace observe
