/* SPDX-License-Identifier: MIT */
/* N servers in one process, driven through the C ABI. It calls exactly the accessors that a flag of
 * an update obliges a caller to call, because their cost is part of what is measured: so it is not
 * made of tests/driver, which calls every accessor in every step. Messages arrive in the order of
 * sending, disks acknowledge at once. */
#pragma once

#include <raft.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

constexpr size_t kPayload = 64;

/* One server and its disk. */
struct Node {
    struct raft r {};
    std::string address;
    std::vector<raft_entry> log; /* log[i] has index i + 1; its memory never moves */
    raft_index commit = 0;
    raft_time timeout = 0;
    enum raft_state state = RAFT_FOLLOWER;
};

struct Options {
    unsigned servers = 3;
    size_t log_room = 1 << 16; /* entries that each log has memory for */
    unsigned max_inflight = 0; /* 0: the default */
    bool tickets = false;      /* acknowledge writes with RAFT_STORED */
    bool bootstrap_all = true; /* else only the first server */
    bool hold_disk = false;    /* writes of the leader wait for acknowledge_writes() */
    unsigned terms = 0;        /* entries on every disk at the start, each of its own term */
    unsigned idle_timeout = 0; /* 0: the servers do not sleep */
};

class Cluster {
public:
    explicit Cluster(const Options &options);
    ~Cluster();
    Cluster(const Cluster &) = delete;
    Cluster &operator=(const Cluster &) = delete;

    /* Elect a leader and commit its barrier everywhere. */
    void settle();

    /* The program ends unless the step sends the entries to every follower. */
    void submit(unsigned n);
    void advance(raft_time msecs) { now_ += msecs; }
    /* One heartbeat interval: the leader's timer fires, all messages are delivered. */
    void heartbeat();

    /* Is every server asleep? */
    bool asleep() const;
    void wake(unsigned node);

    /* Deliver in the order of sending until no message is under way. */
    void deliver();
    /* Deliver only the messages that are under way now. */
    void deliver_once();
    /* Deliver link by link, all messages of a link together, until none is under way. */
    void deliver_by_link();

    /* With hold_disk: the leader's disk acknowledges every write, one by one. */
    void acknowledge_writes();

    Node &leader() { return nodes_[leader_]; }
    unsigned leader_number() const { return leader_; }
    std::vector<Node> &nodes() { return nodes_; }
    raft_time now() const { return now_; }
    void require_committed(raft_index index);

private:
    struct Envelope {
        unsigned from;
        unsigned to;
        raft_message message;
    };

    void load(Node &node, raft_event_start *start);
    void step(unsigned node, raft_event &event);
    void carry_out(unsigned node, raft_update &update);
    void acknowledge(unsigned node, const raft_update_entries &write);
    void store(Node &node, const raft_update_entries &entries);
    void send(unsigned from, raft_message &message);
    void receive(Envelope &envelope);
    void consult(Node &node, unsigned flags);
    unsigned earliest();

    Options options_;
    std::vector<Node> nodes_;
    std::vector<Envelope> queue_;
    std::vector<Envelope> arriving_;
    std::vector<raft_entry> submission_;
    std::vector<char> payload_;
    std::vector<char> configuration_;
    std::vector<std::vector<char>> copies_; /* payloads that the library made */
    unsigned leader_ = 0;
    raft_time now_ = 1;
    std::vector<raft_update_entries> writes_; /* not acknowledged yet */
};

} // namespace bench
