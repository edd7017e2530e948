/* SPDX-License-Identifier: MIT */
#include "world.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace determinism {
namespace {

constexpr unsigned kFeatures =
    RAFT_FEATURE_CAPACITY | RAFT_FEATURE_ROUNDS | RAFT_FEATURE_CHUNKS | RAFT_FEATURE_JOINT;
constexpr size_t kMostMails = 48;

/* What the library must never ask for; a digest of it would be worth nothing. */
void demand(bool kept, const char *what) {
    if (!kept) {
        fprintf(stderr, "the library broke its promise: %s\n", what);
        abort();
    }
}

raft_buffer buffer_of(const std::string &text) {
    return {const_cast<char *>(text.data()), text.size()};
}

void count_kind(uint64_t *counters, size_t n, uint64_t kind) { counters[kind < n ? kind : 0]++; }

} // namespace

void Members::add(raft_id id, const char *address, int role) {
    addresses.emplace_back(address != nullptr ? address : "");
    servers.push_back({id, address != nullptr ? addresses.back().c_str() : nullptr, role});
}

void Members::assign(const raft_configuration &conf) {
    for (unsigned i = 0; i < conf.n; i++) {
        add(conf.servers[i].id, conf.servers[i].address, conf.servers[i].role);
    }
}

raft_configuration Members::view() {
    return {servers.data(), static_cast<unsigned>(servers.size())};
}

void Reached::add(const Reached &other) {
    const auto sum = [](auto &mine, const auto &others) {
        for (size_t i = 0; i < mine.size(); i++) {
            mine[i] += others[i];
        }
    };
    sum(done, other.done);
    sum(refused, other.refused);
    sum(flags, other.flags);
    sum(codes, other.codes);
    sum(sent, other.sent);
    sum(facts, other.facts);
    installed += other.installed;
    joint += other.joint;
    reads_lost += other.reads_lost;
    steps += other.steps;
}

World::World(uint64_t seed) : random_(seed) {
    traced_ = random_.one_in(3);
    hostility_ = random_.one_in(2) ? 0 : 8 + random_.below(40);
    tracer_ = {this, 1, trace};
    const unsigned servers = 1 + random_.below(6);
    founders_ = 1 + random_.below(servers);
    nodes_.resize(servers);
    for (unsigned i = 0; i < servers; i++) {
        Node &node = nodes_[i];
        node.id = i + 1;
        node.address = "host-" + std::to_string(i + 1);
        node.settings = Random(random_.next());
        open(node);
        start(node);
    }
    found();
}

World::~World() {
    for (Node &node : nodes_) {
        raft_close(&node.handle);
    }
}

void World::trace(raft_tracer *t, int type, const void *info) {
    auto *world = static_cast<World *>(t->impl);
    world->digest_.fact(type, *static_cast<const raft_tracer_info *>(info));
    count_kind(world->reached_.facts.data(), world->reached_.facts.size(),
               static_cast<uint64_t>(type));
}

void World::open(Node &node) {
    Random drawn = node.settings;
    struct raft *r = &node.handle;
    demand(raft_init(r, node.id, node.address.c_str()) == 0, "raft_init");
    int refusals = raft_seed(r, static_cast<unsigned>(drawn.next() >> 32));
    refusals += raft_set_election_timeout(r, 500 + 100 * drawn.below(6));
    refusals += raft_set_heartbeat_timeout(r, 50 + drawn.below(100));
    refusals += raft_set_install_snapshot_timeout(r, 300 + drawn.below(500));
    refusals += raft_set_pre_vote(r, !drawn.one_in(4));
    refusals += raft_set_max_inflight_entries(r, 1 + drawn.below(12));
    refusals += raft_set_max_message_entries(r, drawn.below(4));
    refusals += raft_set_max_uncommitted_entries(r, drawn.one_in(2) ? 0 : 8);
    refusals += raft_set_capacity_threshold(r, drawn.one_in(4) ? 20 : 0);
    refusals += raft_set_max_catch_up_rounds(r, 1 + drawn.below(4));
    refusals += raft_set_features(r, drawn.one_in(4) ? drawn.below(16) : kFeatures);
    refusals += raft_set_tracer(r, traced_ ? &tracer_ : nullptr);
    demand(refusals == 0, "a legal setting is taken");
}

