/* SPDX-License-Identifier: MIT */
/* Structs are taken apart with structured bindings, which stop compiling when a struct gains
 * or loses a member: none can be forgotten here. */
#include "digest.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace proof {

using namespace libraft;

void Hasher::text(const char *string) {
    if (string == nullptr) {
        u64(UINT64_MAX);
        return;
    }
    const size_t length = strlen(string);
    u64(length);
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, string + i, std::min<size_t>(8, length - i));
        u64(word);
    }
}

namespace {

/* Trivial classes with private members: bit for bit. */
template <class T>
void add_bits(Hasher &h, const T &value) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0);
    static_assert(std::has_unique_object_representations_v<T>);
    uint64_t words[sizeof(T) / 8];
    memcpy(words, &value, sizeof words);
    for (uint64_t word : words) {
        h.u64(word);
    }
}

/* Where times and rounds are seen from. */
struct View {
    const Server &server;
    Frame frame;

    bool exact() const { return frame == Frame::kExact; }
    /* Messages under way name rounds by their numbers: these must not be told apart by less. */
    bool exact_rounds() const {
        return exact() || (server.settings->features & RAFT_FEATURE_ROUNDS) != 0;
    }
    /* A moment in the past; more than `longest` ago is all the same. */
    uint64_t past(raft_time moment, uint64_t longest) const {
        return exact() ? moment : std::min<uint64_t>(server.now - moment, longest);
    }
    uint64_t future(raft_time moment) const {
        return exact() || moment == kNever ? moment : moment - server.now;
    }
};

void add_configuration(Hasher &h, const Configuration &c) {
    const auto &[previous, index, n, joint] = c;
    (void)previous;
    h.u64(index);
    h.u64(n);
    h.u64(joint);
    for (const raft_server &server : c) {
        h.u64(server.id);
        h.text(server.address);
        h.u64(static_cast<uint64_t>(server.role));
    }
}

void add_chain(Hasher &h, const Configuration *c) {
    for (; c != nullptr; c = c->previous) {
        h.u64(1);
        add_configuration(h, *c);
    }
    h.u64(0);
}

void add_trail(Hasher &h, const Trail &trail) {
    h.u64(trail.first());
    h.u64(trail.last());
    for_each_run(trail, [&](raft_index begin, raft_index, raft_term term) {
        h.u64(begin);
        h.u64(term);
    });
}

void add_settings(Hasher &h, const Settings &settings) {
    const auto &[tracer, election_timeout, heartbeat_timeout, snapshot_timeout, max_catch_up_rounds,
                 max_catch_up_round_duration, max_inflight_entries, max_message_entries,
                 max_uncommitted_entries, capacity_threshold, features, pre_vote, asked_until] =
        settings;
    h.u64(reinterpret_cast<uintptr_t>(tracer));
    h.u64(election_timeout);
    h.u64(heartbeat_timeout);
    h.u64(snapshot_timeout);
    h.u64(max_catch_up_rounds);
    h.u64(max_catch_up_round_duration);
    h.u64(max_inflight_entries);
    h.u64(max_message_entries);
    h.u64(max_uncommitted_entries);
    h.u64(capacity_threshold);
    h.u64(features);
    h.u64(pre_vote);
    h.u64(asked_until);
}

void add_install(Hasher &h, const Install *install) {
    h.u64(install != nullptr);
    if (install == nullptr) {
        return;
    }
    const auto &[index, term, leader_term, configuration, offset, writing, outstanding, last,
                 superseded, wanted] = *install;
    h.u64(index);
    h.u64(term);
    h.u64(leader_term);
    add_configuration(h, *configuration);
    h.u64(offset);
    h.u64(writing);
    h.u64(outstanding);
    h.u64(last);
    h.u64(superseded);
    h.u64(wanted);
}

void add_progress(Hasher &h, const View &view, const Progress &progress) {
    const auto &[id, address, ballot, match, next, sent, contact, round, snapshot_index,
                 snapshot_offset, snapshot_sent_at, window, features, capacity, reports_capacity,
                 mode, role, catch_up, self, granted, departing, resting] = progress;
    const Settings &settings = *view.server.settings;
    h.u64(id);
    h.text(address);
    add_bits(h, ballot);
    h.u64(match);
    h.u64(next);
    h.u64(sent);
    h.u64(view.past(contact, settings.election_timeout));
    h.u64(view.exact_rounds() || round == 0 ? round : view.server.tracker->round - round + 1);
    h.u64(snapshot_index);
    h.u64(snapshot_offset);
    h.u64(view.past(snapshot_sent_at,
                    std::max(settings.election_timeout, settings.snapshot_timeout)));
    /* Wider than what the caller allows is all the same. */
    h.u64(view.exact() ? window : std::min(window, settings.max_inflight_entries));
    h.u64(features);
    h.u64(capacity);
    h.u64(reports_capacity);
    h.u64(mode);
    h.u64(role);
    h.u64(catch_up);
    h.u64(self);
    h.u64(granted);
    h.u64(departing);
    h.u64(resting);
}

