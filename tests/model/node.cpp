/* SPDX-License-Identifier: MIT */
#include "node.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model {

using libraft::Server;

namespace {

/* Short, so that ages are few; the generator is set back before each step, so that a
 * timeout is always the same length, longer than a voter's patience. */
constexpr unsigned kElectionTimeout = 2;
constexpr unsigned kHeartbeat = 1;
constexpr unsigned kSeed = 3;

/* What a caller's own entry carries in `batch`. Larger than any chain. */
void *const kSubmitted = reinterpret_cast<void *>(uintptr_t{UINT32_MAX});

const char *address_of(raft_id id) {
    static const char *const kAddresses[] = {"", "1", "2", "3"};
    return kAddresses[id];
}

[[noreturn]] void give_up(const char *what) {
    fprintf(stderr, "model: %s\n", what);
    abort();
}

/* The payload of a configuration entry (contract, section 7). */
std::string encoded(unsigned voters, unsigned standbys) {
    std::string bytes(1, '\1');
    const auto number = [&](uint64_t value) {
        for (unsigned i = 0; i < 8; i++) {
            bytes += static_cast<char>(value >> (8 * i));
        }
    };
    number(static_cast<uint64_t>(__builtin_popcount(voters | standbys)));
    for (raft_id id = 1; id <= kServers; id++) {
        const unsigned bit = 1U << (id - 1);
        if ((voters | standbys) & bit) {
            number(id);
            bytes += address_of(id);
            bytes += '\0';
            bytes += static_cast<char>(voters & bit ? RAFT_VOTER : RAFT_STANDBY);
        }
    }
    bytes.resize((bytes.size() + 7) / 8 * 8);
    return bytes;
}

raft_event event_at(raft_time time, raft_event_type type) {
    raft_event e = {};
    e.time = time;
    e.type = type;
    return e;
}

} // namespace

Nodes::~Nodes() {
    for (Node &node : nodes_) {
        proof::destroy(node.core);
    }
}

/* A server comes up with what is on its disk. */
Node Nodes::boot(raft_id id, Chain disk, raft_term term, raft_id vote, raft_update *update) {
    struct raft r;
    if (raft_init(&r, id, address_of(id)) != 0 || raft_seed(&r, kSeed) != 0 ||
        raft_set_heartbeat_timeout(&r, kHeartbeat) != 0 ||
        raft_set_election_timeout(&r, kElectionTimeout) != 0 ||
        raft_set_pre_vote(&r, bounds_.pre_vote) != 0 ||
        raft_set_features(&r, RAFT_FEATURE_JOINT) != 0) {
        give_up("a server cannot be set up");
    }
    std::vector<raft_entry> entries = unpack(disk, 0);
    raft_event e = event_at(1, RAFT_START);
    e.start = {term, vote, nullptr, 1, entries.data(), static_cast<unsigned>(entries.size())};
    if (raft_step(&r, &e, update) != 0) {
        give_up(raft_errmsg(&r));
    }
    Node node;
    node.core = &proof::server_of(r);
    node.log = node.disk = disk;
    return node;
}

NodeId Nodes::first(raft_id id) {
    const bool member = (bounds_.voters | bounds_.standbys) >> (id - 1) & 1;
    const Chain founded = chains_.append(
        0, 1, RAFT_CHANGE, chains_.payload(encoded(bounds_.voters, bounds_.standbys)), 0);
    raft_update update = {};
    Node node = boot(id, member ? founded : 0, member ? 1 : 0, 0, &update);
    return finish(std::move(node), update).node;
}

const Outcome &Nodes::step(NodeId from, Kind kind, uint32_t argument) {
    auto &known = outcomes_[static_cast<unsigned>(kind)];
    const uint64_t key = uint64_t{from} << 32 | argument;
    const auto found = known.find(key);
    if (found != known.end()) {
        return found->second;
    }
    steps_++;
    /* A copy of the node, for the table of nodes may move. */
    const Node node = nodes_[from];
    Outcome outcome = kind == Kind::kCrash ? restart(node, argument)
                                           : compute(node, kind, argument);
    return known.emplace(key, std::move(outcome)).first->second;
}

Outcome Nodes::restart(const Node &from, uint32_t kept) {
    Chain disk = kept == 0 ? from.disk : from.writes[kept - 1].log;
    if (defect_ == Defect::kLoseAcknowledged && chains_.last(disk) > 1) {
        disk = chains_.link(disk).previous;
    }
    const raft_term last_term = chains_.link(disk).term;
    const raft_term term = defect_ == Defect::kForgetTerm ? std::max<raft_term>(1, last_term)
                                                          : from.term;
    const raft_id vote = defect_ == Defect::kForgetVote ? 0 : from.vote;
    raft_update update = {};
    Node node = boot(from.core->id, disk, term, vote, &update);
    return finish(std::move(node), update);
}

