/* SPDX-License-Identifier: MIT */
/* Messages that own what they carry, and arrays that are lent to the library for one call. */
#pragma once

#include "types.hpp"

#include <span>

namespace driver {

/* A deep copy of a message between two servers. */
struct Message {
    raft_id from = 0;
    raft_id to = 0;
    const char *address = nullptr; /* of the sender, interned; null: the default */
    raft_message m{};              /* without its pointers: what they named is below */
    std::vector<Entry> entries;
    Configuration conf;
    std::string data;

    raft_message *operator->() { return &m; }
    const raft_message *operator->() const { return &m; }
};

/* The messages and the answered reads of an update; none if it does not announce them. */
inline std::span<raft_message> messages_of(const raft_update &u) {
    return u.flags & RAFT_UPDATE_MESSAGES ? std::span(u.messages.batch, u.messages.n)
                                          : std::span<raft_message>();
}
inline std::span<const raft_read> reads_of(const raft_update &u) {
    return u.flags & RAFT_UPDATE_READS ? std::span<const raft_read>(u.reads.batch, u.reads.n)
                                       : std::span<const raft_read>();
}

/* A bool or enum of a hostile message may hold any bits. */
bool load(const bool &value);
bool is(const raft_message &m, raft_message_type type);
raft_term term_of(const raft_message &m);
/* A request for a pre-vote or its answer: no server need be in the term that it names. */
bool is_pre_vote(const raft_message &m);
const char *name_of(raft_message_type type);
std::string describe(const raft_message &m);

/* Arrays lent to the library for one call. spoil() overwrites them after it: the library must have
 * copied what it keeps. The payloads and snapshot data that they name are handed through. */
class Loan {
public:
    void clear();
    const char *lend(const char *address);
    void lend(const Entry *first, size_t n); /* to `entries` */
    raft_configuration lend(const Configuration &conf);
    raft_snapshot_metadata *lend(const Snapshot &snapshot);
    /* As it comes in at its destination. */
    raft_message *lend(const Message &message);
    void spoil();

    std::vector<raft_entry> entries;
    std::vector<raft_server> servers;

private:
    raft_message message_{};
    raft_snapshot_metadata metadata_{};
    std::deque<std::string> addresses_;
};

} // namespace driver