void World::start(Node &node) {
    raft_event e = event(RAFT_START);
    std::vector<raft_entry> entries;
    for (const Record &record : node.log) {
        entries.push_back({record.term, record.type, buffer_of(record.payload), nullptr});
    }
    raft_snapshot_metadata metadata = {
        node.snapshot.index, node.snapshot.term, {}, node.snapshot.configuration_index};
    if (node.snapshot.members != nullptr) {
        metadata.configuration = node.snapshot.members->view();
    }
    e.start = {node.term,      node.voted_for, node.snapshot.index > 0 ? &metadata : nullptr,
               node.log_start, entries.data(), static_cast<unsigned>(entries.size())};
    (void)step(node, e);
}

/* All founders are told the same, as a careful operator would. */
void World::found() {
    Members members;
    for (unsigned i = 0; i < founders_; i++) {
        members.add(nodes_[i].id, nodes_[i].address.c_str(),
                    i == 0 || !random_.one_in(6) ? RAFT_VOTER : RAFT_STANDBY);
    }
    for (unsigned i = 0; i < founders_; i++) {
        raft_event e = event(RAFT_BOOTSTRAP);
        e.bootstrap.conf = members.view();
        (void)step(nodes_[i], e);
    }
}

/* A crash: what was not durable may be lost, from some point on. */
void World::restart(Node &node) {
    const size_t durable = static_cast<size_t>(
        node.durable + 1 > node.log_start ? node.durable + 1 - node.log_start : 0);
    size_t kept = std::min(durable, node.log.size());
    kept += random_.below(node.log.size() - kept + 1);
    node.log.resize(kept);
    node.writes.clear();
    node.chunk = {};
    node.arriving = {};
    digest_.integer(raft_close(&node.handle));
    open(node);
    start(node);
    node.durable = raft_last_stored(&node.handle);
}