Outcome Nodes::compute(const Node &from, Kind kind, uint32_t argument) {
    Node node = from;
    node.core = proof::clone(*from.core);
    node.core->random = libraft::Random(kSeed);
    struct raft r = proof::handle(node.core);
    raft_event e = event_at(from.core->now, RAFT_TIMEOUT);
    raft_message message;
    std::vector<raft_entry> entries;
    std::vector<raft_server> servers;
    switch (kind) {
        case Kind::kTimeout:
            e.time = from.core->deadline;
            break;
        case Kind::kPatience:
            e = event_at(from.core->heard_at + kElectionTimeout, RAFT_CONFIGURATION);
            break;
        case Kind::kDeliver: {
            const Packet &packet = packets_[argument];
            message = packet.message;
            message.server_id = packet.from;
            message.server_address = address_of(packet.from);
            e.type = RAFT_RECEIVE;
            e.receive.message = &message;
            if (message.type == RAFT_APPEND_ENTRIES) {
                entries = unpack(packet.log, message.append_entries.prev_log_index);
                message.append_entries.entries = entries.data();
            }
            break;
        }
        case Kind::kPersist: {
            const Write write = node.writes.front();
            node.writes.erase(node.writes.begin());
            node.disk = write.log;
            e.type = RAFT_STORED;
            e.stored = {chains_.last(write.log), node.core->writes - write.age};
            break;
        }
        case Kind::kSubmit:
            entries.push_back({0, RAFT_COMMAND, {nullptr, 0}, kSubmitted});
            e.type = RAFT_SUBMIT;
            e.submit = {entries.data(), 1};
            break;
        case Kind::kChange:
            for (raft_id id = 1; id <= kServers; id++) {
                if (bounds_.next_voters >> (id - 1) & 1) {
                    servers.push_back({id, address_of(id), RAFT_VOTER});
                }
            }
            e.type = RAFT_RECONFIGURE;
            e.reconfigure.conf = {servers.data(), static_cast<unsigned>(servers.size())};
            break;
        default:
            e.type = RAFT_TRANSFER;
            e.transfer.server_id = argument;
    }
    raft_update update = {};
    const int error = raft_step(&r, &e, &update);
    if (error != 0) {
        proof::destroy(node.core);
        Outcome outcome;
        const bool asked =
            kind == Kind::kSubmit || kind == Kind::kChange || kind == Kind::kTransfer;
        outcome.code = asked ? Outcome::Code::kImpossible : Outcome::Code::kWrong;
        outcome.error = error;
        return outcome;
    }
    return finish(std::move(node), update);
}

/* What the update asks for: entries are queued for the disk, messages packed. */
Outcome Nodes::finish(Node node, raft_update &update) {
    Outcome outcome;
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        take_entries(&node, update.entries);
    }
    const Server &core = *node.core;
    if (core.trail.last() != chains_.last(node.log)) {
        give_up("the log and what was written of it differ in length");
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        for (unsigned i = 0; i < update.messages.n; i++) {
            Packet packet;
            pack(node, update.messages.batch[i], &packet);
            outcome.packets.push_back(intern(packet));
        }
    }
    if (core.term > bounds_.term || core.trail.last() > bounds_.entries) {
        proof::destroy(node.core);
        outcome.code = Outcome::Code::kBeyond;
        return outcome;
    }
    node.term = core.term;
    node.vote = core.voted_for;
    node.leads = core.leads();
    node.committed = chains_.at(node.log, core.commit);
    node.has_deadline = core.deadline != libraft::kNever;
    const raft_time patience = core.heard_at + kElectionTimeout;
    node.can_wait = !core.leads() && patience > core.now && patience < core.deadline;
    outcome.node = intern(std::move(node));
    return outcome;
}

void Nodes::take_entries(Node *node, const raft_update_entries &update) {
    const Server &core = *node->core;
    Chain log = chains_.at(node->log, update.index - 1);
    for (unsigned i = 0; i < update.n; i++) {
        const raft_entry &entry = update.batch[i];
        uint32_t payload = 0;
        auto origin = static_cast<uint32_t>(core.id);
        if (entry.batch != nullptr && entry.batch != kSubmitted) {
            /* From a leader: what it is a link of is told by the cookie. */
            const Link &link =
                chains_.link(static_cast<Chain>(reinterpret_cast<uintptr_t>(entry.batch)));
            payload = link.payload;
            origin = link.origin;
        } else if (entry.type == RAFT_CHANGE) {
            payload = chains_.payload({static_cast<const char *>(entry.buf.base), entry.buf.len});
        }
        log = chains_.append(log, entry.term, entry.type, payload, origin);
    }
    node->log = log;
    for (Write &write : node->writes) {
        write.age++;
    }
    node->writes.push_back({log, 0});
}

