/* SPDX-License-Identifier: MIT */
/* What a correct caller does. */
#include "world.hpp"

#include <algorithm>
#include <cstring>

namespace determinism {
namespace {

/* The payload of a RAFT_CHANGE entry (docs/reference/types.rst). */
std::string encoded(const Members &members) {
    std::string out(1, '\1');
    const auto word = [&](uint64_t value) {
        for (unsigned i = 0; i < 8; i++) {
            out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
        }
    };
    word(members.servers.size());
    for (const raft_server &server : members.servers) {
        word(server.id);
        out += server.address != nullptr ? server.address : "";
        out += '\0';
        out += static_cast<char>(server.role);
    }
    out.resize((out.size() + 7) / 8 * 8);
    return out;
}

} // namespace

void World::run(unsigned actions) {
    for (unsigned i = 0; i < actions; i++) {
        if (hostility_ > 0 && random_.one_in(hostility_)) {
            hostile();
        } else {
            act();
        }
    }
}

Node &World::leader_mostly() {
    Node &chosen = any();
    if (!random_.one_in(8)) {
        for (Node &node : nodes_) {
            if (raft_state(&node.handle) == RAFT_LEADER) {
                return node;
            }
        }
    }
    return chosen;
}

void World::act() {
    now_ += random_.below(4);
    const unsigned choice = random_.below(200);
    if (choice < 100) {
        deliver();
    } else if (choice < 116) {
        time_out();
    } else if (choice < 158) {
        acknowledge(any());
    } else if (choice < 176) {
        submit(leader_mostly());
    } else if (choice < 182) {
        take_snapshot(any());
    } else if (choice < 185) {
        change_members(leader_mostly());
    } else if (choice < 195) {
        ask(leader_mostly());
    } else if (choice < 197) {
        change_setting(any());
    } else if (choice < 198) {
        restart(any());
    }
}

/* Out of order, now and then twice or not at all. */
void World::deliver() {
    if (mails_.empty()) {
        return;
    }
    const unsigned which = random_.one_in(3) ? random_.below(mails_.size()) : 0;
    Mail mail = mails_[which];
    const unsigned fate = random_.below(24);
    if (fate != 0) {
        mails_.erase(mails_.begin() + which);
    }
    if (fate == 1 && random_.one_in(2)) {
        raft_event e = event(RAFT_UNREACHABLE);
        e.unreachable.server_id = mail.to;
        (void)step(nodes_[static_cast<size_t>(mail.message.server_id - 1)], e);
    } else if (fate != 1) {
        receive(nodes_[static_cast<size_t>(mail.to - 1)], mail);
    }
}

void World::receive(Node &node, Mail &mail) {
    raft_event e = event(RAFT_RECEIVE);
    raft_message message = mail.message;
    std::vector<raft_entry> entries;
    message.server_address = mail.from_address.c_str();
    if (message.type == RAFT_APPEND_ENTRIES) {
        for (Record &record : mail.records) {
            entries.push_back({record.term,
                               record.type,
                               {record.payload.data(), record.payload.size()},
                               reinterpret_cast<void *>(static_cast<uintptr_t>(++cookie_))});
        }
        message.append_entries.entries = entries.data();
        message.append_entries.n_entries = static_cast<unsigned>(entries.size());
    } else if (message.type == RAFT_INSTALL_SNAPSHOT && mail.members != nullptr) {
        message.install_snapshot.conf = mail.members->view();
        message.install_snapshot.data = {mail.data.data(), mail.data.size()};
    }
    e.receive.message = &message;
    (void)step(node, e);
}

void World::time_out() {
    Node *due = &any();
    if (!random_.one_in(4)) {
        for (Node &node : nodes_) {
            if (raft_timeout(&node.handle) < raft_timeout(&due->handle)) {
                due = &node;
            }
        }
    }
    const raft_time at = raft_timeout(&due->handle);
    if (at > now_ && at < 1ULL << 61) {
        now_ = at;
    }
    raft_event e = event(RAFT_TIMEOUT);
    (void)step(*due, e);
}

void World::acknowledge(Node &node) {
    if (node.chunk.metadata.index > 0) {
        raft_event e = event(RAFT_PERSISTED_SNAPSHOT);
        e.persisted_snapshot.metadata = node.chunk.metadata;
        e.persisted_snapshot.offset = node.chunk.offset;
        e.persisted_snapshot.last = node.chunk.last;
        if (random_.one_in(20)) {
            e.persisted_snapshot.metadata.index = 0; /* the write failed */
        }
        node.chunk = {};
        (void)step(node, e);
        return;
    }
    if (node.writes.empty()) {
        return;
    }
    if (random_.one_in(6)) { /* everything at once */
        raft_event e = event(RAFT_PERSISTED_ENTRIES);
        e.persisted_entries.index = node.log_start + node.log.size() - 1;
        node.writes.clear();
        (void)step(node, e);
    } else {
        const Write write = node.writes.front();
        node.writes.pop_front();
        raft_event e = event(RAFT_STORED);
        e.stored = {write.index, write.ticket};
        (void)step(node, e);
    }
    node.durable = raft_last_stored(&node.handle);
}

void World::submit(Node &node) {
    raft_event e = event(RAFT_SUBMIT);
    std::vector<raft_entry> entries(1 + random_.below(4));
    std::vector<std::string> payloads(entries.size());
    for (size_t i = 0; i < entries.size(); i++) {
        const unsigned length = random_.below(20);
        payloads[i].assign(length, static_cast<char>('a' + random_.below(26)));
        entries[i].term = 0;
        entries[i].type = random_.one_in(8) ? RAFT_BARRIER : RAFT_COMMAND;
        entries[i].buf = {payloads[i].data(), payloads[i].size()};
        entries[i].batch = reinterpret_cast<void *>(static_cast<uintptr_t>(++cookie_));
    }
    e.submit = {entries.data(), static_cast<unsigned>(entries.size())};
    (void)step(node, e);
}

void World::submit_change(Node &node, Members &members) {
    raft_event e = event(RAFT_SUBMIT);
    std::string payload = encoded(members);
    raft_entry entry = {0,
                        RAFT_CHANGE,
                        {payload.data(), payload.size()},
                        reinterpret_cast<void *>(static_cast<uintptr_t>(++cookie_))};
    e.submit = {&entry, 1};
    (void)step(node, e);
}

void World::take_snapshot(Node &node) {
    const raft_index newest = raft_commit_index(&node.handle);
    if (newest <= node.snapshot.index) {
        return;
    }
    const raft_index index =
        newest - random_.below(std::min<raft_index>(newest - node.snapshot.index, 5));
    raft_configuration conf = {};
    Snapshot taken;
    taken.index = index;
    taken.term = raft_term_of(&node.handle, index);
    taken.members = std::make_shared<Members>();
    if (raft_configuration_at(&node.handle, index, &conf, &taken.configuration_index) == 0) {
        taken.members->assign(conf);
    }
    taken.data = "state at " + std::to_string(index) + std::string(index % 40, '.');
    raft_event e = event(RAFT_SNAPSHOT);
    e.snapshot.metadata.index = index;
    e.snapshot.trailing = random_.below(6);
    if (step(node, e) != 0) {
        return;
    }
    node.snapshot = std::move(taken);
    node.durable = raft_last_stored(&node.handle);
    const raft_index first = raft_first_index(&node.handle);
    while (node.log_start < first && !node.log.empty()) {
        node.log.erase(node.log.begin());
        node.log_start++;
    }
    if (node.log.empty()) {
        node.log_start = first;
    }
}

/* Mostly one voter, and some of the others. */
Members World::some_members(bool with_founders) {
    Members members;
    const unsigned voter = random_.below(nodes_.size());
    for (unsigned i = 0; i < nodes_.size(); i++) {
        const unsigned choice = random_.below(6);
        if (i == voter || (with_founders && i < founders_) || choice < 3) {
            members.add(nodes_[i].id, nodes_[i].address.c_str(), RAFT_VOTER);
        } else if (choice == 3) {
            members.add(nodes_[i].id, nodes_[i].address.c_str(), RAFT_STANDBY);
        } else if (choice == 4) {
            members.add(nodes_[i].id, nodes_[i].address.c_str(), RAFT_SPARE);
        }
    }
    return members;
}

void World::change_members(Node &node) {
    Members members = some_members(random_.one_in(2));
    const unsigned choice = random_.below(20);
    if (choice == 0 && raft_state(&node.handle) != RAFT_LEADER) {
        raft_event e = event(RAFT_RECOVER);
        e.recover.conf = members.view();
        (void)step(node, e);
    } else if (choice < 4) {
        submit_change(node, members);
    } else {
        raft_event e = event(RAFT_RECONFIGURE);
        e.reconfigure.conf = members.view();
        (void)step(node, e);
    }
}

void World::ask(Node &node) {
    const unsigned choice = random_.below(12);
    const raft_id someone = any().id;
    if (choice < 7) {
        raft_event e = event(RAFT_READ);
        e.read.id = ++reads_;
        e.read.lease = random_.one_in(2);
        (void)step(node, e);
    } else if (choice < 9) {
        raft_event e = event(RAFT_CATCH_UP);
        e.catch_up.server_id = someone;
        (void)step(node, e);
    } else if (choice < 11) {
        raft_event e = event(RAFT_TRANSFER);
        e.transfer.server_id = random_.one_in(3) ? 0 : someone;
        (void)step(node, e);
    } else {
        raft_event e = event(RAFT_CONFIGURATION);
        e.configuration.index = raft_commit_index(&node.handle);
        (void)step(node, e);
    }
}

void World::change_setting(Node &node) {
    struct raft *r = &node.handle;
    const unsigned value = random_.below(1200);
    switch (random_.below(7)) {
        case 0:
            digest_.integer(raft_set_election_timeout(r, value));
            break;
        case 1:
            digest_.integer(raft_set_heartbeat_timeout(r, value));
            break;
        case 2:
            digest_.integer(raft_set_max_inflight_entries(r, value % 20));
            break;
        case 3:
            digest_.integer(raft_set_max_message_entries(r, value % 5));
            break;
        case 4:
            digest_.integer(raft_set_pre_vote(r, value % 3 != 0));
            break;
        case 5:
            digest_.integer(raft_set_max_catch_up_round_duration(r, value));
            break;
        default:
            digest_.integer(raft_seed(r, value));
    }
    digest_.answers(r);
}

} // namespace determinism
