/* SPDX-License-Identifier: MIT */
#include "events.hpp"

#include "../driver/types.hpp"

namespace memory {
namespace {

char cookie; /* `batch` of all entries of the caller */

} // namespace

const char *Builder::address_of(raft_id id) {
    texts_.push_back("server-" + std::to_string(id) + ".example.org:7000");
    return texts_.back().c_str();
}

raft_entry *Builder::keep(std::initializer_list<raft_entry> entries) {
    entries_.emplace_back(entries);
    return entries_.back().data();
}

raft_configuration Builder::conf(std::initializer_list<Member> members) {
    std::vector<raft_server> &list = servers_.emplace_back();
    for (const Member &m : members) {
        list.push_back({m.id, m.address != nullptr ? m.address : address_of(m.id), m.role});
    }
    return {list.data(), static_cast<unsigned>(list.size())};
}

raft_configuration Builder::conf(const char *drawing) {
    std::vector<raft_server> &list = servers_.emplace_back();
    for (const driver::Member &m : driver::Configuration(drawing).members) {
        list.push_back({m.id, address_of(m.id), m.role});
    }
    return {list.data(), static_cast<unsigned>(list.size())};
}

raft_entry Builder::command(raft_term term, size_t size) {
    std::vector<unsigned char> &payload = payloads_.emplace_back(size, 0x5a);
    return {term, RAFT_COMMAND, {payload.data(), payload.size()}, {&cookie}};
}

raft_entry Builder::barrier(raft_term term) {
    std::vector<unsigned char> &payload = payloads_.emplace_back(8, 0);
    return {term, RAFT_BARRIER, {payload.data(), payload.size()}, {&cookie}};
}

raft_entry Builder::change(raft_term term, const raft_configuration &conf) {
    const std::string bytes = encode(driver::Configuration(conf));
    std::vector<unsigned char> &payload = payloads_.emplace_back(bytes.begin(), bytes.end());
    return {term, RAFT_CHANGE, {payload.data(), payload.size()}, {&cookie}};
}

raft_snapshot_metadata *Builder::metadata(raft_index index, raft_term term, raft_configuration conf,
                                          raft_index conf_index) {
    return &metadata_.emplace_back(raft_snapshot_metadata{index, term, conf, conf_index});
}

raft_message Builder::message(raft_message_type type, raft_id from, const char *address) {
    raft_message m = {};
    m.type = type;
    m.server_id = from;
    m.server_address = address != nullptr ? address : address_of(from);
    return m;
}

raft_event Builder::event(raft_event_type type, raft_time time) const {
    raft_event e = {};
    e.time = time;
    e.type = type;
    e.capacity = 1000;
    return e;
}

raft_event Builder::start(raft_time time, raft_term term, raft_snapshot_metadata *metadata,
                          raft_index start_index, std::initializer_list<raft_entry> entries) {
    raft_event e = event(RAFT_START, time);
    e.start = {
        term, 0, metadata, start_index, keep(entries), static_cast<unsigned>(entries.size())};
    return e;
}

raft_event Builder::receive(raft_time time, const raft_message &message) {
    raft_event e = event(RAFT_RECEIVE, time);
    e.receive.message = &messages_.emplace_back(message);
    return e;
}

raft_event Builder::submit(raft_time time, std::initializer_list<raft_entry> entries) {
    raft_event e = event(RAFT_SUBMIT, time);
    e.submit = {keep(entries), static_cast<unsigned>(entries.size())};
    return e;
}

raft_event Builder::append(raft_time time, raft_id from, raft_term term, raft_index prev,
                           raft_term prev_term, raft_index commit,
                           std::initializer_list<raft_entry> entries, unsigned char version,
                           unsigned long long round) {
    raft_message m = message(RAFT_APPEND_ENTRIES, from);
    m.append_entries = {version,
                        term,
                        prev,
                        prev_term,
                        commit,
                        keep(entries),
                        static_cast<unsigned>(entries.size()),
                        round,
                        false};
    return receive(time, m);
}

raft_event Builder::sleep(raft_time time, raft_id from, raft_term term, raft_index last,
                          raft_term last_term, unsigned long long round) {
    raft_event e = append(time, from, term, last, last_term, last, {}, 2, round);
    e.receive.message->append_entries.sleep = true;
    return e;
}

raft_event Builder::result(raft_time time, raft_id from, raft_term term, raft_index rejected,
                           raft_index last, unsigned short features, unsigned long long round) {
    raft_message m = message(RAFT_APPEND_ENTRIES_RESULT, from);
    m.append_entries_result = {3, term, rejected, last, features, 1000, round, 0, 0};
    return receive(time, m);
}

raft_event Builder::vote(raft_time time, raft_id from, raft_term term, bool pre_vote,
                         bool granted) {
    raft_message m = message(RAFT_REQUEST_VOTE_RESULT, from);
    m.request_vote_result = {2, term, granted, pre_vote, RAFT_FEATURE_CAPACITY, 1000};
    return receive(time, m);
}

raft_event Builder::request(raft_time time, raft_id from, raft_term term, raft_index last,
                            raft_term last_term, bool pre_vote, bool permitted) {
    raft_message m = message(RAFT_REQUEST_VOTE, from);
    m.request_vote = {2, term, from, last, last_term, permitted, pre_vote};
    return receive(time, m);
}

raft_event Builder::install(raft_time time, raft_id from, raft_term term, raft_index index,
                            raft_term index_term, raft_configuration conf, unsigned char version,
                            unsigned long long offset, bool last, size_t size) {
    std::vector<unsigned char> &data = payloads_.emplace_back(size, 0x33);
    raft_message m = message(RAFT_INSTALL_SNAPSHOT, from);
    m.install_snapshot = {version, term, index, index_term, conf, 1, {data.data(), size},
                          offset,  last};
    return receive(time, m);
}

raft_event Builder::timeout_now(raft_time time, raft_id from, raft_term term, raft_index last,
                                raft_term last_term) {
    raft_message m = message(RAFT_TIMEOUT_NOW, from);
    m.timeout_now = {0, term, last, last_term};
    return receive(time, m);
}

raft_event Builder::persisted(raft_time time, raft_index index) const {
    raft_event e = event(RAFT_PERSISTED_ENTRIES, time);
    e.persisted_entries.index = index;
    return e;
}

raft_event Builder::stored(raft_time time, raft_index index, unsigned long long write) const {
    raft_event e = event(RAFT_STORED, time);
    e.stored = {index, write};
    return e;
}

raft_event Builder::persisted_chunk(raft_time time, raft_index index, raft_term term, size_t offset,
                                    bool last) const {
    raft_event e = event(RAFT_PERSISTED_SNAPSHOT, time);
    e.persisted_snapshot.metadata.index = index;
    e.persisted_snapshot.metadata.term = term;
    e.persisted_snapshot.offset = offset;
    e.persisted_snapshot.last = last;
    return e;
}

raft_event Builder::snapshot(raft_time time, raft_index index, unsigned trailing) const {
    raft_event e = event(RAFT_SNAPSHOT, time);
    e.snapshot.metadata.index = index;
    e.snapshot.trailing = trailing;
    return e;
}

/* Events that consist of a configuration. */
raft_event Builder::with_conf(raft_time time, raft_event_type type, raft_configuration conf) const {
    raft_event e = event(type, time);
    switch (type) {
        case RAFT_BOOTSTRAP:
            e.bootstrap.conf = conf;
            break;
        case RAFT_RECONFIGURE:
            e.reconfigure.conf = conf;
            break;
        default:
            e.recover.conf = conf;
    }
    return e;
}

raft_event Builder::with_id(raft_time time, raft_event_type type, raft_id id) const {
    raft_event e = event(type, time);
    switch (type) {
        case RAFT_CATCH_UP:
            e.catch_up.server_id = id;
            break;
        case RAFT_TRANSFER:
            e.transfer.server_id = id;
            break;
        default:
            e.unreachable.server_id = id;
    }
    return e;
}

raft_event Builder::reconfigure(raft_time time, raft_configuration conf, bool force) const {
    raft_event e = event(RAFT_RECONFIGURE, time);
    e.reconfigure = {conf, force};
    return e;
}

raft_event Builder::sent(raft_time time, raft_id id, raft_index index) const {
    raft_event e = event(RAFT_SENT, time);
    e.sent = {id, index};
    return e;
}

raft_event Builder::read(raft_time time, unsigned long long id, bool lease) const {
    raft_event e = event(RAFT_READ, time);
    e.read = {id, lease};
    return e;
}

} // namespace memory
