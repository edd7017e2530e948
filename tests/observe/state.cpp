/* SPDX-License-Identifier: MIT */
/* The digest of a server's whole state. Structs are taken apart with structured bindings, which
 * stop compiling when a struct gains or loses a member. */
#include "state.hpp"

#include "rules/election_start.hpp"
#include "state/installation.hpp"
#include "state/server.hpp"
#include "state/tracker.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace observe {

using namespace libraft;

namespace {

Server &server_of(const struct raft &r) { return *static_cast<Server *>(r.impl); }

/* A server as seen from its own clock. */
struct View {
    const Server &server;
    const Settings &settings;
    Frame frame;

    bool exact() const { return frame == Frame::kExact; }
    /* Messages under way name rounds by their numbers, so ages are not enough for them. */
    bool exact_rounds() const { return exact() || (settings.features & RAFT_FEATURE_ROUNDS) != 0; }
    /* When a peer was last heard from. Time asleep does not count. */
    uint64_t contact(raft_time moment) const {
        const uint64_t longest =
            uint64_t{settings.election_timeout} * (settings.idle_timeout != 0 ? 10 : 1);
        const raft_time now = server.asleep ? server.tracker->slept_at : server.now;
        return exact() ? moment : std::min<uint64_t>(now - std::min(now, moment), longest);
    }
    /* A moment in the past. Moments more than `longest` ago are all the same. */
    uint64_t past(raft_time moment, uint64_t longest) const {
        return exact() ? moment : std::min<uint64_t>(server.now - moment, longest);
    }
    uint64_t future(raft_time moment) const {
        return exact() || moment == kNever ? moment : moment > server.now ? moment - server.now : 0;
    }
    uint64_t round(uint64_t number) const {
        return exact_rounds() || number == 0 || number == kNextRound
                   ? number
                   : server.tracker->round - number + 1;
    }
};

template <class... Values>
void add(Hasher &h, const Values &...values) {
    (h.add(static_cast<uint64_t>(values)), ...);
}

/* Trivial classes with private members are added bit for bit. */
template <class T>
void add_bits(Hasher &h, const T &value) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
    static_assert(std::has_unique_object_representations_v<T>);
    uint64_t words[sizeof(T) / 8];
    memcpy(words, &value, sizeof words);
    for (uint64_t word : words) {
        h.add(word);
    }
}

void add_configuration(Hasher &h, const Configuration *c) {
    h.add(c != nullptr);
    if (c == nullptr) {
        return;
    }
    const auto &[previous, index, n, joint] = *c;
    add(h, index, n, joint);
    for (const raft_server &server : *c) {
        const auto &[id, address, role] = server;
        add(h, id, role);
        h.add(address);
    }
    add_configuration(h, previous);
}

/* The runs of equal terms. The first begins at the entry before the oldest, whose term may be
 * known too. */
void add_log(Hasher &h, const TermLog &log) {
    add(h, log.first(), log.last());
    for (raft_index i = log.first() - 1; i <= log.last();) {
        const raft_term term = log.term_of(i);
        add(h, i, term);
        i = term > 0 ? log.last_agreeable(log.last(), term) + 1 : i + 1;
    }
}

void add_settings(Hasher &h, const Settings &settings) {
    const auto &[election_timeout, election_delay, heartbeat_timeout, snapshot_timeout,
                 max_catch_up_rounds, max_catch_up_round_duration, max_inflight_entries,
                 max_message_entries, max_uncommitted_entries, idle_timeout, capacity_threshold,
                 transmitted, features, pre_vote, eager_commit] = settings;
    add(h, election_timeout, election_delay, heartbeat_timeout, snapshot_timeout,
        max_catch_up_rounds, max_catch_up_round_duration, max_inflight_entries, max_message_entries,
        max_uncommitted_entries, idle_timeout, capacity_threshold, transmitted, features, pre_vote,
        eager_commit);
}

void add_installation(Hasher &h, const Installation *installation) {
    h.add(installation != nullptr);
    if (installation == nullptr) {
        return;
    }
    const auto &[index, term, leader_term, configuration, offset, writing, round, outstanding, last,
                 superseded, wanted] = *installation;
    add(h, index, term, leader_term, offset, writing, round, outstanding, last, superseded, wanted);
    add_configuration(h, configuration.get());
}

