/* SPDX-License-Identifier: MIT */
/* The network loses, duplicates, delays and reorders messages and can be partitioned. Only with
 * --break does it change them. */
#pragma once

#include "wire.hpp"

namespace sim {

class Simulation;

class Network {
public:
    explicit Network(Simulation &simulation) : sim_(simulation) {}

    void send(Wire *wire); /* takes ownership */
    void deliver(Wire *wire);
    void drop(Wire *wire);

    /* Partition the servers in the set from the others, in one direction or both. */
    void split(unsigned set, bool in, bool out);
    void cut(raft_id from, raft_id to) { blocked_[from][to] = true; }
    void heal();
    /* No message that is under way arrives any more. */
    void forget() { forgotten_ = sent_; }
    /* Nor one from or to that server: its connections are closed. */
    void forget(raft_id server) { closed_[server] = sent_; }
    /* Votes and requests for votes from and to that server are lost. */
    void forget_votes(raft_id server) { voteless_[server] = sent_; }
    uint64_t sent() const { return sent_; }

private:
    void post(Wire *wire);
    void post_slowly(Wire *wire);
    bool is_forgotten(const Wire &wire) const;
    bool is_misaddressed(const Wire &wire) const;
    bool holds_back(Wire *wire); /* true: it has taken ownership */
    void echo_later(const Wire &wire);
    void forge(Wire &wire);

    Simulation &sim_;
    bool blocked_[kMaxServers + 1][kMaxServers + 1] = {};
    Time latest_[kMaxServers + 1][kMaxServers + 1] = {};
    struct Held {
        raft_term term = 0;
        bool back = false;
    } held_[kMaxServers + 1]; /* by sender of TimeoutNow */
    uint64_t sent_ = 0;
    uint64_t forgotten_ = 0;
    uint64_t closed_[kMaxServers + 1] = {}, voteless_[kMaxServers + 1] = {};
    Time busy_until_[kMaxServers + 1][kMaxServers + 1] = {}; /* slow connections */
};

} // namespace sim
