/* SPDX-License-Identifier: MIT */
/* The clients, and the history of what they asked and were told. */
#pragma once

#include "types.hpp"

namespace sim {

class World;

struct Op {
    enum Kind : uint8_t { WRITE, READ };
    enum Status : uint8_t { OPEN, DONE, FAILED, UNKNOWN };
    Kind kind;
    Status status;
    bool lease;
    bool replaced; /* by another leader's entry */
    uint8_t key;
    raft_id server;
    uint64_t epoch;
    unsigned client;
    uint64_t invoked, completed; /* order of all invocations and answers */
    uint64_t messages;           /* that were sent before a read was asked for */
    raft_index floor;            /* what was committed when a read was asked for */
    uint32_t value;              /* of a read: the write that it saw */
};

class Clients {
public:
    explicit Clients(World &world) : w_(world) {}

    void begin();
    void wake(unsigned client, uint64_t turn);
    void stop() { stopped_ = true; }

    /* Only of operations, not of what the library made itself. */
    unsigned key_of(uint32_t op) const { return ops_[op].key; }
    bool by_lease(uint32_t op) const { return op < ops_.size() && ops_[op].lease; }
    uint64_t asked_at(uint32_t op) const { return op < ops_.size() ? ops_[op].messages : 0; }
    bool awaits(uint32_t op, raft_id server, uint64_t epoch) const;
    void completed(uint32_t op);
    void server_died(raft_id server);
    /* A write's entry left the log of its server. */
    void removed(uint32_t op, raft_id server, bool replaced);
    void committed_after_all(uint32_t op);
    /* Returns whether the read can be answered now, with op's value set. */
    bool read_answered(uint32_t op, raft_id server, uint64_t epoch, const raft_read &r,
                       const Machine &machine);

    const std::vector<Op> &history() const { return ops_; }
    uint64_t writes_done() const { return writes_done_; }

private:
    struct Client {
        uint64_t turn = 0; /* outdates scheduled wake-ups */
        raft_id guess = 0;
        std::vector<uint32_t> open;
    };

    raft_id choose_server(Client &c);
    void ask(unsigned client);
    uint32_t add(unsigned client, Op::Kind kind, raft_id server);
    void write(unsigned client, raft_id server);
    void read(unsigned client, raft_id server);
    void refused(unsigned client, int rc, raft_id server);
    void end(uint32_t op, Op::Status status);
    void pause(unsigned client);

    World &w_;
    std::vector<Op> ops_;
    std::vector<Client> clients_;
    uint64_t order_ = 0;
    uint64_t writes_done_ = 0;
    bool stopped_ = false;
};

} // namespace sim