void add_peer(Hasher &h, const View &view, const Peer &peer) {
    const auto &[id, address, ballot, match, next, sent, agreed, asked_or_offset, contact,
                 waiting_since, rejecting_since, round, believed_from, snapshot_index, window,
                 patience, losses, features, capacity, mode, doubts, role, catch_up, features_known,
                 answered, self, granted, departing, demotion_pending, chunk_sent] = peer;
    const Settings &settings = view.settings;
    h.add(address);
    add_bits(h, ballot);
    add(h, id, match, next, sent, agreed, asked_or_offset, view.contact(contact),
        view.past(waiting_since, std::max(settings.election_timeout, settings.snapshot_timeout)),
        view.past(rejecting_since, settings.election_timeout), view.round(round),
        view.round(believed_from), snapshot_index,
        /* A window wider than what the caller allows has no effect. */
        view.exact() ? window : std::min(window, settings.max_inflight_entries), patience, losses,
        features, capacity, features_known, answered, mode, doubts, role, catch_up, self, granted,
        departing, demotion_pending, chunk_sent);
}

/* The latest round: how old it is, and how many there were in its millisecond. */
void add_round(Hasher &h, const View &view, uint64_t round, raft_time elected_at) {
    constexpr unsigned kBits = 20;
    if (view.exact_rounds()) {
        const bool leads = view.server.leads();
        add(h, view.exact() ? elected_at : leads ? view.server.now - elected_at : 0, round);
    } else if (round != 0) {
        const uint64_t age =
            view.past(elected_at + (round >> kBits) - 1, view.settings.election_timeout);
        add(h, age + 1, age == 0 ? round & ((1U << kBits) - 1) : 0);
    }
}

void add_tracker(Hasher &h, const View &view, const Tracker *tracker) {
    h.add(tracker != nullptr);
    if (tracker == nullptr) {
        return;
    }
    const auto &[peers, scratch, reads, answered, pre_vote, legacy_grant, asked_again,
                 pre_vote_term, tally, round, lease_after, elected_at, asked_at, sleep_from,
                 slept_at, barrier, leave, transfer, catch_up] = *tracker;
    (void)scratch;
    h.add(peers.size());
    for (const Peer &peer : peers) {
        add_peer(h, view, peer);
    }
    h.add(tracker->pending_reads());
    for (uint32_t i = answered; i < reads.size(); i++) {
        const auto &[id, index, read_round, committed] = reads[i];
        add(h, id, index, view.round(read_round), committed);
    }
    add_bits(h, tally);
    add_round(h, view, round, elected_at);
    add_configuration(h, leave.get());
    const Settings &settings = view.settings;
    const auto &[to, started, timeout_now_sent] = transfer;
    const auto &[catch_up_id, rounds, target, round_started] = catch_up;
    const uint64_t longest =
        uint64_t{1} + std::max(settings.election_timeout, settings.max_catch_up_round_duration);
    add(h, view.round(lease_after), barrier, to, view.past(started, settings.election_timeout),
        timeout_now_sent, catch_up_id, rounds, target, view.past(round_started, longest), pre_vote,
        pre_vote_term, legacy_grant, asked_again, view.past(asked_at, settings.idle_timeout),
        view.round(sleep_from), view.exact() ? slept_at : 0);
}

void add_facts(Hasher &h, const Server &server) {
    const auto &[term, voted_for, leader, configuration, drawn_timeout, capacity, state, own_sets,
                 sole_voter, has_led, pre_vote_terms, started, leader_extended, in_tracer, asleep,
                 fast_path] = static_cast<const Facts &>(server);
    (void)fast_path; /* follows from the rest: every step checks it */
    (void)in_tracer; /* between steps, nothing is in the tracer */
    h.add(leader != 0 && !server.leads() ? server.leader_address.get() : nullptr);
    h.add(server.own_address());
    add_configuration(h, configuration);
    add(h, term, voted_for, leader, drawn_timeout, capacity, state, own_sets, sole_voter, has_led,
        pre_vote_terms, started, leader_extended, asleep);
}

/* A class with members in two places cannot be taken apart. A new member must be added to state(),
 * to clone() and here. */
#ifdef RAFT_INVARIANTS
constexpr size_t kMembers = 17; /* general_steps is not part of the state */
#else
constexpr size_t kMembers = 16;
#endif
static_assert(sizeof(void *) != 8 ||
              sizeof(Server) == sizeof(Facts) + sizeof(TermLog) + sizeof(Outbox) + 8 * kMembers);

} // namespace

void Hasher::add(const char *text) {
    if (text == nullptr) {
        add(UINT64_MAX);
        return;
    }
    const size_t length = strlen(text);
    add(length);
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, text + i, std::min<size_t>(8, length - i));
        add(word);
    }
}

