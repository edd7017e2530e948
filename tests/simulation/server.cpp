/* SPDX-License-Identifier: MIT */
/* A server's life: boot, steps and what every step promises, crash. */
#include "server.hpp"

#include "../observe/paths.hpp"
#include "../observe/state.hpp"
#include "memory.hpp"
#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace sim {

void Loan::clear() {
    entries.clear();
    servers.clear();
    n_addresses = 0;
}

const char *Loan::address(raft_id id, unsigned port) {
    char *a = addresses[n_addresses++];
    snprintf(a, sizeof addresses[0], "%s", address_of(id, port));
    return a;
}

void Loan::lend(const Entry *first, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const Payload *p = first[i].payload;
        void *bytes = const_cast<unsigned char *>(p->bytes.data());
        entries.push_back(
            {first[i].term, p->type, {bytes, p->bytes.size()}, const_cast<Payload *>(p)});
    }
}

raft_configuration Loan::lend(const Conf &conf) {
    for (const Member &m : conf.members) {
        servers.push_back({m.id, address(m.id, m.port), m.role});
    }
    return {servers.data(), static_cast<unsigned>(servers.size())};
}

void Loan::spoil() {
    if (!entries.empty()) {
        memset(static_cast<void *>(entries.data()), 0x5a, entries.size() * sizeof(raft_entry));
    }
    if (!servers.empty()) {
        memset(static_cast<void *>(servers.data()), 0x5a, servers.size() * sizeof(raft_server));
    }
    memset(addresses, 0x5a, n_addresses * sizeof addresses[0]);
}

Server::Server(World &world, raft_id own_id)
    : id(own_id),
      vintage(world.plan.server[own_id].vintage),
      w_(world),
      plan_(world.plan.server[own_id]),
      handles_{} {}

Server::~Server() {
    raft_close(handle());
    for (Held &h : held_) {
        delete h.wire;
    }
}

raft_term Server::term_at(raft_index i) const {
    if (log.has(i)) {
        return log.at(i).term;
    }
    return snap != nullptr && snap->index == i ? snap->term : 0;
}

/* The library remembers the term before the first entry that is left. */
raft_term Server::known_term(raft_index i) const {
    raft_term term = term_at(i);
    return term == 0 && i > 0 && i + 1 == log.first && i <= w_.judge.top()
               ? w_.judge.committed_term(i)
               : term;
}

bool Server::announces(unsigned feature) const {
    return vintage >= kOurs && (plan_.features & feature) != 0;
}

int Server::call(raft_event &e, raft_update &u, bool starving) {
    memset(&u, 0xa5, sizeof u);
    if (w_.random.percent(5)) { /* the caller may move its storage */
        handles_[1 - handle_] = handles_[handle_];
        memset(&handles_[handle_], 0, sizeof(raft));
        handle_ = 1 - handle_;
    }
    if (starving || !w_.compares_ways()) { /* a copy wants memory */
        uint64_t before = observe::general_steps();
        int rc = raft_step(handle(), &e, &u);
        w_.stats.add(S_SHORT_WAY, before == observe::general_steps());
        return rc;
    }
    std::string difference;
    uint64_t before = observe::fast_steps();
    bool strange = w_.sabotage == Sabotage::STRANGE_SHORT_WAY;
    int rc =
        observe::step_on_both_paths(handle(), &e, &u, &difference, false,
                                    strange ? observe::Error::kLostMessage : observe::Error::kNone);
    if (!difference.empty()) {
        throw Violation("short way", format("%s: %s", name(), difference.c_str()));
    }
    w_.stats.add(S_SHORT_WAY, observe::fast_steps() - before);
    w_.stats.add(S_SHORT_WAY_COMPARED, observe::fast_steps() - before);
    return rc;
}

