/* SPDX-License-Identifier: MIT */
/* What no correct caller or server does. Pointers and lengths stay valid, as a caller must ensure;
 * every other field may be anything. Offsets stay below 2^31: larger ones depend on the size_t of
 * the platform. */
#include "cluster.hpp"

#include <algorithm>
#include <cstring>

namespace determinism {

using driver::Configuration;
using driver::Entry;
using driver::Message;

namespace {

/* A field may hold bits that its type does not have. The same in every byte: no byte order. */
template <class Field>
void put_raw(Field *field, uint64_t bits) {
    memset(static_cast<void *>(field), static_cast<unsigned char>(bits), sizeof *field);
}

constexpr uint64_t kOffsets = (1ULL << 31) - 1;

} // namespace

uint64_t Cluster::odd_number(const Server &server) {
    const driver::View &view = server.view;
    const uint64_t near = random_.below(3);
    switch (random_.below(14)) {
        case 0:
            return 0;
        case 1:
        case 2:
            return random_.below(8);
        case 3:
        case 4:
            return view.term + near - 1;
        case 5:
        case 6:
            return view.last + near - 1;
        case 7:
            return view.commit + near - 1;
        case 8:
            return view.snapshot + near - 1;
        case 9:
            return view.first + near - 1;
        case 10:
            return random_.one_in(4) ? (1ULL << 62) + near - 1 : 3;
        case 11:
            return UINT64_MAX - near * 5;
        default:
            return random_.next() | 1ULL << 63;
    }
}

Configuration Cluster::odd_members() {
    Configuration members;
    const uint64_t n = random_.below(6);
    for (unsigned i = 0; i < n; i++) {
        const raft_id id = random_.below(8);
        const char *address = driver::address_of(random_.below(9));
        const bool none = random_.one_in(12);
        const int role = random_.one_in(6) ? static_cast<int>(random_.below(12)) - 2 : RAFT_VOTER;
        members.members.push_back({random_.one_in(2) ? id : i + 1, role, none ? nullptr : address});
    }
    return members;
}

void Cluster::tamper(Message *message) {
    const uint64_t number = odd_number(any());
    const uint64_t other = random_.next();
    const auto version = static_cast<unsigned char>(other % 5);
    const uint64_t field = random_.below(7);
    raft_message &m = message->m;
    switch (m.type) {
        case RAFT_APPEND_ENTRIES: {
            raft_append_entries &a = m.append_entries;
            unsigned long long *fields[] = {&a.prev_log_index, &a.prev_log_term, &a.leader_commit,
                                            &a.round, &a.term};
            if (field < 5) {
                *fields[field] = number;
            } else if (field == 5 && !message->entries.empty()) {
                Entry &entry = message->entries[other % message->entries.size()];
                if (random_.one_in(2)) {
                    entry.term = number;
                } else {
                    const auto type = static_cast<raft_entry_type>(other % 5);
                    entry.payload = payloads_.make(type, entry.bytes());
                }
            } else {
                a.version = version;
                put_raw(&a.sleep, other >> 8);
            }
            break;
        }
        case RAFT_APPEND_ENTRIES_RESULT: {
            raft_append_entries_result &a = m.append_entries_result;
            unsigned long long *fields[] = {&a.rejected, &a.last_log_index, &a.round,
                                            &a.snapshot_index, &a.term};
            if (field < 5) {
                *fields[field] = number;
            } else if (field == 5) {
                a.snapshot_offset = number & kOffsets;
            } else {
                a.version = version;
                a.features = static_cast<unsigned short>(other >> 32);
            }
            break;
        }
        case RAFT_REQUEST_VOTE: {
            raft_request_vote &v = m.request_vote;
            unsigned long long *fields[] = {&v.candidate_id, &v.last_log_index, &v.last_log_term,
                                            &v.term};
            if (field < 4) {
                *fields[field] = number;
            } else if (field == 4) {
                put_raw(&v.disrupt_leader, other);
            } else if (field == 5) {
                put_raw(&v.pre_vote, other);
            } else {
                v.version = version;
            }
            break;
        }
        case RAFT_REQUEST_VOTE_RESULT: {
            raft_request_vote_result &v = m.request_vote_result;
            if (field < 2) {
                v.term = number;
            } else if (field < 4) {
                put_raw(&v.vote_granted, other);
            } else if (field < 6) {
                put_raw(&v.pre_vote, other);
            } else {
                v.version = version;
            }
            break;
        }
        case RAFT_INSTALL_SNAPSHOT: {
            raft_install_snapshot &s = m.install_snapshot;
            unsigned long long *fields[] = {&s.last_index, &s.last_term, &s.conf_index, &s.term};
            if (field < 4) {
                *fields[field] = number;
            } else if (field == 4) {
                s.offset = number & kOffsets;
            } else if (field == 5) {
                message->conf = odd_members();
            } else {
                put_raw(&s.last, other);
                s.version = version;
            }
            break;
        }
        default: {
            raft_timeout_now &t = m.timeout_now;
            unsigned long long *fields[] = {&t.last_log_index, &t.last_log_term, &t.term};
            if (field < 3) {
                *fields[field] = number;
            } else {
                t.version = version;
            }
        }
    }
}

/* A START from a disk that no server left, in a raft of its own. */
void Cluster::hostile_start(Server &server) {
    driver::Disk disk = server.disk;
    driver::Snapshot snapshot = disk.snapshot != nullptr ? *disk.snapshot : driver::Snapshot();
    raft_event e = event(RAFT_START);
    e.start.term = random_.one_in(2) ? odd_number(server) : disk.term;
    e.start.voted_for = random_.below(4);
    e.start.start_index = random_.one_in(3) ? odd_number(server) : disk.log.first;
    const uint64_t choice = random_.below(6);
    if (choice == 0) {
        snapshot.index = odd_number(server);
    } else if (choice == 1) {
        snapshot.term = odd_number(server);
    } else if (choice == 2) {
        snapshot.conf = odd_members();
    } else if (!disk.log.empty()) {
        Entry &entry = disk.log.entries[random_.below(disk.log.entries.size())];
        std::string bytes = entry.bytes();
        if (choice == 3) {
            entry.term = odd_number(server);
        } else if (choice == 4) {
            const auto type = static_cast<raft_entry_type>(random_.below(5));
            entry.payload = payloads_.make(type, bytes);
        } else if (!bytes.empty()) {
            bytes[random_.below(bytes.size())] ^= '\3';
            entry.payload = payloads_.make(entry.type(), bytes);
        }
    }
    driver::Loan loan;
    loan.lend(disk.log.entries.data(), disk.log.entries.size());
    e.start.entries = loan.entries.data();
    e.start.n_entries = static_cast<unsigned>(loan.entries.size());
    raft_snapshot_metadata metadata = {snapshot.index, snapshot.term, loan.lend(snapshot.conf),
                                       snapshot.conf_index};
    e.start.metadata = snapshot.index > 0 ? &metadata : nullptr;
    struct raft r;
    raft_update update;
    if (raft_init(&r, server.id, server.address) != 0) {
        throw driver::Violation("raft_init", "fails");
    }
    set_up(&r, server.settings);
    (void)take_step(&r, e, update);
    raft_event timeout = event(RAFT_TIMEOUT);
    timeout.time += random_.below(3000);
    (void)take_step(&r, timeout, update);
    (void)raft_close(&r);
}

/* A server comes back without the end of its log, or with nothing. */
void Cluster::lose_data(Server &server) {
    server.crash(0);
    driver::Disk &disk = server.disk;
    if (random_.one_in(3)) {
        disk.term = 0;
        disk.vote = 0;
        disk.snapshot = nullptr;
        disk.log.reset(1);
    } else if (!disk.log.empty()) {
        const raft_index first = disk.snapshot != nullptr ? disk.snapshot->index + 1 : 2;
        disk.log.truncate(std::max(first, disk.log.last() - random_.below(4)));
    }
    server.open();
}

/* A sole voter at the last indexes and terms that there are. */
void Cluster::at_the_limits(Server &server) {
    constexpr uint64_t kLast = 1ULL << 62;
    Server last(server.id, *this, server.settings);
    Configuration alone;
    alone.add(server.id, RAFT_VOTER);
    last.disk.term = random_.one_in(2) ? kLast - random_.below(3) : 1;
    last.disk.snapshot = std::make_shared<const driver::Snapshot>(
        driver::Snapshot{kLast - random_.below(6), 1, alone, 1, "state"});
    last.open();
    acknowledge(last);
    submit_some(last);
    acknowledge(last);
    change_members(last);
    step_with(last, RAFT_RECOVER, alone);
}

void Cluster::hostile_event(Server &server) {
    raft_event e = event(static_cast<raft_event_type>(random_.below(kUnknownEvent + 1)));
    server.loan.clear();
    const raft_configuration members = server.loan.lend(odd_members());
    Entry entry; /* one random number a statement: the order of evaluation is not specified */
    entry.term = odd_number(server);
    entry.payload = payloads_.make(static_cast<raft_entry_type>(random_.below(5)), "");
    server.loan.lend(&entry, 1);
    const uint64_t number = odd_number(server);
    if (random_.one_in(8)) {
        e.time = random_.one_in(2) ? number | 1 : (1ULL << 62) + 1;
    }
    switch (static_cast<unsigned>(e.type)) {
        case RAFT_START:
            e.start.term = number;
            break;
        case RAFT_RECEIVE:
            break; /* no message */
        case RAFT_PERSISTED_ENTRIES:
            /* The library does not check this event, so only a true index may be given. */
            e.persisted_entries.index = number > server.view.stored ? 0 : number;
            break;
        case RAFT_PERSISTED_SNAPSHOT:
            e.persisted_snapshot.metadata.index = number | 1ULL << 40;
            put_raw(&e.persisted_snapshot.last, number);
            break;
        case RAFT_CONFIGURATION:
            e.configuration.index = number;
            break;
        case RAFT_SNAPSHOT:
            e.snapshot.metadata.index =
                number > server.view.snapshot ? number | 1ULL << 40 : number;
            e.snapshot.trailing = static_cast<unsigned>(number);
            break;
        case RAFT_SUBMIT:
            e.submit = {number % 4 == 0 ? nullptr : server.loan.entries.data(), number % 3 != 0};
            break;
        case RAFT_CATCH_UP:
            e.catch_up.server_id = number;
            break;
        case RAFT_TRANSFER:
            e.transfer.server_id = number;
            break;
        case RAFT_BOOTSTRAP:
            e.bootstrap.conf = members;
            break;
        case RAFT_RECONFIGURE:
            e.reconfigure.conf = members;
            put_raw(&e.reconfigure.force, number);
            break;
        case RAFT_READ:
            e.read.id = number;
            put_raw(&e.read.lease, number);
            break;
        case RAFT_UNREACHABLE:
            e.unreachable.server_id = number;
            break;
        case RAFT_STORED:
            e.stored = {number, number % 2 == 0 ? ~0ULL : 0};
            break;
        case RAFT_RECOVER:
            e.recover.conf = members;
            break;
        case RAFT_SENT:
            e.sent = {random_.below(8), number};
            break;
        case RAFT_CAMPAIGN:
        case RAFT_WAKE:
            break;
        default: { /* of an unknown type, which must fail, and which only the library may load */
            raft_update update;
            put_raw(&e.type, random_.next() | 0x40);
            (void)take_step(server.handle(), e, update);
            return;
        }
    }
    (void)server.step(e);
}

void Cluster::hostile() {
    const uint64_t choice = random_.below(10);
    if (choice < 5 && !messages_.empty()) {
        Message message = messages_[random_.below(messages_.size())];
        tamper(&message);
        if (random_.one_in(10)) {
            message.from = odd_number(any());
        }
        if (random_.one_in(20)) {
            message.m.type = static_cast<raft_message_type>(7); /* of a later version */
        }
        receive(*servers_[static_cast<size_t>(message.to - 1)], message);
    } else if (choice < 6) {
        if (random_.one_in(4)) {
            lose_data(any());
        } else if (random_.one_in(3)) {
            at_the_limits(any());
        } else {
            hostile_start(any());
        }
    } else if (choice < 7) {
        Configuration members = odd_members();
        for (driver::Member &member : members.members) {
            member.address = member.address != nullptr ? member.address : driver::intern("");
        }
        submit_change(leader_mostly(), members);
    } else {
        hostile_event(leader_mostly());
    }
}

} // namespace determinism