Digest state(const struct raft &r, Frame frame) {
    const Server &s = server_of(r);
    const View view{s, settings_of(r), frame};
    const bool exact = view.exact();
    Hasher h;
    add_facts(h, s);
    add_log(h, s.log);
    add(h, s.id, s.snapshot_index, s.commit, s.last_stored, s.matched, exact ? s.now : 0,
        view.past(s.heard_at, view.settings.election_timeout), view.future(s.deadline),
        s.leader_round, s.known_commit, exact ? s.writes : s.writes & UINT32_MAX,
        exact ? s.random.state() : 0, reinterpret_cast<uintptr_t>(s.tracer));
    add_tracker(h, view, s.tracker.get());
    add_installation(h, s.installation.get());
    add_settings(h, view.settings);
    return h.finish();
}

Clock clock_of(const struct raft &r) {
    Server &s = server_of(r);
    const UsesSettings uses(s, r);
    return {s.now, s.heard_at, s.deadline, election_start::may_campaign(s),
            s.asleep && s.leads() ? s.tracker->slept_at : 0};
}

bool is_asleep(const struct raft &r) { return server_of(r).asleep; }

int step_on_general_path(struct raft *r, raft_event *event, raft_update *update) {
    server_of(*r).fast_path = FastPath::kNone;
    return raft_step(r, event, update);
}

bool may_take_fast_path(struct raft *r, size_t memory) {
    Server &s = server_of(*r);
    return s.fast_path != FastPath::kNone && s.outbox.reserve(memory);
}

uint64_t general_steps([[maybe_unused]] const struct raft &r) {
#ifdef RAFT_INVARIANTS
    return server_of(r).general_steps;
#else
    return 0;
#endif
}

void delay_deadline(struct raft *r) { server_of(*r).deadline++; }

namespace {

/* The bits of an object that hold a value; none with a compiler that does not tell. */
template <class T, class... Arguments>
std::vector<unsigned char> value_bits([[maybe_unused]] Arguments... arguments) {
    std::vector<unsigned char> bits(sizeof(T), 0);
#if defined(__GNUC__) && !defined(__clang__)
    T object{arguments...};
    unsigned char saved[sizeof(T)];
    memcpy(saved, static_cast<void *>(&object), sizeof object);
    memset(static_cast<void *>(&object), 0xff, sizeof object);
    __builtin_clear_padding(&object);
    memcpy(bits.data(), static_cast<void *>(&object), sizeof object);
    memcpy(static_cast<void *>(&object), saved, sizeof object);
#endif
    return bits;
}

/* `left_out`: members that the digest follows as pointers, or leaves out. */
template <class T, class... Arguments>
Part part(const char *name, const T &object,
          std::initializer_list<std::pair<const void *, size_t>> left_out, Arguments... arguments) {
    auto *base = reinterpret_cast<unsigned char *>(const_cast<T *>(&object));
    Part made = {name, base, value_bits<T>(arguments...)};
    for (const auto &[member, size] : left_out) {
        const auto offset = static_cast<const unsigned char *>(member) - base;
        memset(made.mask.data() + offset, 0, size);
    }
    return made;
}

template <class T>
std::pair<const void *, size_t> all_of(const T &member) {
    return {&member, sizeof member};
}

} // namespace

std::vector<Part> parts(struct raft *r) {
    Server &s = server_of(*r);
    std::vector<Part> all = {part("server", s,
                                  {all_of(s.leader_address),
                                   all_of(s.configuration),
                                   all_of(s.tracker),
                                   all_of(s.installation),
                                   all_of(s.settings),
                                   all_of(s.why),
                                   all_of(s.log),
#ifdef RAFT_INVARIANTS
                                   all_of(s.general_steps),
#endif

                                   {&s.outbox, sizeof(void *) + sizeof(uint32_t)}},
                                  s.id),
                             part("settings", settings_of(*r), {})};
    const auto add_conf = [&](const Configuration &c) {
        all.push_back(part("configuration", c, {all_of(c.previous), all_of(c.n)}));
        all.push_back(part("member", c.servers()[1], {all_of(c.servers()[1].address)}));
    };
    add_conf(*s.configuration);
    if (s.tracker) {
        const Tracker &t = *s.tracker;
        all.push_back(part("tracker", t,
                           {all_of(t.peers), all_of(t.scratch), all_of(t.reads), all_of(t.answered),
                            all_of(t.leave)}));
        all.push_back(part("peer", t.peers[1], {all_of(t.peers[1].address)}));
        if (t.reads.size() > 0) {
            all.push_back(part("read", t.reads[0], {}));
        }
    }
    if (s.installation) {
        all.push_back(
            part("installation", *s.installation, {all_of(s.installation->configuration)}));
        add_conf(*s.installation->configuration);
    }
    return all;
}

} // namespace observe