int Server::step(raft_event &e) {
    e.time = clock.read(w_.now);
    e.capacity = capacity;
    event_type_ = e.type;
    raft_update u;
    bool inject = !w_.calm && w_.random.ppm(w_.plan.nomem_ppm);
    /* What may be refused: now and then with a witness. */
    bool asked = e.type >= RAFT_SUBMIT && e.type != RAFT_STORED && e.type != RAFT_UNREACHABLE;
    if (!twin_.forked() && e.type != RAFT_START && (inject || (asked && w_.random.percent(3)))) {
        twin_.fork(*handle());
    }
    if (inject) {
        memory::arm(static_cast<unsigned>(w_.random.between(1, 6)), w_.random.percent(50));
    }
    int rc = call(e, u, inject);
    bool starved = inject && memory::disarm();
    if (rc == RAFT_NOMEM) {
        if (!starved || w_.sabotage == Sabotage::SILENT_NOMEM) {
            throw Violation("memory", "RAFT_NOMEM though no allocation failed");
        }
        w_.stats.add(S_NOMEM);
        check_failure(e, u, rc);
        rc = call(e, u, false);
        if (rc == RAFT_NOMEM) {
            throw Violation("memory", "RAFT_NOMEM again, though no allocation failed");
        }
    }
    if (rc == 0) {
        w_.stats.add(S_TWIN_STEP, twin_.follow(e, u, handle(), name()));
    }
    loan_.spoil();
    if (rc != 0) {
        check_failure(e, u, rc);
        return rc;
    }
    w_.stats.add(S_STEP);
    before_ = face;
    face.capture(handle());
    w_.sabotage_flags(u.flags);
    w_.sabotage_face(face, before_, u.flags);
    w_.sabotage_update(u, face, before_);
    check_flags(e, u);
    check_untouched(u);
    absorb_entries(e, u);
    judge_step();
    check_leader_address();
    keep_promises(e, u);
    note_transitions();
    carry_out(u);
    if (up && ++steps_ % 512 == 0) {
        check_thoroughly();
    }
    return 0;
}

void Server::check_failure(const raft_event &e, const raft_update &u, int rc) {
    if (u.flags != 0) {
        throw Violation("failed step", format("event %d of %s failed with %d, but flags are %s",
                                              e.type, name(), rc, describe_flags(u.flags).c_str()));
    }
    const char *why = raft_errmsg(handle());
    if (why == nullptr || why[0] == '\0') {
        throw Violation("failed step", "no error message");
    }
    if (w_.sabotage == Sabotage::DIRTY_FAILURE && e.type != RAFT_START) {
        raft_event dirt = {};
        raft_update ignored;
        dirt.type = RAFT_TIMEOUT;
        dirt.time = face.timeout;
        raft_step(handle(), &dirt, &ignored);
    }
    Face now = face;
    now.capture(handle());
    if (e.type == RAFT_START) { /* compared with the disk's from then on */
        now.term = face.term;
        now.vote = face.vote;
    }
    if (const char *what = face.difference(now)) {
        throw Violation("failed step", format("event %d of %s failed with %d (%s), but %s changed",
                                              e.type, name(), rc, why, what));
    }
    twin_.spared(*handle(), name());
    if (w_.sabotage == Sabotage::LATER_FAILURE) {
        raft_seed(handle(), static_cast<unsigned>(w_.random.next()));
    }
}

void Server::check_flags(const raft_event &e, const raft_update &u) const {
    constexpr unsigned content =
        RAFT_UPDATE_ENTRIES | RAFT_UPDATE_SNAPSHOT | RAFT_UPDATE_MESSAGES | RAFT_UPDATE_READS;
    unsigned expected = flags_between(before_, face);
    if ((u.flags & ~content) != expected) {
        throw Violation("update flags", format("event %d of %s: flags %s, changed %s", e.type,
                                               name(), describe_flags(u.flags & ~content).c_str(),
                                               describe_flags(expected).c_str()));
    }
    /* Time that runs backwards stands still. */
    if (face.timeout <= std::max<raft_time>(e.time, past_.now)) {
        throw Violation("timeout", format("event %d of %s at %llu leaves a timeout at %llu", e.type,
                                          name(), e.time, face.timeout));
    }
    if (face.term < before_.term || face.commit < before_.commit) {
        throw Violation("monotonic", format("term or commit index of %s fell", name()));
    }
    if (face.term == before_.term && before_.vote != 0 && face.vote != before_.vote) {
        throw Violation("one vote per term", format("%s changes its vote", name()));
    }
    bool trims =
        e.type == RAFT_START || e.type == RAFT_SNAPSHOT || e.type == RAFT_PERSISTED_SNAPSHOT;
    if (face.first != before_.first && !trims &&
        !(u.flags & RAFT_UPDATE_ENTRIES && before_.first > before_.last)) {
        throw Violation("first index", format("of %s changes in event %d", name(), e.type));
    }
    if (face.stored != before_.stored && face.stored != 0 &&
        !disk.holds(face.stored, term_at(face.stored)) && face.stored <= log.last()) {
        throw Violation("stored",
                        format("%s counts %llu as stored, which is not", name(), face.stored));
    }
    /* A deadline that has passed is shown as the next moment; time that runs backwards stands. */
    if (e.type == RAFT_TIMEOUT && std::max(e.time, past_.now) + 1 < before_.timeout &&
        (u.flags != 0 || before_.difference(face) != nullptr)) {
        const char *what = before_.difference(face);
        throw Violation(
            "early timeout",
            format("at %llu, due at %llu, on %s: flags %s, changed %s", e.time, before_.timeout,
                   name(), describe_flags(u.flags).c_str(), what != nullptr ? what : "nothing"));
    }
}

