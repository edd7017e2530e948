/* SPDX-License-Identifier: MIT */
/* Carrying out an update: writes are queued, messages packed. Each node and message exists once. */
#include "../driver/view.hpp"
#include "../observe/fields.hpp"
#include "node.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace model {

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
    struct raft *r = &node.core;
    const raft_index last = raft_last_index(r);
    if (last != chains_.last(node.log)) {
        fail("the log and what was written of it differ in length");
    }
    if (update.flags & RAFT_UPDATE_MESSAGES) {
        for (unsigned i = 0; i < update.messages.n; i++) {
            Packet packet = {};
            const std::string wrong = pack(node, update.messages.batch[i], &packet);
            outcome.wrong = wrong.empty() ? outcome.wrong : wrong;
            outcome.packets.push_back(intern(packet));
        }
    }
    raft_configuration conf = {};
    raft_index in_force = 0;
    (void)raft_configuration_at(r, last, &conf, &in_force); /* 0: there is none */
    if (in_force != configuration_index(node.log)) {
        outcome.wrong = "configuration: not the latest of the log is in force";
    }
    if (!outcome.wrong.empty()) {
        outcome.code = Outcome::Code::kWrong;
        raft_close(r);
        return outcome;
    }
    if (terms_until(raft_current_term(r)) > bounds_.term || last > bounds_.entries) {
        outcome.code = Outcome::Code::kBeyond;
    }
    const observe::Clock clock = observe::clock_of(node.core);
    node.term = raft_current_term(r);
    node.vote = raft_voted_for(r);
    node.leads = raft_state(r) == RAFT_LEADER;
    node.campaigns = raft_state(r) == RAFT_CANDIDATE;
    node.committed = chains_.at(node.log, raft_commit_index(r));
    node.has_deadline = raft_timeout(r) != driver::kNoDeadline;
    const raft_time patience = waits_from(clock, node.leads) + kElectionTimeout;
    node.can_wait = (!node.leads || observe::is_asleep(*r)) && patience > clock.now &&
                    patience < clock.deadline;
    node.may_campaign = clock.may_campaign;
    node.asleep = observe::is_asleep(*r);
    node.slept_in = node.asleep ? node.term : node.slept_in;
    node.remaining =
        node.has_deadline && clock.deadline > clock.now ? clock.deadline - clock.now : 0;
    const char *address = nullptr;
    raft_leader(r, &node.leader, &address);
    note_peers(&node);
    outcome.node = intern(std::move(node));
    return outcome;
}

/* What a leader's accessors tell of its members. */
void Nodes::note_peers(Node *node) {
    node->noticed_loss = false;
    node->unsent = 0;
    for (raft_id id = 1; node->leads && id <= kServers; id++) {
        struct raft_peer peer = {};
        if (raft_progress(&node->core, id, &peer) == 0) {
            node->noticed_loss = node->noticed_loss || peer.data_losses > 0;
            const bool in_flight =
                peer.mode != RAFT_PROGRESS_NONE && peer.next > peer.match + 1 && peer.next >= 2;
            node->unsent |= in_flight ? 1U << (id - 1) : 0;
        }
    }
}

void Nodes::take_entries(Node *node, const raft_update_entries &update) {
    if (update.n == 0) {
        return; /* a log that boot() has dropped already */
    }
    Chain log = chains_.at(node->log, update.index - 1);
    for (unsigned i = 0; i < update.n; i++) {
        const raft_entry &entry = update.batch[i];
        uint32_t payload = 0;
        auto origin = static_cast<uint32_t>(node->core.id);
        if (entry.batch != nullptr && entry.batch != kSubmitted) {
            /* From a leader: the cookie tells which link it is. */
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
    node->writes.push_back({log, 0, Write::kEntries, update.write});
}

/* A chunk to write; empty if no property is broken. */
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

const driver::Configuration &Nodes::configuration_of(Chain log) const {
    const Link &link = chains_.link(chains_.at(log, configuration_index(log)));
    const auto found = decoded_.find(link.payload);
    return found != decoded_.end()
               ? found->second
               : decoded_.emplace(link.payload, driver::decode(chains_.bytes(link.payload)))
                     .first->second;
}

/* The entries of a log after an index. */
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

/* Without pointers; the chain says which entries or which snapshot the message carries. */
std::string Nodes::pack(const Node &node, const raft_message &m, Packet *packet) const {
    packet->from = node.core.id;
    packet->to = m.server_id;
    packet->message = m;
    packet->message.server_address = nullptr;
    if (m.type == RAFT_APPEND_ENTRIES) {
        packet->log =
            chains_.at(node.log, m.append_entries.prev_log_index + m.append_entries.n_entries);
    } else if (m.type == RAFT_INSTALL_SNAPSHOT) {
        return pack_install(node, m.install_snapshot, packet);
    } else if (m.type == RAFT_REQUEST_VOTE &&
               chains_.last(node.disk) < m.request_vote.last_log_index) {
        return "durability: a candidate shows what is not on its disk";
    }
    return "";
}

std::string Nodes::pack_install(const Node &node, const raft_install_snapshot &a,
                                Packet *packet) const {
    raft_install_snapshot &b = packet->message.install_snapshot;
    if (a.last_index != chains_.last(node.snapshot)) {
        return "installation: a snapshot is asked for that is not there";
    }
    const bool same = a.conf_index == configuration_index(node.snapshot) &&
                      a.last_term == chains_.link(node.snapshot).term &&
                      configuration_of(node.snapshot).is(a.conf);
    if (!same) {
        return "installation: a snapshot is sent with what is not its own";
    }
    if (a.offset >= (a.version >= 1 ? kChunks : 1)) {
        return "installation: a chunk is asked for that does not exist";
    }
    b.conf = {};
    b.last = a.version < 1 || a.offset + 1 == kChunks;
    packet->log = node.snapshot;
    return "";
}

PacketId Nodes::intern(const Packet &packet) {
    observe::Hasher h;
    h.add(packet.from);
    h.add(packet.to);
    h.add(packet.log);
    observe::recorded(packet.message, observe::Payloads::kPlaces).digest([&h](uint64_t value) {
        h.add(value);
    });
    const auto [place, added] =
        packet_ids_.try_emplace(h.finish(), static_cast<PacketId>(packets_.size()));
    if (added) {
        packets_.push_back(packet);
    }
    return place->second;
}

NodeId Nodes::intern(Node node) {
    observe::Hasher h;
    const observe::Digest core = observe::state(node.core, observe::Frame::kRelative);
    h.add(core.high);
    h.add(core.low);
    h.add(node.log);
    h.add(node.disk);
    h.add(node.snapshot);
    h.add(node.disk_first);
    h.add(node.incoming);
    h.add(node.received);
    h.add(node.slept_in == node.term);
    h.add(node.writes.size());
    for (const Write &write : node.writes) {
        h.add(write.log);
        h.add(write.age);
        h.add(write.kind);
    }
    const auto [place, added] =
        node_ids_.try_emplace(h.finish(), static_cast<NodeId>(nodes_.size()));
    if (added) {
        nodes_.push_back(std::move(node));
    } else {
        raft_close(&node.core);
    }
    return place->second;
}

} // namespace model
