/* SPDX-License-Identifier: MIT */
/* What a correct caller does. */
#include "cluster.hpp"

#include <algorithm>

namespace determinism {

using driver::Configuration;
using driver::Entry;
using driver::Message;

void Cluster::run(unsigned actions) {
    for (unsigned i = 0; i < actions; i++) {
        if (hostility_ > 0 && random_.one_in(hostility_)) {
            hostile();
        } else {
            act();
        }
    }
}

Server &Cluster::leader_mostly() {
    Server &chosen = any();
    if (!random_.one_in(8)) {
        for (const auto &server : servers_) {
            if (server->view.leads()) {
                return *server;
            }
        }
    }
    return chosen;
}

void Cluster::act() {
    now_ += random_.below(4);
    const uint64_t choice = random_.below(200);
    if (choice < 100) {
        deliver();
    } else if (choice < 116) {
        time_out();
    } else if (choice < 158) {
        acknowledge(any());
    } else if (choice < 176) {
        submit_some(leader_mostly());
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
    } else if (choice < 199) {
        rest();
    } else {
        wake(any());
    }
}

/* Nobody asks for anything for a while: messages arrive, writes complete, timers fire. Clusters
 * whose settings allow it fall asleep. */
void Cluster::rest() {
    const uint64_t turns = 40 + random_.below(120);
    for (uint64_t i = 0; i < turns; i++) {
        now_ += random_.below(2);
        const uint64_t choice = random_.below(8);
        if (choice == 0 && messages_.empty()) {
            time_out();
        } else if (choice < 6 && !messages_.empty()) {
            const Message message = std::move(messages_.front());
            messages_.erase(messages_.begin());
            receive(*servers_[static_cast<size_t>(message.to - 1)], message);
        } else {
            acknowledge(any());
        }
    }
    for (const auto &server : servers_) {
        if (server->view.asleep() && random_.one_in(2)) {
            disturb(*server);
        }
    }
}

void Cluster::wake(Server &server) {
    raft_event e = event(RAFT_WAKE);
    (void)server.step(e);
}

/* Any event but a message: what happens to a server that sleeps. */
void Cluster::disturb(Server &server) {
    raft_event e = event(RAFT_STORED);
    switch (random_.below(12)) {
        case 0:
            wake(server);
            return;
        case 1:
            e.type = RAFT_UNREACHABLE;
            e.unreachable.server_id = any().id;
            break;
        case 2: /* a late acknowledgement */
            e.stored = {server.view.stored, 0};
            break;
        case 3:
            (void)server.persisted(server.view.stored);
            return;
        case 4:
            take_snapshot(server);
            return;
        case 5:
            step_sent(server);
            return;
        case 6:
            change_members(server);
            return;
        case 7:
            step_with(server, RAFT_RECOVER, some_members(true));
            return;
        case 8:
            change_setting(server);
            return;
        case 9:
            submit_some(server);
            return;
        case 10:
            e.type = RAFT_TIMEOUT;
            break;
        default:
            if (hostility_ > 0 && random_.one_in(2)) {
                hostile_event(server);
            } else {
                ask(server);
            }
            return;
    }
    (void)server.step(e);
}

/* In any order, sometimes twice or not at all. */
void Cluster::deliver() {
    if (messages_.empty()) {
        return;
    }
    const uint64_t which = random_.one_in(3) ? random_.below(messages_.size()) : 0;
    const Message message = messages_[which];
    const uint64_t fate = random_.below(24);
    if (fate != 0) {
        messages_.erase(messages_.begin() + which);
    }
    if (fate == 1 && random_.one_in(2)) {
        raft_event e = event(RAFT_UNREACHABLE);
        e.unreachable.server_id = message.to;
        (void)servers_[static_cast<size_t>(message.from - 1)]->step(e);
    } else if (fate != 1) {
        receive(*servers_[static_cast<size_t>(message.to - 1)], message);
    }
}

void Cluster::receive(Server &server, const Message &message) {
    raft_event e = event(RAFT_RECEIVE);
    server.loan.clear();
    e.receive.message = server.loan.lend(message);
    (void)server.step(e);
}

void Cluster::time_out() {
    Server *due = &any();
    if (!random_.one_in(4)) {
        for (const auto &server : servers_) {
            if (server->view.timeout < due->view.timeout) {
                due = server.get();
            }
        }
    }
    if (due->view.timeout > now_ && due->view.timeout < 1ULL << 61) {
        now_ = due->view.timeout;
    }
    raft_event e = event(RAFT_TIMEOUT);
    (void)due->step(e);
}

void Cluster::acknowledge(Server &server) {
    driver::Disk &disk = server.disk;
    if (disk.queue.empty()) {
        return;
    }
    if (disk.queue.front().kind == driver::Write::CHUNK || !random_.one_in(6)) {
        (void)server.finish_write();
        return;
    }
    while (!disk.queue.empty() && disk.queue.front().kind != driver::Write::CHUNK) {
        (void)disk.finish(); /* all entries are acknowledged at once */
    }
    (void)server.persisted(server.acknowledgeable(server.log.last()));
}

void Cluster::submit(Server &server, const std::vector<Entry> &entries) {
    raft_event e = event(RAFT_SUBMIT);
    server.loan.clear();
    server.loan.lend(entries.data(), entries.size());
    e.submit = {server.loan.entries.data(), static_cast<unsigned>(entries.size())};
    (void)server.step(e);
}

void Cluster::submit_some(Server &server) {
    std::vector<Entry> entries(1 + random_.below(4));
    for (Entry &entry : entries) {
        const uint64_t length = random_.below(20);
        const std::string bytes(length, static_cast<char>('a' + random_.below(26)));
        entry.payload = payloads_.make(random_.one_in(8) ? RAFT_BARRIER : RAFT_COMMAND, bytes);
    }
    submit(server, entries);
}

void Cluster::submit_change(Server &server, const Configuration &members) {
    submit(server, {Entry(0, payloads_.make(RAFT_CHANGE, encode(members)))});
}

void Cluster::step_with(Server &server, raft_event_type type, const Configuration &members) {
    raft_event e = event(type);
    server.loan.clear();
    const raft_configuration conf = server.loan.lend(members);
    if (type == RAFT_BOOTSTRAP) {
        e.bootstrap.conf = conf;
    } else if (type == RAFT_RECONFIGURE) {
        e.reconfigure = {conf, random_.one_in(2)};
    } else {
        e.recover.conf = conf;
    }
    (void)server.step(e);
}

void Cluster::take_snapshot(Server &server) {
    const raft_index newest = server.view.commit;
    if (newest <= server.view.snapshot) {
        return;
    }
    const raft_index index =
        newest - random_.below(std::min<raft_index>(newest - server.view.snapshot, 5));
    const std::string data =
        "state at " + std::to_string(index) + std::string(static_cast<size_t>(index % 40), '.');
    server.disk.snapshot = server.make_snapshot(index, data);
    (void)server.snapshot_taken(server.disk.snapshot, random_.below(6));
}

/* At least one voter, and some of the others. */
Configuration Cluster::some_members(bool with_founders) {
    Configuration members;
    const uint64_t voter = random_.below(servers_.size());
    for (unsigned i = 0; i < servers_.size(); i++) {
        const uint64_t choice = random_.below(6);
        if (i == voter || (with_founders && i < founders_) || choice < 3) {
            members.add(i + 1, RAFT_VOTER);
        } else if (choice < 5) {
            members.add(i + 1, choice == 3 ? RAFT_STANDBY : RAFT_SPARE);
        }
    }
    return members;
}

void Cluster::change_members(Server &server) {
    const Configuration members = some_members(random_.one_in(2));
    const uint64_t choice = random_.below(20);
    if (choice == 0 && !server.view.leads()) {
        step_with(server, RAFT_RECOVER, members);
    } else if (choice < 4) {
        submit_change(server, members);
    } else {
        step_with(server, RAFT_RECONFIGURE, members);
    }
}

void Cluster::ask(Server &server) {
    const uint64_t choice = random_.below(16);
    const raft_id other = any().id;
    if (choice >= 14) {
        step_sent(server);
        return;
    }
    raft_event e = event(choice < 7    ? RAFT_READ
                         : choice < 9  ? RAFT_CATCH_UP
                         : choice < 11 ? RAFT_TRANSFER
                         : choice < 13 ? RAFT_CAMPAIGN
                                       : RAFT_CONFIGURATION);
    if (e.type == RAFT_READ) {
        e.read = {++reads_, random_.one_in(2)};
    } else if (e.type == RAFT_CATCH_UP) {
        e.catch_up.server_id = random_.one_in(6) ? 0 : other;
    } else if (e.type == RAFT_TRANSFER) {
        e.transfer.server_id = random_.one_in(3) ? 0 : other;
    } else if (e.type == RAFT_CONFIGURATION) {
        e.configuration.index = server.view.commit;
    }
    (void)server.step(e);
}

/* Some of the entries that were asked for have not left, it says. */
void Cluster::step_sent(Server &server) {
    raft_event e = event(RAFT_SENT);
    e.sent.server_id = any().id;
    const driver::Peer &peer = server.view.peer(e.sent.server_id);
    e.sent.index = peer.match + random_.below(1 + peer.next - std::min(peer.match, peer.next));
    (void)server.step(e);
}

void Cluster::change_setting(Server &server) {
    struct raft *r = server.handle();
    const uint64_t value = random_.below(1200);
    const auto set = [&](unsigned which) {
        switch (which) {
            case 0:
                return raft_set_election_timeout(r, value);
            case 1:
                return raft_set_heartbeat_timeout(r, value);
            case 2:
                return raft_set_max_inflight_entries(r, value % 20);
            case 3:
                return raft_set_max_message_entries(r, value % 5);
            case 4:
                return raft_set_pre_vote(r, value % 3 != 0);
            case 5:
                return raft_set_max_catch_up_round_duration(r, value);
            case 6:
                return raft_set_election_delay(r, value % 5 == 0 ? UINT32_MAX : value);
            case 7:
                return raft_set_eager_commit(r, value % 2);
            case 8:
                return raft_set_features(r, value % 40);
            case 9:
                return raft_set_idle_timeout(r, value % 3 == 0 ? 0 : value / 4);
            default:
                return raft_seed(r, value);
        }
    };
    add(static_cast<uint64_t>(set(random_.below(11))));
    server.view.capture(r); /* a setting may move the deadline */
}

} // namespace determinism