/* The latest round: how old it is, and how many there were in its millisecond. */
void add_round(Hasher &h, const View &view, uint64_t round, raft_time elected_at) {
    constexpr unsigned kBits = 20;
    if (view.exact_rounds()) {
        const bool leads = view.server.leads();
        h.u64(view.exact() ? elected_at : leads ? view.server.now - elected_at : 0);
        h.u64(round);
    } else if (round != 0) {
        const uint64_t age =
            view.past(elected_at + (round >> kBits) - 1, view.server.settings->election_timeout);
        h.u64(age + 1);
        h.u64(age == 0 ? round & ((1U << kBits) - 1) : 0);
    }
}

void add_reads(Hasher &h, const View &view, const Tracker &t) {
    h.u64(t.pending_reads());
    for (uint32_t i = t.answered; i < t.reads.size(); i++) {
        const auto &[id, index, round, committed] = t.reads[i];
        h.u64(id);
        h.u64(index);
        h.u64(view.exact_rounds() || round == 0 ? round : t.round - round + 1);
        h.u64(committed);
    }
}

void add_tracker(Hasher &h, const View &view, const Tracker *tracker) {
    h.u64(tracker != nullptr);
    if (tracker == nullptr) {
        return;
    }
    const auto &[peers, spare, reads, answered, tally, round, elected_at, barrier, leave, transfer,
                 catch_up, pre_vote, pre_vote_term, legacy_grant] = *tracker;
    (void)spare;
    (void)reads;
    (void)answered;
    h.u64(peers.size());
    for (const Progress &progress : peers) {
        add_progress(h, view, progress);
    }
    add_reads(h, view, *tracker);
    add_bits(h, tally);
    add_round(h, view, round, elected_at);
    h.u64(barrier);
    h.u64(leave != nullptr);
    if (leave != nullptr) {
        add_configuration(h, *leave);
    }
    const auto &[to, started, timeout_now_sent] = transfer;
    h.u64(to);
    h.u64(view.past(started, view.server.settings->election_timeout));
    h.u64(timeout_now_sent);
    const auto &[catch_up_id, rounds, target, round_started] = catch_up;
    h.u64(catch_up_id);
    h.u64(rounds);
    h.u64(target);
    const Settings &settings = *view.server.settings;
    h.u64(view.past(round_started, uint64_t{1} + std::max(settings.election_timeout,
                                                          settings.max_catch_up_round_duration)));
    h.u64(pre_vote);
    h.u64(pre_vote_term);
    h.u64(legacy_grant);
}

void add_facts(Hasher &h, const View &view) {
    const auto &[term, voted_for, leader, leader_address, configuration, election_span, capacity,
                 state, own_sets, started, leader_extended, leader_foreign, steady] =
        static_cast<const Facts &>(view.server);
    h.u64(term);
    h.u64(voted_for);
    h.u64(leader);
    h.text(leader_address);
    add_chain(h, configuration);
    h.u64(election_span);
    h.u64(capacity);
    h.u64(state);
    h.u64(own_sets);
    h.u64(started);
    h.u64(leader_extended);
    h.u64(leader_foreign);
    (void)steady; /* follows from the rest: every step checks it */
}

/* A class with members in two places cannot be taken apart: here is what digest() knows.
 * A new member must be added there, to clone(), and here. */
static_assert(sizeof(void *) != 8 ||
              sizeof(Server) == sizeof(Facts) + sizeof(Trail) + sizeof(Outbox) + 8 * 15);

} // namespace

Digest digest(const Server &server, Frame frame) {
    const View view{server, frame};
    Hasher h;
    add_facts(h, view);
    h.u64(server.id);
    add_trail(h, server.trail);
    h.u64(server.snapshot_index);
    h.u64(server.commit);
    h.u64(server.last_stored);
    h.u64(server.matched);
    h.u64(view.exact() ? server.now : 0);
    h.u64(view.past(server.heard_at, server.settings->election_timeout));
    h.u64(view.future(server.deadline));
    h.u64(server.leader_round);
    h.u64(view.exact() ? server.writes : 0);
    h.u64(view.exact() ? server.valid_from : server.writes - server.valid_from);
    add_tracker(h, view, server.tracker);
    add_install(h, server.install);
    add_settings(h, *server.settings);
    h.u64(view.exact() ? server.random.state() : 0);
    return h.finish();
}

} // namespace proof
