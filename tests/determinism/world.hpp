/* SPDX-License-Identifier: MIT */
/* A seeded cluster with its network and disks, driven through the public interface by legal
 * and hostile events. What is drawn depends on the seed and on what the library said, on
 * nothing else: two builds that disagree part ways for good. */
#pragma once

#include "digest.hpp"

#include <raft.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace determinism {

class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    unsigned below(uint64_t bound) { return static_cast<unsigned>((next() >> 32) % bound); }
    bool one_in(unsigned n) { return below(n) == 0; }

private:
    uint64_t state_;
};

/* A configuration with its memory. */
struct Members {
    void add(raft_id id, const char *address, int role);
    void assign(const raft_configuration &conf);
    raft_configuration view();

    std::deque<std::string> addresses; /* stay where they are */
    std::vector<raft_server> servers;
};

struct Record {
    raft_term term;
    raft_entry_type type;
    std::string payload;
};

struct Snapshot {
    raft_index index = 0;
    raft_term term = 0;
    std::shared_ptr<Members> members;
    raft_index configuration_index = 0;
    std::string data;
};

/* A message under way, with all that it points to. */
struct Mail {
    raft_id to = 0;
    std::string from_address;
    raft_message message = {};
    std::vector<Record> records;
    std::shared_ptr<Members> members;
    std::string data;
};

struct Write {
    raft_index index;
    unsigned long long ticket;
};

struct Node {
    struct raft handle = {};
    raft_id id = 0;
    std::string address;
    Random settings = Random(0); /* a restarted server has the settings it had */
    raft_term term = 0;
    raft_id voted_for = 0;
    raft_index log_start = 1;
    std::vector<Record> log;
    raft_index durable = 0;
    std::deque<Write> writes;
    Snapshot snapshot;
    Snapshot arriving;
    raft_update_snapshot chunk = {}; /* being written; only index, term, offset and last */
    raft_index arriving_offset = 0;
};

/* What a run has reached, so that it can be seen to have reached everything. */
struct Reached {
    std::array<uint64_t, 18> done = {}; /* by event type; 17: unknown types */
    std::array<uint64_t, 18> refused = {};
    std::array<uint64_t, 13> flags = {};
    std::array<uint64_t, 24> codes = {};
    std::array<uint64_t, 7> sent = {};   /* by message type */
    std::array<uint64_t, 15> facts = {}; /* by trace type */
    uint64_t installed = 0;
    uint64_t joint = 0;
    uint64_t reads_lost = 0;
    uint64_t steps = 0;
    void add(const Reached &other);
};

class World {
public:
    explicit World(uint64_t seed);
    ~World();
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    void run(unsigned actions);
    uint64_t digest() const { return digest_.value(); }
    const Reached &reached() const { return reached_; }
    bool print = false; /* each step and the digest after it */

private:
    static void trace(raft_tracer *t, int type, const void *info);

    Node &any() { return nodes_[random_.below(nodes_.size())]; }
    Node &leader_mostly();
    raft_event event(raft_event_type type);
    int step(Node &node, raft_event &event);
    void absorb(Node &node, const raft_update &update);
    void absorb_entries(Node &node, const raft_update_entries &entries);
    void post(Node &from, const raft_message &message);
    bool attach_entries(const Node &from, Mail *mail);

    void open(Node &node);
    void start(Node &node);
    void restart(Node &node);
    void found();

    void act();
    void deliver();
    void receive(Node &node, Mail &mail);
    void time_out();
    void acknowledge(Node &node);
    void submit(Node &node);
    void submit_change(Node &node, Members &members);
    void take_snapshot(Node &node);
    void change_members(Node &node);
    void ask(Node &node);
    void change_setting(Node &node);

    void hostile();
    void tamper(Mail &mail);
    void hostile_start(Node &node);
    void far_end(Node &node);
    void hostile_event(Node &node);
    uint64_t odd_number(Node &node);
    void odd_members(Members *members);
    Members some_members(bool spares_only);

    Random random_;
    Digest digest_;
    Reached reached_;
    raft_tracer tracer_ = {};
    bool traced_;
    unsigned hostility_; /* one action in so many; 0: none */
    raft_time now_ = 1000;
    unsigned founders_;
    std::vector<Node> nodes_;
    std::vector<Mail> mails_;
    uint64_t cookie_ = 0;
    unsigned long long reads_ = 0;
};

/* How many fields of an update the digest does not see. */
unsigned unseen_fields();

} // namespace determinism
