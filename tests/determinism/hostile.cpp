/* SPDX-License-Identifier: MIT */
/* What no correct caller or server does. Pointers and lengths stay honest, as a caller's
 * contract demands; everything else may be anything. Offsets stay below 2^31: how large a
 * snapshot can be is the one thing that depends on the platform's size_t. */
#include "world.hpp"

#include <cstring>

namespace determinism {
namespace {

/* A field may hold bits that its type does not have. */
template <class Field>
void put_raw(Field *field, uint64_t bits) {
    unsigned char bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = static_cast<unsigned char>(bits);
    }
    memcpy(field, bytes, sizeof *field); /* the same in every byte: no byte order */
}

constexpr uint64_t kOffsets = (1ULL << 31) - 1;

} // namespace

uint64_t World::odd_number(Node &node) {
    struct raft *r = &node.handle;
    const unsigned near = random_.below(3);
    switch (random_.below(14)) {
        case 0:
            return 0;
        case 1:
        case 2:
            return random_.below(8);
        case 3:
        case 4:
            return raft_current_term(r) + near - 1;
        case 5:
        case 6:
            return raft_last_index(r) + near - 1;
        case 7:
            return raft_commit_index(r) + near - 1;
        case 8:
            return raft_snapshot_index(r) + near - 1;
        case 9:
            return raft_first_index(r) + near - 1;
        case 10:
            return random_.one_in(4) ? (1ULL << 62) + near - 1 : 3;
        case 11:
            return UINT64_MAX - near * 5;
        default:
            return random_.next() | 1ULL << 63;
    }
}

void World::odd_members(Members *members) {
    const unsigned n = random_.below(6);
    for (unsigned i = 0; i < n; i++) {
        const raft_id id = random_.below(8);
        const std::string address = "host-" + std::to_string(random_.below(9));
        const bool none = random_.one_in(12);
        const int role = random_.one_in(6) ? static_cast<int>(random_.below(12)) - 2 : RAFT_VOTER;
        members->add(random_.one_in(2) ? id : i + 1, none ? nullptr : address.c_str(), role);
    }
}

