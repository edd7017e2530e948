/* SPDX-License-Identifier: MIT */
/* The digest sees every field: each is changed in a copy of a server that has all there is
 * (a leader with reads, a transfer, a catch-up; a follower with an installation). */
#include "clone.hpp"
#include "digest.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

using namespace libraft;
using proof::clone;
using proof::destroy;
using proof::digest;
using proof::Frame;

namespace {

unsigned fields = 0;
unsigned missed = 0;

raft_configuration three(const char *third = "c") {
    static raft_server servers[3];
    servers[0] = {1, "a", RAFT_VOTER};
    servers[1] = {2, "b", RAFT_VOTER};
    servers[2] = {3, third, RAFT_STANDBY};
    return {servers, 3};
}

Server *new_server() {
    struct raft r;
    if (raft_init(&r, 1, "a") != 0 || raft_set_pre_vote(&r, true) != 0) {
        abort();
    }
    Server *s = &proof::server_of(r);
    s->now = 1000;
    s->heard_at = 999;
    s->deadline = 1500;
    s->writes = 5;
    s->valid_from = 3;
    s->configuration = configuration::copy(three(), 1);
    if (s->configuration == nullptr || !s->trail.reserve(4)) {
        abort();
    }
    s->trail.append(1, 3);
    s->trail.append(2, 2);
    s->leader_address = s->configuration->servers()[1].address;
    return s;
}

Server *new_leader() {
    Server *s = new_server();
    auto *t = new (malloc(sizeof(Tracker))) Tracker;
    s->tracker = t;
    if (!t->reserve_members(*s->configuration) || !t->reads.reserve(2)) {
        abort();
    }
    (void)t->adopt(*s->configuration, 1, 5, 1000);
    t->reads.push_back({1, 2, 3ULL << 20, 4});
    t->elected_at = 990;
    t->round = 11ULL << 20;
    t->leave = configuration::copy(three(), 7);
    t->transfer.started = 999;
    t->catch_up.started = 999;
    for (Progress &p : t->peers) {
        p.contact = 999;
        p.round = 2ULL << 20;
        p.snapshot_sent_at = 999;
        p.window = 7;
    }
    return s;
}

Server *new_follower() {
    Server *s = new_server();
    auto *i = static_cast<Install *>(calloc(1, sizeof(Install)));
    i->configuration = configuration::copy(three(), 3);
    s->install = i;
    return s;
}

enum class Seen { kAlways, kExactOnly };

template <class Change>
void field(const Server &original, const char *name, Seen seen, Change change) {
    Server *changed = clone(original);
    if (digest(*changed, Frame::kExact) != digest(original, Frame::kExact) ||
        digest(*changed, Frame::kRelative) != digest(original, Frame::kRelative)) {
        printf("%s: a copy has another digest\n", name);
        missed++;
    }
    change(*changed);
    fields++;
    if (digest(*changed, Frame::kExact) == digest(original, Frame::kExact)) {
        printf("%s: the exact digest does not see it\n", name);
        missed++;
    }
    const bool differs = digest(*changed, Frame::kRelative) != digest(original, Frame::kRelative);
    if (differs != (seen == Seen::kAlways)) {
        printf("%s: the relative digest %s\n", name, differs ? "sees it" : "does not see it");
        missed++;
    }
    destroy(changed);
}

#define FIELD(original, expression) \
    field(original, #expression, Seen::kAlways, [](Server &s) { expression; })
#define EXACT(original, expression) \
    field(original, #expression, Seen::kExactOnly, [](Server &s) { expression; })

void try_server(const Server &o) {
    FIELD(o, s.id++);
    FIELD(o, s.term++);
    FIELD(o, s.voted_for++);
    FIELD(o, s.leader++);
    FIELD(o, s.leader_address = nullptr);
    FIELD(o, s.election_span++);
    FIELD(o, s.capacity++);
    FIELD(o, s.state++);
    FIELD(o, s.own_sets = 3);
    FIELD(o, s.started = true);
    FIELD(o, s.leader_extended = true);
    FIELD(o, s.leader_foreign = true; s.leader_address = strdup(s.leader_address));
    FIELD(o, s.trail.truncate(5));
    FIELD(o, s.trail.compact(3));
    FIELD(o, if (s.trail.reserve(1)) s.trail.append(2, 1));
    FIELD(o, s.trail.truncate(5); if (s.trail.reserve(1)) s.trail.append(3, 1));
    FIELD(o, s.snapshot_index++);
    FIELD(o, s.commit++);
    FIELD(o, s.last_stored++);
    FIELD(o, s.matched++);
    FIELD(o, s.heard_at--);
    FIELD(o, s.deadline++);
    FIELD(o, s.leader_round++);
    FIELD(o, s.writes++);
    FIELD(o, s.valid_from++);
    FIELD(o, s.configuration->index++);
    FIELD(o, s.configuration->joint = true);
    FIELD(o, s.configuration->n--);
    FIELD(o, s.configuration->servers()[1].id = 9);
    FIELD(o, s.configuration->servers()[1].role = RAFT_SPARE);
    FIELD(o, s.configuration->servers()[2].address = "other");
    FIELD(o, s.configuration->previous = configuration::copy(three(), 1));
    EXACT(o, (void)s.random.next());
    EXACT(o, s.writes += 2; s.valid_from += 2);
    /* All of it, seven milliseconds later. */
    EXACT(
        o, s.now += 7; s.heard_at += 7; s.deadline += 7; if (s.tracker != nullptr) {
            s.tracker->elected_at += 7;
            s.tracker->transfer.started += 7;
            s.tracker->catch_up.started += 7;
            for (Progress &p : s.tracker->peers) {
                p.contact += 7;
                p.snapshot_sent_at += 7;
            }
        });
}

void try_settings(const Server &o) {
#define SETTING(member, value) FIELD(o, const_cast<Settings *>(s.settings)->member = value)
    SETTING(tracer, reinterpret_cast<raft_tracer *>(8));
    SETTING(election_timeout, 1001);
    SETTING(heartbeat_timeout, 101);
    SETTING(snapshot_timeout, 30001);
    SETTING(max_catch_up_rounds, 11);
    SETTING(max_catch_up_round_duration, 5001);
    SETTING(max_inflight_entries, 1025);
    SETTING(max_message_entries, 1);
    SETTING(max_uncommitted_entries, 1);
    SETTING(capacity_threshold, 1);
    SETTING(features, 3);
    SETTING(pre_vote, false);
    SETTING(asked_until, 9);
}

void try_tracker(const Server &o) {
    FIELD(o, s.tracker->~Tracker(); free(s.tracker); s.tracker = nullptr);
    FIELD(o, s.tracker->peers.truncate(2));
    FIELD(o, s.tracker->peers[1].id = 9);
    FIELD(o, s.tracker->peers[1].address = "other");
    FIELD(o, s.tracker->peers[1].ballot = Ballot::of(kNewSet));
    FIELD(o, s.tracker->peers[1].match++);
    FIELD(o, s.tracker->peers[1].next++);
    FIELD(o, s.tracker->peers[1].sent++);
    FIELD(o, s.tracker->peers[1].contact--);
    FIELD(o, s.tracker->peers[1].round++);
    FIELD(o, s.tracker->peers[1].snapshot_index++);
    FIELD(o, s.tracker->peers[1].snapshot_offset++);
    FIELD(o, s.tracker->peers[1].snapshot_sent_at--);
    FIELD(o, s.tracker->peers[1].window++);
    FIELD(o, s.tracker->peers[1].features++);
    FIELD(o, s.tracker->peers[1].capacity++);
    FIELD(o, s.tracker->peers[1].reports_capacity = true);
    FIELD(o, s.tracker->peers[1].mode = RAFT_PROGRESS_PIPELINE);
    FIELD(o, s.tracker->peers[1].role++);
    FIELD(o, s.tracker->peers[1].catch_up++);
    FIELD(o, s.tracker->peers[1].self = true);
    FIELD(o, s.tracker->peers[1].granted = true);
    FIELD(o, s.tracker->peers[1].departing = true);
    FIELD(o, s.tracker->peers[1].resting = true);
    FIELD(o, s.tracker->answered = 1);
    FIELD(o, s.tracker->reads[0].id++);
    FIELD(o, s.tracker->reads[0].index++);
    FIELD(o, s.tracker->reads[0].round++);
    FIELD(o, s.tracker->reads[0].committed++);
    FIELD(o, s.tracker->tally.restart(s.tracker->peers, 3));
    FIELD(o, s.tracker->round++);
    FIELD(o, s.tracker->elected_at--);
    FIELD(o, s.tracker->barrier++);
    FIELD(o, s.tracker->leave->index++);
    FIELD(o, configuration::release(s.tracker->leave); s.tracker->leave = nullptr);
    FIELD(o, s.tracker->transfer.to++);
    FIELD(o, s.tracker->transfer.started--);
    FIELD(o, s.tracker->transfer.timeout_now_sent = true);
    FIELD(o, s.tracker->catch_up.id++);
    FIELD(o, s.tracker->catch_up.rounds++);
    FIELD(o, s.tracker->catch_up.target++);
    FIELD(o, s.tracker->catch_up.started--);
    FIELD(o, s.tracker->pre_vote = true);
    FIELD(o, s.tracker->pre_vote_term++);
    FIELD(o, s.tracker->legacy_grant = true);
}

void try_install(const Server &o) {
    FIELD(o, s.abandon_install());
    FIELD(o, s.install->index++);
    FIELD(o, s.install->term++);
    FIELD(o, s.install->leader_term++);
    FIELD(o, s.install->configuration->index++);
    FIELD(o, s.install->offset++);
    FIELD(o, s.install->writing++);
    FIELD(o, s.install->outstanding = true);
    FIELD(o, s.install->last = true);
    FIELD(o, s.install->superseded = true);
    FIELD(o, s.install->wanted++);
}

#if defined(__GNUC__) && !defined(__clang__)
/* Which bits of a server hold anything? */
void mark_values(unsigned char (&mask)[sizeof(Server)]) {
    Server s(1);
    unsigned char saved[sizeof(Server)];
    memcpy(saved, static_cast<void *>(&s), sizeof s);
    memset(static_cast<void *>(&s), 0xff, sizeof s);
    __builtin_clear_padding(&s);
    memcpy(mask, static_cast<void *>(&s), sizeof s);
    memcpy(static_cast<void *>(&s), saved, sizeof s);
}

/* Every bit of the struct but those that point elsewhere, have tests of their own above, or are
 * not looked at on purpose: so that no member is forgotten. */
void try_every_bit(const Server &o) {
    unsigned char mask[sizeof(Server)];
    mark_values(mask);
    const auto *base = reinterpret_cast<const unsigned char *>(&o);
    const auto skip = [&](const void *member, size_t size) {
        memset(mask + (static_cast<const unsigned char *>(member) - base), 0, size);
    };
    skip(&o.leader_address, sizeof o.leader_address);
    skip(&o.configuration, sizeof o.configuration);
    skip(&o.tracker, sizeof o.tracker);
    skip(&o.install, sizeof o.install);
    skip(&o.settings, sizeof o.settings);
    skip(&o.why, sizeof o.why);
    skip(&o.trail, sizeof o.trail);
    skip(&o.outbox, sizeof(void *) + sizeof(uint32_t));
    unsigned bits = 0;
    unsigned unseen = 0;
    Server *changed = clone(o);
    auto *bytes = reinterpret_cast<unsigned char *>(changed);
    const auto before = digest(o, Frame::kExact);
    for (size_t i = 0; i < sizeof(Server); i++) {
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            if ((mask[i] & bit) == 0) {
                continue;
            }
            bytes[i] ^= static_cast<unsigned char>(bit);
            bits++;
            if (digest(*changed, Frame::kExact) == before) {
                unseen++;
            }
            bytes[i] ^= static_cast<unsigned char>(bit);
        }
    }
    destroy(changed);
    /* What is derived from the rest: Steady, of two bits. */
    printf("%u bits of a server, %u of them not seen\n", bits, unseen);
    missed += bits < 500 || unseen != 2;
}
#else
void try_every_bit(const Server &) {} /* needs to know what is padding */
#endif

} // namespace

int main() {
    Server *leader = new_leader();
    Server *follower = new_follower();
    try_server(*leader);
    try_server(*follower);
    try_every_bit(*leader);
    try_every_bit(*follower);
    try_settings(*follower);
    try_tracker(*leader);
    try_install(*follower);
    destroy(leader);
    destroy(follower);
    printf("%u changes of fields, %u not seen as they should be\n", fields, missed);
    return missed != 0;
}
