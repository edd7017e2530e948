/* SPDX-License-Identifier: MIT */
/* Configurations and logs drawn as text, the way the paper's figures draw them.
 *
 * Members:  "1 2 3 4s 5p"        voters 1 to 3, standby 4, spare 5;
 *           joint roles: o outgoing, i incoming, t voter to standby, u voter to spare
 * Log:      "1[1 2 3] 1 2b 2"    entry 1 of term 1 sets the members, then a command of
 *                                term 1, a barrier and a command of term 2 */
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "raft.h"

namespace story {

struct Member {
    raft_id id;
    int role;
    bool operator==(const Member &) const = default;
};

/* An owned struct raft_configuration. */
class Members {
public:
    Members() = default;
    Members(std::string_view drawing);
    Members(const char *drawing) : Members(std::string_view(drawing)) {}
    explicit Members(const raft_configuration &conf);

    /* Valid while this object lives unchanged. */
    raft_configuration c_struct() const;
    std::string str() const;
    std::string encode() const;
    Members sorted() const; /* by ID: the order has no meaning */

    std::vector<Member> list;
    /* By default the address of server 7 is "s7". */
    std::vector<std::string> addresses;

private:
    mutable std::vector<raft_server> servers_;
};

std::string address_of(raft_id id);
std::string render(const raft_configuration &conf);

struct Entry {
    raft_term term = 0;
    raft_entry_type type = RAFT_COMMAND;
    std::string payload;
    bool operator==(const Entry &) const = default;
};

struct Position {
    raft_index index = 0;
    raft_term term = 0;
};

/* `first` is the index of the first drawn entry: it makes command payloads the
 * same wherever the same term stands at the same index (Log Matching). */
std::vector<Entry> draw_log(std::string_view drawing, raft_index first = 1);

/* Borrowed views of `entries`, with a cookie when `cookie` is not null. */
std::vector<raft_entry> borrow(const std::vector<Entry> &entries, void *cookie);

/* The little-endian codec of a configuration, written again for the tests. */
std::string encode_members(const raft_configuration &conf);
bool decode_members(std::string_view payload, Members *members);

} // namespace story