void World::tamper(Mail &mail) {
    Node &node = any();
    const uint64_t number = odd_number(node);
    const uint64_t other = random_.next();
    const auto version = static_cast<unsigned char>(other % 5);
    const unsigned field = random_.below(7);
    raft_message &m = mail.message;
    switch (m.type) {
        case RAFT_APPEND_ENTRIES: {
            raft_append_entries &a = m.append_entries;
            unsigned long long *fields[] = {&a.prev_log_index, &a.prev_log_term, &a.leader_commit,
                                            &a.round, &a.term};
            if (field < 5) {
                *fields[field] = number;
            } else if (field == 5 && !mail.records.empty()) {
                Record &record = mail.records[other % mail.records.size()];
                if (random_.one_in(2)) {
                    record.term = number;
                } else {
                    record.type = static_cast<raft_entry_type>(other % 5);
                }
            } else {
                a.version = version;
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
                mail.members = std::make_shared<Members>();
                odd_members(mail.members.get());
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

/* A disk that no server left, under a handle of its own. */
void World::hostile_start(Node &node) {
    Node scratch;
    scratch.id = node.id;
    scratch.address = node.address;
    scratch.settings = node.settings;
    scratch.term = random_.one_in(2) ? odd_number(node) : node.term;
    scratch.voted_for = random_.below(4);
    scratch.log = node.log;
    scratch.log_start = random_.one_in(3) ? odd_number(node) : node.log_start;
    scratch.snapshot = node.snapshot;
    const unsigned choice = random_.below(6);
    if (choice == 0) {
        scratch.snapshot.index = odd_number(node);
    } else if (choice == 1) {
        scratch.snapshot.term = odd_number(node);
    } else if (choice == 2) {
        scratch.snapshot.members = std::make_shared<Members>();
        odd_members(scratch.snapshot.members.get());
    } else if (!scratch.log.empty()) {
        Record &record = scratch.log[random_.below(scratch.log.size())];
        if (choice == 3) {
            record.term = odd_number(node);
        } else if (choice == 4) {
            record.type = static_cast<raft_entry_type>(random_.below(5));
        } else if (!record.payload.empty()) {
            record.payload[random_.below(record.payload.size())] ^= '\3';
        }
    }
    open(scratch);
    start(scratch);
    raft_event e = event(RAFT_TIMEOUT);
    e.time += random_.below(3000);
    (void)step(scratch, e);
    digest_.integer(raft_close(&scratch.handle));
}

/* Alone at the last indexes and terms that there are. */
void World::far_end(Node &node) {
    constexpr uint64_t kLast = 1ULL << 62;
    Node scratch;
    scratch.id = node.id;
    scratch.address = node.address;
    scratch.settings = node.settings;
    scratch.term = random_.one_in(2) ? kLast - random_.below(3) : 1;
    scratch.snapshot.index = kLast - random_.below(6);
    scratch.snapshot.term = 1;
    scratch.snapshot.configuration_index = 1;
    scratch.snapshot.members = std::make_shared<Members>();
    scratch.snapshot.members->add(node.id, node.address.c_str(), RAFT_VOTER);
    scratch.log_start = scratch.snapshot.index + 1;
    open(scratch);
    start(scratch);
    acknowledge(scratch);
    submit(scratch);
    acknowledge(scratch);
    change_members(scratch);
    raft_event e = event(RAFT_RECOVER);
    e.recover.conf = scratch.snapshot.members->view();
    (void)step(scratch, e);
    digest_.integer(raft_close(&scratch.handle));
}

void World::hostile_event(Node &node) {
    raft_event e = event(static_cast<raft_event_type>(random_.below(18)));
    Members members;
    odd_members(&members);
    raft_entry entry = {odd_number(node), static_cast<raft_entry_type>(random_.below(5)), {}, this};
    entry.batch = reinterpret_cast<void *>(static_cast<uintptr_t>(++cookie_));
    const uint64_t number = odd_number(node);
    if (random_.one_in(8)) {
        e.time = random_.one_in(2) ? number : (1ULL << 62) + 1;
    }
    switch (static_cast<unsigned>(e.type)) {
        case RAFT_START:
            e.start.term = number;
            break;
        case RAFT_RECEIVE:
            break; /* no message */
        case RAFT_PERSISTED_ENTRIES:
            /* Taken at its word: more would be durable than is. */
            e.persisted_entries.index = number > raft_last_stored(&node.handle) ? 0 : number;
            break;
        case RAFT_PERSISTED_SNAPSHOT:
            e.persisted_snapshot.metadata.index = number | 1ULL << 40;
            put_raw(&e.persisted_snapshot.last, number);
            break;
        case RAFT_CONFIGURATION:
            e.configuration.index = number;
            break;
        case RAFT_SNAPSHOT:
            e.snapshot.metadata.index = number > node.snapshot.index ? number | 1ULL << 40 : number;
            e.snapshot.trailing = static_cast<unsigned>(number);
            break;
        case RAFT_SUBMIT:
            e.submit = {number % 4 == 0 ? nullptr : &entry, number % 3 != 0};
            break;
        case RAFT_CATCH_UP:
            e.catch_up.server_id = number;
            break;
        case RAFT_TRANSFER:
            e.transfer.server_id = number;
            break;
        case RAFT_BOOTSTRAP:
            e.bootstrap.conf = members.view();
            break;
        case RAFT_RECONFIGURE:
            e.reconfigure.conf = members.view();
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
            e.recover.conf = members.view();
            break;
        default: /* of no known type */
            put_raw(&e.type, random_.next() | 0x40);
    }
    (void)step(node, e);
}

void World::hostile() {
    const unsigned choice = random_.below(10);
    if (choice < 5 && !mails_.empty()) {
        Mail mail = mails_[random_.below(mails_.size())];
        tamper(mail);
        if (random_.one_in(10)) {
            mail.message.server_id = odd_number(any());
        }
        if (random_.one_in(20)) {
            mail.message.type = static_cast<raft_message_type>(7); /* of a later version */
        }
        receive(nodes_[static_cast<size_t>(mail.to - 1)], mail);
    } else if (choice < 6) {
        if (random_.one_in(3)) {
            far_end(any());
        } else {
            hostile_start(any());
        }
    } else if (choice < 7) {
        Members members;
        odd_members(&members);
        submit_change(leader_mostly(), members);
    } else {
        hostile_event(leader_mostly());
    }
}

} // namespace determinism
