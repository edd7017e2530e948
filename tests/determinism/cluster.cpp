/* SPDX-License-Identifier: MIT */
#include "cluster.hpp"

#include "../observe/answers.hpp"
#include "../observe/fields.hpp"

#include <cstdio>
#include <cstring>

namespace determinism {
namespace {

constexpr unsigned kFeatures = RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS |
                               RAFT_FEATURE_JOINT | RAFT_FEATURE_SLEEP;
constexpr size_t kMostMessages = 48;

template <size_t N>
void count(std::array<uint64_t, N> &counters, uint64_t kind) {
    counters[kind < N ? static_cast<size_t>(kind) : 0]++;
}

} // namespace

void Reached::add(const Reached &other) {
    const auto sum = [](auto &mine, const auto &others) {
        for (size_t i = 0; i < mine.size(); i++) {
            mine[i] += others[i];
        }
    };
    sum(done, other.done);
    sum(failed, other.failed);
    sum(flags, other.flags);
    sum(codes, other.codes);
    sum(sent, other.sent);
    sum(facts, other.facts);
    sum(asleep, other.asleep);
    installed += other.installed;
    joint += other.joint;
    reads_lost += other.reads_lost;
    older_snapshots += other.older_snapshots;
    steps += other.steps;
}

Server::Server(raft_id own_id, Cluster &cluster, uint64_t own_settings)
    : Driver(own_id, cluster.payloads_, nullptr), settings(own_settings), cluster_(cluster) {
    trusts_peers = cluster.hostility_ == 0;
}

void Server::open() {
    if (init() != 0) {
        throw driver::Violation("raft_init", "fails");
    }
    cluster_.set_up(handle(), settings);
    if (start() != 0) {
        throw driver::Violation("start", raft_errmsg(handle()));
    }
}

int Server::call(raft_event &e, raft_update &u) {
    if (e.time == 0) { /* made by the driver */
        const raft_event made = cluster_.event(e.type);
        e.time = made.time;
        e.capacity = made.capacity;
    }
    return cluster_.take_step(handle(), e, u);
}

void Server::installing() { cluster_.reached_.installed++; }
bool Server::chunk_write_fails() { return cluster_.random_.one_in(20); }

unsigned Server::choose_entries(unsigned n) {
    return cluster_.random_.one_in(10) ? cluster_.random_.below(n) : n;
}

size_t Server::choose_bytes(size_t left) {
    return left > 1 ? 1 + cluster_.random_.below(left) : left;
}

void Server::send(std::unique_ptr<driver::Message> message) { cluster_.post(*message); }

void Server::answered(const raft_read &read) {
    cluster_.reached_.reads_lost += read.status == RAFT_LEADERSHIPLOST;
}

Cluster::Cluster(uint64_t seed) : random_(seed) {
    traced_ = random_.one_in(3);
    hostility_ = random_.one_in(2) ? 0 : 8 + random_.below(40);
    tracer_ = {this, 1, trace};
    const uint64_t servers = 1 + random_.below(6);
    founders_ = 1 + random_.below(servers);
    for (uint64_t i = 0; i < servers; i++) {
        servers_.push_back(std::make_unique<Server>(i + 1, *this, random_.next()));
        servers_.back()->open();
    }
    found();
}

void Cluster::trace(raft_tracer *t, int type, const void *info) {
    auto *cluster = static_cast<Cluster *>(t->impl);
    observe::Record fact;
    observe::record(&fact, *static_cast<const raft_tracer_info *>(info), type);
    if (cluster->too_large_.empty()) { /* no exception may leave a tracer */
        cluster->too_large_ = fact.beyond_int64();
    }
    cluster->add(fact);
    count(cluster->reached_.facts, static_cast<uint64_t>(type));
}

void Cluster::set_up(raft *r, uint64_t settings) {
    Random drawn(settings);
    int errors = raft_seed(r, static_cast<unsigned>(drawn.next() >> 32));
    errors += raft_set_election_timeout(r, 500 + 100 * drawn.below(6));
    errors += raft_set_heartbeat_timeout(r, 50 + drawn.below(100));
    errors += raft_set_install_snapshot_timeout(r, 300 + drawn.below(500));
    errors += raft_set_pre_vote(r, !drawn.one_in(4));
    errors += raft_set_max_inflight_entries(r, 1 + drawn.below(12));
    errors += raft_set_max_message_entries(r, drawn.below(4));
    errors += raft_set_max_uncommitted_entries(r, drawn.one_in(2) ? 0 : 8);
    errors += raft_set_capacity_threshold(r, drawn.one_in(4) ? 20 : 0);
    errors += raft_set_max_catch_up_rounds(r, 1 + drawn.below(4));
    if (drawn.one_in(3)) { /* the first server may always lead */
        const unsigned never = drawn.one_in(4) && r->id != 1 ? UINT32_MAX : 0;
        errors += raft_set_election_delay(r, never != 0 ? never : drawn.below(800));
    }
    errors += raft_set_eager_commit(r, drawn.below(2));
    errors += raft_set_features(r, drawn.one_in(4) ? drawn.below(32) : kFeatures);
    errors += raft_set_idle_timeout(r, drawn.one_in(3) ? 0 : drawn.below(300));
    errors += raft_set_tracer(r, traced_ ? &tracer_ : nullptr);
    if (errors != 0) {
        throw driver::Violation("settings", "a legal setting fails");
    }
}

/* All founders get the same configuration. */
void Cluster::found() {
    driver::Configuration members;
    for (uint64_t i = 0; i < founders_; i++) {
        members.add(i + 1, i == 0 || !random_.one_in(6) ? RAFT_VOTER : RAFT_STANDBY);
    }
    for (uint64_t i = 0; i < founders_; i++) {
        step_with(*servers_[i], RAFT_BOOTSTRAP, members);
    }
}

/* A crash: of the writes under way some are lost. */
void Cluster::restart(Server &server) {
    server.crash(random_.below(server.disk.steps() + 1));
    server.open();
}

raft_event Cluster::event(raft_event_type type) {
    raft_event e;
    memset(&e, 0, sizeof e);
    e.time = now_;
    if (random_.one_in(40)) {
        e.time -= random_.below(300);
    }
    e.type = type;
    e.capacity = static_cast<unsigned short>(10 + random_.below(60));
    return e;
}

/* One step of any raft. Its outcome is added to the digest. */
int Cluster::take_step(raft *r, raft_event &e, raft_update &u) {
    uint32_t type;
    memcpy(&type, &e.type, sizeof type); /* may not be an event type */
    observe::fill(&u);
    raft_id leader;
    raft_leader(r, &leader, nullptr);
    const bool slept = leader != 0 && raft_timeout(r) == driver::kNoDeadline;
    const int code = raft_step(r, &e, &u);
    observe::Record all;
    all.add_own("server", r->id);
    all.add("event", type);
    all.add("code", code);
    observe::record(&all, u, observe::Payloads::kContents);
    observe::record(&all, observe::Answers(r, 6));
    all.add("raft_errmsg", raft_errmsg(r));
    if (too_large_.empty()) {
        too_large_ = all.beyond_int64();
    }
    if (!too_large_.empty()) {
        throw driver::Violation("a number does not fit a signed 64-bit integer", too_large_);
    }
    add(all);
    reached_.steps++;
    if (print) {
        printf("%llu: event %lu on server %llu: %d, flags %x: %016llx\n",
               static_cast<unsigned long long>(reached_.steps), static_cast<unsigned long>(type),
               r->id, code, u.flags, static_cast<unsigned long long>(digest_));
    }
    const uint32_t slot = type >= RAFT_START && type < kUnknownEvent ? type : kUnknownEvent;
    reached_.older_snapshots += raft_oldest_snapshot_index(r) < raft_snapshot_index(r);
    count(code == 0 ? reached_.done : reached_.failed, slot);
    reached_.asleep[slot] += slept;
    count(reached_.codes, static_cast<uint64_t>(code));
    for (unsigned bit = 0; bit < reached_.flags.size(); bit++) {
        reached_.flags[bit] += u.flags >> bit & 1;
    }
    for (unsigned i = 0; (u.flags & RAFT_UPDATE_MESSAGES) != 0 && i < u.messages.n; i++) {
        count(reached_.sent, u.messages.batch[i].type);
    }
    raft_configuration conf = {};
    if ((u.flags & RAFT_UPDATE_CONFIGURATION) != 0 &&
        raft_configuration_at(r, raft_last_index(r), &conf, nullptr) == 0) {
        reached_.joint += driver::Configuration(conf).joint();
    }
    return code;
}

void Cluster::post(driver::Message message) {
    if (message.to == 0 || message.to > servers_.size()) {
        return;
    }
    if (messages_.size() >= kMostMessages) {
        messages_[random_.below(messages_.size())] = std::move(message);
    } else {
        messages_.push_back(std::move(message));
    }
}

} // namespace determinism
