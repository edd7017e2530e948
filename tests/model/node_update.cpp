/* SPDX-License-Identifier: MIT */
/* What a step asks of the caller: writes and messages; and each state and message once. */
#include "node.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model {

using libraft::Server;

/* What the update asks for: entries are queued for the disk, messages packed. */
Outcome Nodes::finish(Node node, raft_update &update) {
    Outcome outcome;
    if (update.flags & RAFT_UPDATE_ENTRIES) {
        take_entries(&node, update.entries);
    }
    if (update.flags & RAFT_UPDATE_SNAPSHOT) {
        outcome.wrong = take_chunk(&node, update.snapshot);
    }
    if (update.flags & RAFT_UPDATE_READS) {
        outcome.reads.assign(update.reads.batch, update.reads.batch + update.reads.n);
    }
    const Server &core = *node.core;
    if (core.trail.last() != chains_.last(node.log)) {
        give_up("the log and what was written of it differ in length");
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        for (unsigned i = 0; i < update.messages.n; i++) {
            Packet packet;
            const std::string wrong = pack(node, update.messages.batch[i], &packet);
            outcome.wrong = wrong.empty() ? outcome.wrong : wrong;
            outcome.packets.push_back(intern(packet));
        }
    }
    const raft_index in_force = core.configuration != nullptr ? core.configuration->index : 0;
    if (in_force != configuration_index(node.log)) {
        outcome.wrong = "configuration: not the latest of the log is in force";
    }
    if (!outcome.wrong.empty()) {
        proof::destroy(node.core);
        outcome.code = Outcome::Code::kWrong;
        return outcome;
    }
    if (core.term > bounds_.term || core.trail.last() > bounds_.entries) {
        proof::destroy(node.core);
        outcome.code = Outcome::Code::kBeyond;
        return outcome;
    }
    node.term = core.term;
    node.vote = core.voted_for;
    node.leads = core.leads();
    node.campaigns = core.state == RAFT_CANDIDATE;
    node.committed = chains_.at(node.log, core.commit);
    node.has_deadline = core.deadline != libraft::kNever;
    const raft_time patience = core.heard_at + kElectionTimeout;
    node.can_wait = !core.leads() && patience > core.now && patience < core.deadline;
    outcome.node = intern(std::move(node));
    return outcome;
}

void Nodes::take_entries(Node *node, const raft_update_entries &update) {
    const Server &core = *node->core;
    if (update.n == 0) {
        return; /* a log that boot() has dropped already */
    }
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

/* A chunk comes in; empty if all is well. */
std::string Nodes::take_chunk(Node *node, const raft_update_snapshot &update) const {
    const auto covered = static_cast<Chain>(reinterpret_cast<uintptr_t>(update.chunk.base));
    const Link &last = chains_.link(covered);
    if (update.metadata.index != last.index || update.metadata.term != last.term ||
        update.last != (update.offset + update.chunk.len == kChunks)) {
        return "installation: a chunk that nobody sent";
    }
    if (update.offset != 0 && (node->incoming != covered || node->received != update.offset)) {
        return "installation: a chunk that does not continue the last";
    }
    node->incoming = covered;
    node->received = static_cast<uint32_t>(update.offset + update.chunk.len);
    for (const Write &write : node->writes) {
        if (write.kind != Write::kEntries) {
            return "installation: a chunk while another is being written";
        }
    }
    const Write::Kind kind = !update.last        ? Write::kChunk
                             : update.offset > 0 ? Write::kLastChunk
                                                 : Write::kWhole;
    node->writes.push_back({covered, 0, kind});
    return "";
}

raft_index Nodes::configuration_index(Chain log) const {
    while (log != 0 && chains_.link(log).type != RAFT_CHANGE) {
        log = chains_.link(log).previous;
    }
    return chains_.last(log);
}

std::vector<raft_server> Nodes::configuration_of(Chain log) const {
    const Link &link = chains_.link(chains_.at(log, configuration_index(log)));
    const std::string &bytes = chains_.bytes(link.payload);
    std::vector<raft_server> servers(static_cast<size_t>(bytes[1])); /* fewer than 256 */
    size_t at = 9;
    for (raft_server &server : servers) { /* IDs and addresses of one digit: see encoded() */
        const auto id = static_cast<raft_id>(bytes[at]);
        server = {id, address_of(id), bytes[at + 10]};
        at += 11;
    }
    return servers;
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
std::string Nodes::pack(const Node &node, const raft_message &m, Packet *packet) const {
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
            b.round = a.version >= 1 ? a.round : 0;
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
            if (a.version >= 3) {
                b.round = a.round;
                b.snapshot_index = a.snapshot_index;
                b.snapshot_offset = a.snapshot_offset;
            }
            break;
        }
        case RAFT_INSTALL_SNAPSHOT:
            return pack_install(node, m.install_snapshot, packet);
        case RAFT_REQUEST_VOTE: {
            const raft_request_vote &a = m.request_vote;
            raft_request_vote &b = copy.request_vote;
            b.version = a.version;
            b.term = a.term;
            b.candidate_id = a.candidate_id;
            b.last_log_index = a.last_log_index;
            b.last_log_term = a.last_log_term;
            if (chains_.last(node.disk) < a.last_log_index) {
                return "durability: a candidate shows what is not on its disk";
            }
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
    return "";
}

std::string Nodes::pack_install(const Node &node, const raft_install_snapshot &a,
                                Packet *packet) const {
    raft_install_snapshot &b = packet->message.install_snapshot;
    if (a.last_index != chains_.last(node.snapshot)) {
        return "installation: a snapshot is asked for that is not there";
    }
    const std::vector<raft_server> conf = configuration_of(node.snapshot);
    bool same = a.conf.n == conf.size() && a.conf_index == configuration_index(node.snapshot) &&
                a.last_term == chains_.link(node.snapshot).term;
    for (size_t i = 0; same && i < conf.size(); i++) {
        const raft_server &server = a.conf.servers[i];
        same = server.id == conf[i].id && server.role == conf[i].role &&
               strcmp(server.address, conf[i].address) == 0;
    }
    if (!same) {
        return "installation: a snapshot is sent with what is not its own";
    }
    if (a.offset >= (a.version >= 1 ? kChunks : 1)) {
        return "installation: a chunk is asked for that does not exist";
    }
    b.version = a.version;
    b.term = a.term;
    b.last_index = a.last_index;
    b.last_term = a.last_term;
    b.conf_index = a.conf_index;
    b.offset = a.offset;
    b.last = a.version < 1 || a.offset + 1 == kChunks;
    packet->log = node.snapshot;
    return "";
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
    h.u64(node.snapshot);
    h.u64(node.disk_first);
    h.u64(node.incoming);
    h.u64(node.received);
    h.u64(node.writes.size());
    for (const Write &write : node.writes) {
        h.u64(write.log);
        h.u64(write.age);
        h.u64(write.kind);
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
