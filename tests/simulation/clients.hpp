/* SPDX-License-Identifier: MIT */
/* The clients, and the history of their requests and answers. */
#pragma once

#include "types.hpp"

namespace sim {

class Simulation;

struct Op {
    enum Kind : uint8_t { WRITE, READ };
    enum Status : uint8_t { OPEN, DONE, FAILED, UNKNOWN };
    Kind kind;
    Status status;
    bool lease;
    bool replaced; /* another leader's entry replaced it in a log */
    uint8_t key;
    raft_id server;
    uint64_t epoch;
    unsigned client;
    uint64_t invoked, completed; /* their places among all invocations and answers */
    uint64_t messages;           /* number of messages sent before this read was asked for */
    raft_index floor;            /* the commit index when this read was asked for */
    uint32_t value;              /* READ: the write whose value it returned */
};

class Clients {
public:
    explicit Clients(Simulation &simulation) : sim_(simulation) {}

    void begin();
    void wake(unsigned client, uint64_t turn);
    void stop() { stopped_ = true; }
    /* Many reads at once. */
    void burst(raft_id server, unsigned n, bool lease = false);

    /* `op` must be an operation, not kNoOp. */
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
        uint64_t turn = 0; /* a wake-up scheduled in an earlier turn is ignored */
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

    Simulation &sim_;
    std::vector<Op> ops_;
    std::vector<Client> clients_;
    uint64_t order_ = 0;
    uint64_t writes_done_ = 0;
    bool stopped_ = false;
};

} // namespace sim