raft_event World::event(raft_event_type type) {
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

int World::step(Node &node, raft_event &event) {
    raft_update update;
    memset(&update, 0xa5, sizeof update);
    uint32_t type;
    memcpy(&type, &event.type, sizeof type); /* may hold anything */
    struct raft *r = &node.handle;
    const raft_index snapshot = raft_snapshot_index(r);
    const int code = raft_step(r, &event, &update);
    reached_.steps++;
    digest_.number(node.id);
    digest_.number(type);
    digest_.integer(code);
    digest_.update(update);
    digest_.answers(r);
    if (print) {
        printf("%llu: event %lu on server %llu: %d, flags %x: %016llx\n",
               static_cast<unsigned long long>(reached_.steps), static_cast<unsigned long>(type),
               node.id, code, update.flags, static_cast<unsigned long long>(digest_.value()));
    }
    const size_t slot = type >= RAFT_START && type <= RAFT_RECOVER ? type : 17;
    (code == 0 ? reached_.done : reached_.refused)[slot]++;
    count_kind(reached_.codes.data(), reached_.codes.size(), static_cast<uint64_t>(code));
    if (code != 0) {
        demand(update.flags == 0, "a failed step has no update");
        return code;
    }
    absorb(node, update);
    if (type == RAFT_PERSISTED_SNAPSHOT && raft_snapshot_index(r) != snapshot) {
        node.snapshot = std::move(node.arriving);
        node.arriving = {};
        node.log.clear();
        node.log_start = node.snapshot.index + 1;
        node.durable = node.snapshot.index;
        reached_.installed++;
    }
    return 0;
}

void World::absorb_entries(Node &node, const raft_update_entries &entries) {
    const raft_index end = node.log_start + node.log.size();
    if (entries.index <= node.log_start || entries.index > end) {
        node.log.clear();
        node.log_start = entries.index;
    } else {
        node.log.resize(static_cast<size_t>(entries.index - node.log_start));
    }
    for (unsigned i = 0; i < entries.n; i++) {
        const raft_entry &entry = entries.batch[i];
        node.log.push_back({entry.term, entry.type,
                            entry.buf.len == 0
                                ? std::string()
                                : std::string(static_cast<char *>(entry.buf.base), entry.buf.len)});
    }
    node.durable = std::min(node.durable, entries.index - 1);
    node.writes.push_back({entries.index + entries.n - 1, entries.write});
}

void World::absorb(Node &node, const raft_update &update) {
    for (unsigned bit = 0; bit < reached_.flags.size(); bit++) {
        reached_.flags[bit] += update.flags >> bit & 1;
    }
    node.term = raft_current_term(&node.handle);
    node.voted_for = raft_voted_for(&node.handle);
    if ((update.flags & RAFT_UPDATE_ENTRIES) != 0) {
        absorb_entries(node, update.entries);
    }
    if ((update.flags & RAFT_UPDATE_SNAPSHOT) != 0) {
        const raft_update_snapshot &s = update.snapshot;
        if (s.offset == 0) {
            node.arriving = {s.metadata.index, s.metadata.term, std::make_shared<Members>(),
                             s.metadata.configuration_index, ""};
            node.arriving.members->assign(s.metadata.configuration);
        }
        demand(node.arriving.index == s.metadata.index && node.arriving.data.size() >= s.offset,
               "chunks come in order");
        node.arriving.data.resize(s.offset);
        if (s.chunk.len > 0) {
            node.arriving.data.append(static_cast<char *>(s.chunk.base), s.chunk.len);
        }
        node.chunk = s;
        node.chunk.metadata.configuration = {};
        node.chunk.chunk = {};
    }
    if ((update.flags & RAFT_UPDATE_MESSAGES) != 0) {
        for (unsigned i = 0; i < update.messages.n; i++) {
            count_kind(reached_.sent.data(), reached_.sent.size(), update.messages.batch[i].type);
            post(node, update.messages.batch[i]);
        }
    }
    if ((update.flags & RAFT_UPDATE_READS) != 0) {
        for (unsigned i = 0; i < update.reads.n; i++) {
            reached_.reads_lost += update.reads.batch[i].status == RAFT_LEADERSHIPLOST;
        }
    }
    raft_configuration conf = {};
    if ((update.flags & RAFT_UPDATE_CONFIGURATION) != 0 &&
        raft_configuration_at(&node.handle, raft_last_index(&node.handle), &conf, nullptr) == 0) {
        reached_.joint += std::any_of(conf.servers, conf.servers + conf.n,
                                      [](const auto &s) { return s.role >= RAFT_VOTER_OUTGOING; });
    }
}

/* The caller may send fewer than it is asked to. */
bool World::attach_entries(const Node &from, Mail *mail) {
    raft_append_entries &m = mail->message.append_entries;
    if (m.n_entries > 0 && random_.one_in(10)) {
        m.n_entries = random_.below(m.n_entries);
    }
    for (unsigned i = 0; i < m.n_entries; i++) {
        const raft_index index = m.prev_log_index + 1 + i;
        if (index < from.log_start || index - from.log_start >= from.log.size()) {
            return false;
        }
        mail->records.push_back(from.log[static_cast<size_t>(index - from.log_start)]);
    }
    return true;
}

void World::post(Node &from, const raft_message &message) {
    Mail mail;
    mail.to = message.server_id;
    mail.from_address = from.address;
    mail.message = message;
    mail.message.server_id = from.id;
    mail.message.server_address = nullptr;
    if (message.type == RAFT_APPEND_ENTRIES) {
        demand(attach_entries(from, &mail), "a message names entries that there are");
    } else if (message.type == RAFT_INSTALL_SNAPSHOT) {
        raft_install_snapshot &m = mail.message.install_snapshot;
        demand(m.last_index == from.snapshot.index, "a message names the last snapshot");
        mail.members = std::make_shared<Members>();
        mail.members->assign(m.conf);
        const std::string &whole = from.snapshot.data;
        const size_t begin = std::min(static_cast<size_t>(m.offset), whole.size());
        size_t length = whole.size() - begin;
        if (m.version >= 1 && length > 1) {
            length = 1 + random_.below(length);
        }
        mail.data = whole.substr(begin, length);
        m.last = begin + length == whole.size();
    }
    if (mail.to == 0 || mail.to > nodes_.size()) {
        return;
    }
    if (mails_.size() >= kMostMails) {
        mails_[random_.below(mails_.size())] = std::move(mail);
    } else {
        mails_.push_back(std::move(mail));
    }
}

} // namespace determinism
