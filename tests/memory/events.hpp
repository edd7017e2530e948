/* SPDX-License-Identifier: MIT */
/* Makes events. What they point to lives as long as the builder. */
#pragma once

#include <raft.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

namespace memory {

struct Member {
    raft_id id;
    int role;
    const char *address = nullptr; /* NULL: the server's usual address */
};

/* Owns the memory that events borrow. */
class Builder {
public:
    raft_configuration conf(std::initializer_list<Member> members);
    /* Drawn: "1 2 3s"; see driver::Configuration. */
    raft_configuration conf(const char *drawing);
    raft_entry command(raft_term term, size_t size = 8);
    raft_entry barrier(raft_term term);
    raft_entry change(raft_term term, const raft_configuration &conf);
    raft_snapshot_metadata *metadata(raft_index index, raft_term term, raft_configuration conf,
                                     raft_index conf_index);
    /* `address` NULL: the server's usual one. */
    raft_message message(raft_message_type type, raft_id from, const char *address = nullptr);

    raft_event event(raft_event_type type, raft_time time) const;
    raft_event start(raft_time time, raft_term term, raft_snapshot_metadata *metadata,
                     raft_index start_index, std::initializer_list<raft_entry> entries);
    raft_event receive(raft_time time, const raft_message &message);
    raft_event submit(raft_time time, std::initializer_list<raft_entry> entries);
    raft_event append(raft_time time, raft_id from, raft_term term, raft_index prev,
                      raft_term prev_term, raft_index commit,
                      std::initializer_list<raft_entry> entries, unsigned char version = 0,
                      unsigned long long round = 0);
    /* A heartbeat that tells its receiver to sleep: everything up to `last` is committed. */
    raft_event sleep(raft_time time, raft_id from, raft_term term, raft_index last,
                     raft_term last_term, unsigned long long round);
    raft_event result(raft_time time, raft_id from, raft_term term, raft_index rejected,
                      raft_index last, unsigned short features = RAFT_FEATURE_CAPACITY,
                      unsigned long long round = 0);
    raft_event vote(raft_time time, raft_id from, raft_term term, bool pre_vote,
                    bool granted = true);
    raft_event request(raft_time time, raft_id from, raft_term term, raft_index last,
                       raft_term last_term, bool pre_vote = false, bool permitted = false);
    raft_event install(raft_time time, raft_id from, raft_term term, raft_index index,
                       raft_term index_term, raft_configuration conf, unsigned char version,
                       unsigned long long offset, bool last, size_t size = 16);
    raft_event timeout_now(raft_time time, raft_id from, raft_term term, raft_index last,
                           raft_term last_term);
    raft_event persisted(raft_time time, raft_index index) const;
    raft_event stored(raft_time time, raft_index index, unsigned long long write) const;
    raft_event persisted_chunk(raft_time time, raft_index index, raft_term term, size_t offset,
                               bool last) const;
    raft_event snapshot(raft_time time, raft_index index, unsigned trailing) const;
    raft_event with_conf(raft_time time, raft_event_type type, raft_configuration conf) const;
    raft_event with_id(raft_time time, raft_event_type type, raft_id id) const;
    raft_event reconfigure(raft_time time, raft_configuration conf, bool force) const;
    raft_event sent(raft_time time, raft_id id, raft_index index) const;
    raft_event read(raft_time time, unsigned long long id, bool lease) const;

private:
    const char *address_of(raft_id id);
    raft_entry *keep(std::initializer_list<raft_entry> entries);

    std::deque<std::vector<raft_server>> servers_;
    std::deque<std::vector<raft_entry>> entries_;
    std::deque<std::string> texts_;
    std::deque<std::vector<unsigned char>> payloads_;
    std::deque<raft_snapshot_metadata> metadata_;
    std::deque<raft_message> messages_;
};

} // namespace memory
