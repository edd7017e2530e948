/* SPDX-License-Identifier: MIT */
#include "answers.hpp"

#include "fields.hpp"

#include <algorithm>

namespace observe {
namespace {

/* Reuses the memory. */
void copy(const char *text, std::optional<std::string> *to) {
    if (text == nullptr) {
        to->reset();
    } else if (*to) {
        (*to)->assign(text);
    } else {
        to->emplace(text);
    }
}

const char *shown(const std::optional<std::string> &text) { return text ? text->c_str() : nullptr; }

void copy(const raft_configuration &conf, raft_index index, Configuration *to) {
    to->index = index;
    to->members.resize(conf.n);
    for (unsigned i = 0; i < conf.n; i++) {
        const auto &[id, address, role] = conf.servers[i];
        Member &member = to->members[i];
        member.id = id;
        copy(address, &member.address);
        member.role = role;
    }
}

/* False: all three accessors answer what they must for a server of which nothing is known. */
bool ask_about(const struct raft *r, raft_id id, int expected, Peer *peer) {
    struct raft_progress progress = {};
    peer->id = id;
    peer->match_code = raft_match_index(r, id, &peer->match);
    peer->catch_up_code = raft_catch_up(r, id, &peer->catch_up);
    peer->progress_code = raft_progress(r, id, &progress);
    if (expected != 0 && peer->match_code == expected && peer->catch_up_code == expected &&
        peer->progress_code == expected) {
        return false;
    }
    const auto &[mode, features, capacity, match, next, last_contact, reserved] = progress;
    peer->mode = mode;
    peer->features = features;
    peer->capacity = capacity;
    peer->progress_match = match;
    peer->next = next;
    peer->last_contact = last_contact;
    for (unsigned long long word : reserved) {
        peer->reserved |= word;
    }
    return true;
}

void ask_log(Answers *a, const struct raft *r, raft_index indexes) {
    const raft_index oldest = a->first > 4 ? a->first - 4 : 0;
    raft_index i = a->last > indexes ? a->last - indexes : 0;
    a->positions.clear();
    size_t n = 0;
    for (i = std::max(i, oldest); i <= a->last + 2; i++) {
        Position at;
        raft_configuration conf = {};
        at.index = i;
        at.term = raft_term_of(r, i);
        at.code = raft_configuration_at(r, i, &conf, &at.configuration_index);
        a->positions.push_back(at);
        if (at.code == 0 && (n == 0 || a->configurations[n - 1].index != at.configuration_index)) {
            a->configurations.resize(std::max(a->configurations.size(), n + 1));
            copy(conf, at.configuration_index, &a->configurations[n++]);
        }
    }
    a->configurations.resize(n);
}

} // namespace

const Member *Configuration::find(raft_id id) const {
    for (const Member &member : members) {
        if (member.id == id) {
            return &member;
        }
    }
    return nullptr;
}

const Configuration *Answers::configuration() const {
    return configurations.empty() ? nullptr : &configurations.back();
}

const Peer *Answers::find(raft_id id) const {
    for (const Peer &peer : peers) {
        if (peer.id == id) {
            return &peer;
        }
    }
    return nullptr;
}

void Answers::ask(struct raft *r, Scope scope) {
#define OBSERVE_ASK(name, type, function, flags) name = function(r);
    OBSERVE_ACCESSORS(OBSERVE_ASK)
#undef OBSERVE_ASK
    const char *address = nullptr;
    raft_leader(r, &leader, &address);
    copy(address, &leader_address);
    ask_log(this, r, scope.indexes);
    const Configuration *conf = configuration();
    const auto ask_peer = [&](raft_id id) {
        const bool member = conf != nullptr && conf->find(id) != nullptr;
        const int expected = !leads() ? RAFT_NOTLEADER : member ? 0 : RAFT_BADID;
        Peer peer;
        if (ask_about(r, id, expected, &peer)) {
            peers.push_back(peer);
        }
    };
    peers.clear();
    for (raft_id id = 0; id <= scope.ids; id++) {
        ask_peer(id);
    }
    if (conf != nullptr) {
        for (const Member &member : conf->members) {
            if (member.id > scope.ids) {
                ask_peer(member.id);
            }
        }
    }
}

void record(Record *r, const Answers &a) {
#define OBSERVE_RECORD(name, type, function, flags) r->add(#function, a.name);
    OBSERVE_ACCESSORS(OBSERVE_RECORD)
#undef OBSERVE_RECORD
    r->add("raft_leader", a.leader);
    r->add("raft_leader's address", shown(a.leader_address));
    for (const Position &at : a.positions) {
        const auto &[index, term, code, configuration_index] = at;
        r->group("index", index);
        r->add("raft_term_of", term);
        r->add("raft_configuration_at", code);
        r->add("set by entry", configuration_index);
    }
    for (const Configuration &configuration : a.configurations) {
        r->group("configuration of entry", configuration.index);
        r->add("servers", configuration.members.size());
        for (const auto &[id, address, role] : configuration.members) {
            r->add("id", id);
            r->add("address", shown(address));
            r->add("role", role);
        }
    }
    for (const Peer &peer : a.peers) {
        const auto &[id, match_code, match, catch_up_code, catch_up, progress_code, mode, features,
                     capacity, progress_match, next, last_contact, reserved] = peer;
        r->group("server", id);
        r->add("raft_match_index", match_code);
        r->add("match", match);
        r->add("raft_catch_up", catch_up_code);
        r->add("status", catch_up);
        r->add("raft_progress", progress_code);
        r->add("mode", mode);
        r->add("features", features);
        r->add("capacity", capacity);
        r->add("progress.match", progress_match);
        r->add("next", next);
        r->add("last_contact", last_contact);
        r->add("reserved", reserved);
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

unsigned flags_between(const Answers &before, const Answers &after) {
    unsigned flags = 0;
#define OBSERVE_COMPARE(name, type, function, of_change) \
    flags |= before.name != after.name ? unsigned{of_change} : 0U;
    OBSERVE_ACCESSORS(OBSERVE_COMPARE)
#undef OBSERVE_COMPARE
    if (before.leader != after.leader || before.leader_address != after.leader_address) {
        flags |= RAFT_UPDATE_LEADER;
    }
    const Configuration *then = before.configuration();
    const Configuration *now = after.configuration();
    if ((then == nullptr) != (now == nullptr) || (then != nullptr && !(*then == *now))) {
        flags |= RAFT_UPDATE_CONFIGURATION;
    }
    /* A server that is no member, or that nobody leads, counts as RAFT_CATCH_UP_NONE. */
    const auto one_way = [](const Answers &a, const Answers &b) {
        return std::all_of(a.peers.begin(), a.peers.end(), [&](const Peer &peer) {
            const Peer *other = b.find(peer.id);
            return peer.catch_up == (other != nullptr ? other->catch_up : RAFT_CATCH_UP_NONE);
        });
    };
    if (!one_way(before, after) || !one_way(after, before)) {
        flags |= RAFT_UPDATE_CATCH_UP;
    }
    return flags;
}

} // namespace observe
