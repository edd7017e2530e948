/* SPDX-License-Identifier: MIT */
/* The network: it loses, doubles, delays, reorders and cuts, but does not forge. */
#pragma once

#include "wire.hpp"

namespace sim {

class World;

class Network {
public:
    explicit Network(World &world) : w_(world) {}

    void send(Wire *wire); /* takes it */
    void deliver(Wire *wire);
    void drop(Wire *wire);

    /* Cut servers apart: those in the set from the others. */
    void split(unsigned set, bool in, bool out);
    void cut(raft_id from, raft_id to) { blocked_[from][to] = true; }
    void heal();
    /* Nothing that is under way arrives any more. */
    void forget() { forgotten_ = sent_; }
    uint64_t sent() const { return sent_; }

private:
    void post(Wire *wire);
    bool holds_back(Wire *wire); /* then it has taken it */
    void echo_later(const Wire &wire);
    void forge(Wire &wire);

    World &w_;
    bool blocked_[kMaxServers + 1][kMaxServers + 1] = {};
    Time latest_[kMaxServers + 1][kMaxServers + 1] = {};
    struct Held {
        raft_term term = 0;
        bool back = false;
    } held_[kMaxServers + 1]; /* of whose TimeoutNow */
    uint64_t sent_ = 0;
    uint64_t forgotten_ = 0;
};

} // namespace sim