/* The entries of a log after an index, as a caller would read them from its disk. */
std::vector<raft_entry> Nodes::unpack(Chain log, raft_index after) const {
    std::vector<raft_entry> entries;
    for (Chain c = log; chains_.last(c) > after; c = chains_.link(c).previous) {
        const Link &link = chains_.link(c);
        raft_entry entry = {};
        entry.term = link.term;
        entry.type = static_cast<raft_entry_type>(link.type);
        entry.batch = reinterpret_cast<void *>(uintptr_t{c});
        if (link.type == RAFT_CHANGE) {
            const std::string &bytes = chains_.bytes(link.payload);
            entry.buf = {const_cast<char *>(bytes.data()), bytes.size()};
        }
        entries.push_back(entry);
    }
    std::reverse(entries.begin(), entries.end());
    return entries;
}

/* Field by field: what a message does not use may hold anything. */
void Nodes::pack(const Node &node, const raft_message &m, Packet *packet) const {
    memset(static_cast<void *>(packet), 0, sizeof *packet); /* it is compared bit for bit */
    packet->from = node.core->id;
    packet->to = m.server_id;
    raft_message &copy = packet->message;
    copy.type = m.type;
    switch (m.type) {
        case RAFT_APPEND_ENTRIES: {
            const raft_append_entries &a = m.append_entries;
            raft_append_entries &b = copy.append_entries;
            b.version = a.version;
            b.term = a.term;
            b.prev_log_index = a.prev_log_index;
            b.prev_log_term = a.prev_log_term;
            b.leader_commit = a.leader_commit;
            b.n_entries = a.n_entries;
            packet->log = chains_.at(node.log, a.prev_log_index + a.n_entries);
            break;
        }
        case RAFT_APPEND_ENTRIES_RESULT: {
            const raft_append_entries_result &a = m.append_entries_result;
            raft_append_entries_result &b = copy.append_entries_result;
            b.version = a.version;
            b.term = a.term;
            b.rejected = a.rejected;
            b.last_log_index = a.last_log_index;
            b.features = a.features;
            break;
        }
        case RAFT_REQUEST_VOTE: {
            const raft_request_vote &a = m.request_vote;
            raft_request_vote &b = copy.request_vote;
            b.version = a.version;
            b.term = a.term;
            b.candidate_id = a.candidate_id;
            b.last_log_index = a.last_log_index;
            b.last_log_term = a.last_log_term;
            b.disrupt_leader = a.disrupt_leader;
            b.pre_vote = a.pre_vote;
            break;
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            const raft_request_vote_result &a = m.request_vote_result;
            raft_request_vote_result &b = copy.request_vote_result;
            b.version = a.version;
            b.term = a.term;
            b.vote_granted = a.vote_granted;
            b.pre_vote = a.pre_vote;
            b.features = a.features;
            break;
        }
        case RAFT_TIMEOUT_NOW: {
            const raft_timeout_now &a = m.timeout_now;
            raft_timeout_now &b = copy.timeout_now;
            b.version = a.version;
            b.term = a.term;
            b.last_log_index = a.last_log_index;
            b.last_log_term = a.last_log_term;
            break;
        }
        default:
            give_up("a message that no small world can need");
    }
}

PacketId Nodes::intern(const Packet &packet) {
    const std::string key(reinterpret_cast<const char *>(&packet), sizeof packet);
    const auto [place, added] =
        packet_ids_.try_emplace(key, static_cast<PacketId>(packets_.size()));
    if (added) {
        packets_.push_back(packet);
    }
    return place->second;
}

NodeId Nodes::intern(Node node) {
    proof::Hasher h;
    h.digest(proof::digest(*node.core, proof::Frame::kRelative));
    h.u64(node.log);
    h.u64(node.disk);
    h.u64(node.writes.size());
    for (const Write &write : node.writes) {
        h.u64(write.log);
        h.u64(write.age);
    }
    const auto [place, added] =
        node_ids_.try_emplace(h.finish(), static_cast<NodeId>(nodes_.size()));
    if (added) {
        nodes_.push_back(std::move(node));
    } else {
        proof::destroy(node.core);
    }
    return place->second;
}

} // namespace model
