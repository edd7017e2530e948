/* SPDX-License-Identifier: MIT */
/* A seeded cluster with its network and disks, driven through the public interface by legal and
 * hostile events. All random decisions depend on the seed and on what the library did. So two
 * builds of the library that differ once have different digests from then on. */
#pragma once

#include "../driver/driver.hpp"
#include "../driver/random.hpp"
#include "../observe/record.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace determinism {

using driver::Random;

constexpr unsigned kUnknownEvent = RAFT_WAKE + 1;
constexpr size_t kEvents = kUnknownEvent + 1;

/* What a run has reached. main.cpp requires that all of it is reached often. */
struct Reached {
    std::array<uint64_t, kEvents> done = {}; /* by event type; the last: unknown types */
    std::array<uint64_t, kEvents> failed = {};
    std::array<uint64_t, 13> flags = {};
    std::array<uint64_t, 24> codes = {};
    std::array<uint64_t, 7> sent = {};   /* by message type */
    std::array<uint64_t, 18> facts = {}; /* by trace type */
    uint64_t installed = 0;
    uint64_t joint = 0;
    uint64_t reads_lost = 0;
    uint64_t older_snapshots = 0;              /* steps with a snapshot that is kept for a peer */
    std::array<uint64_t, kEvents> asleep = {}; /* steps of servers that slept, by event type */
    uint64_t steps = 0;
    void add(const Reached &other);
};

class Cluster;

class Server : public driver::Driver {
public:
    /* `settings`: a seed; a restarted server has the same settings again. */
    Server(raft_id own_id, Cluster &cluster, uint64_t settings);
    /* raft_init(), the settings and RAFT_START from the disk. */
    void open();
    const uint64_t settings;

protected:
    int call(raft_event &e, raft_update &u) override;
    void installing() override;
    bool chunk_write_fails() override;
    unsigned choose_entries(unsigned n) override;
    size_t choose_bytes(size_t left) override;
    void send(std::unique_ptr<driver::Message> message) override;
    void answered(const raft_read &read) override;

private:
    Cluster &cluster_;
};

class Cluster {
public:
    explicit Cluster(uint64_t seed);
    Cluster(const Cluster &) = delete;
    Cluster &operator=(const Cluster &) = delete;

    void run(unsigned actions);
    uint64_t digest() const { return digest_; }
    const Reached &reached() const { return reached_; }
    bool print = false; /* each step and the digest after it */

private:
    friend class Server;
    static void trace(raft_tracer *t, int type, const void *info);
    void add(uint64_t value) {
        digest_ = (digest_ ^ value) * 0x9fb21c651e98df25ULL;
        digest_ ^= digest_ >> 32;
    }
    void add(const observe::Record &record) {
        record.digest([this](uint64_t value) { add(value); });
    }
    void set_up(raft *r, uint64_t settings);
    int take_step(raft *r, raft_event &e, raft_update &u);
    void post(driver::Message message);

    Server &any() { return *servers_[random_.below(servers_.size())]; }
    Server &leader_mostly();
    raft_event event(raft_event_type type);
    void restart(Server &server);
    void found();

    void act();
    void deliver();
    void receive(Server &server, const driver::Message &message);
    void time_out();
    void acknowledge(Server &server);
    void submit(Server &server, const std::vector<driver::Entry> &entries);
    void submit_some(Server &server);
    void submit_change(Server &server, const driver::Configuration &members);
    void step_with(Server &server, raft_event_type type, const driver::Configuration &members);
    void take_snapshot(Server &server);
    void change_members(Server &server);
    void ask(Server &server);
    void rest();
    void wake(Server &server);
    void disturb(Server &server);
    void change_setting(Server &server);
    void step_sent(Server &server);
    driver::Configuration some_members(bool with_founders);

    void hostile();
    void tamper(driver::Message *message);
    void hostile_start(Server &server);
    void lose_data(Server &server);
    void at_the_limits(Server &server);
    void hostile_event(Server &server);
    uint64_t odd_number(const Server &server);
    driver::Configuration odd_members();

    Random random_;
    uint64_t digest_ = 0x243f6a8885a308d3ULL;
    Reached reached_;
    raft_tracer tracer_ = {};
    bool traced_;
    uint64_t hostility_; /* one action in so many is hostile; 0: none */
    raft_time now_ = 1000;
    uint64_t founders_;
    driver::Payloads payloads_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<driver::Message> messages_; /* under way */
    unsigned long long reads_ = 0;
    std::string too_large_; /* a number of an update, an answer or a fact, in words */
};

} // namespace determinism