/* Only the flags and the members that they announce are written. */
void Server::check_untouched(const raft_update &u) const {
    static const std::vector<unsigned char> pattern(sizeof(raft_update), 0xa5);
    bool clean = memcmp(u.reserved, pattern.data(), sizeof u.reserved) == 0;
    clean = clean && (u.flags & RAFT_UPDATE_ENTRIES ||
                      memcmp(&u.entries, pattern.data(), sizeof u.entries) == 0);
    clean = clean && (u.flags & RAFT_UPDATE_SNAPSHOT ||
                      memcmp(&u.snapshot, pattern.data(), sizeof u.snapshot) == 0);
    clean = clean && (u.flags & RAFT_UPDATE_MESSAGES ||
                      memcmp(&u.messages, pattern.data(), sizeof u.messages) == 0);
    clean = clean &&
            (u.flags & RAFT_UPDATE_READS || memcmp(&u.reads, pattern.data(), sizeof u.reads) == 0);
    if (!clean) {
        throw Violation("update members", format("event %d of %s wrote what it did not announce",
                                                 event_type_, name()));
    }
}

void Server::check_thoroughly() {
    for (raft_index i = face.first; i <= face.last; i++) {
        if (raft_term_of(handle(), i) != term_at(i) || term_at(i) == 0) {
            throw Violation("raft_term_of", format("%llu on %s is %llu, the log says %llu", i,
                                                   name(), raft_term_of(handle(), i), term_at(i)));
        }
    }
    raft_index at = face.snapshot + w_.random.below(face.last - face.snapshot + 1);
    raft_index conf_index = 0, expected_index = 0;
    raft_configuration conf;
    int rc = raft_configuration_at(handle(), at, &conf, &conf_index);
    const Conf *expected = configuration_at(at, &expected_index);
    if ((rc == 0) != (expected != nullptr) ||
        (rc == 0 && (!(copy(conf) == *expected) || conf_index != expected_index))) {
        throw Violation("raft_configuration_at", format("%llu on %s is wrong", at, name()));
    }
}

void Server::note_transitions() {
    Stats &s = w_.stats;
    if (face.state != before_.state || face.term != before_.term) {
        static const char *const states[] = {"", "follower", "candidate", "leader"};
        w_.say(id, "is %s of term %llu", states[face.state], face.term);
        w_.story_role(id, face.state, face.term);
        s.add(S_CAMPAIGN, face.state == RAFT_CANDIDATE && before_.state == RAFT_FOLLOWER);
        s.add(S_STEP_DOWN, before_.state == RAFT_LEADER && face.state != RAFT_LEADER);
        s.add(S_REMOVED_LEADER, before_.leads() && !face.leads() && face.term == before_.term &&
                                    !votes_in_new(face.role));
        s.add(S_JOINT_INHERITED, face.leads() && !before_.leads() && before_.conf.joint());
    }
    if (face.commit != before_.commit) {
        w_.story_commit(id, face.commit);
    }
    if (!(face.conf == before_.conf) || face.conf_index != before_.conf_index) {
        w_.say(id, "configuration %s of %llu", describe(face.conf).c_str(), face.conf_index);
        if (face.leads() && !before_.conf.joint() && face.conf.joint()) {
            s.add(S_CHANGE_JOINT);
            w_.tempt_fate(id, 80, w_.plan.delay_max + 2 * w_.plan.disk_max);
        }
        s.add(S_JOINT_LEFT, face.leads() && before_.conf.joint() && !face.conf.joint());
        s.add(S_CONF_ROLLBACK, face.conf_index < before_.conf_index);
    }
    for (raft_id p = 1; p <= w_.plan.servers && (face.leads() || before_.leads()); p++) {
        if (face.catch_up[p] != before_.catch_up[p]) {
            s.add(S_CATCH_UP_FINISHED, face.catch_up[p] == RAFT_CATCH_UP_FINISHED);
            s.add(S_CATCH_UP_ABORTED, face.catch_up[p] == RAFT_CATCH_UP_ABORTED);
        }
    }
}

} // namespace sim
