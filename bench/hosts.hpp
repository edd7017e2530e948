/* SPDX-License-Identifier: MIT */
/* Three hosts, each of which runs one server of each of many groups of three. Time and the network
 * are simulated: a message arrives a millisecond after it was sent, and disks store at once. A
 * server takes little more memory than its raft, so that 1,000,000 groups fit. So it is not made of
 * tests/driver. */
#pragma once

#include <raft.h>

#include <array>
#include <cstdint>
#include <vector>

namespace bench {

constexpr unsigned kHosts = 3;
constexpr raft_time kHeartbeat = 100; /* the defaults of the library */
constexpr raft_time kElection = 1000;
constexpr raft_time kLatency = 1;

struct HostsOptions {
    unsigned groups = 0;
    unsigned idle_timeout = 0; /* 0: the servers do not sleep */
    unsigned max_inflight = 0; /* 0: the default */
    bool eager = false;        /* fire every timer with each heartbeat, due or not */
};

/* What one host, or all of them, did. */
struct Work {
    uint64_t steps = 0;
    uint64_t timeouts = 0;
    uint64_t messages = 0; /* sent */
};

class Hosts {
public:
    explicit Hosts(const HostsOptions &options);
    ~Hosts();
    Hosts(const Hosts &) = delete;
    Hosts &operator=(const Hosts &) = delete;

    /* Until every group has a leader: a third of them on each host. */
    void elect();
    void run_until(raft_time end);
    /* Until no server has a deadline, except leaders that look for a silent member, and no message
     * is under way. Returns how long that took, to 10 ms. */
    raft_time run_until_rest();

    void kill(unsigned host);
    /* Restart with what was on the disks. */
    void restart(unsigned host);
    /* What a failure detector of `host` does: wake the servers whose leader is on the other. */
    void report_gone(unsigned host, unsigned gone);
    /* Step RAFT_WAKE, needed or not. */
    void wake(unsigned host, unsigned group);
    void submit(unsigned group, unsigned n);
    void transfer(unsigned group); /* leadership, to whichever other server is best */

    unsigned groups() const { return options_.groups; }
    bool leads(unsigned host, unsigned group) const {
        return servers_[server_of(host, group)].leads;
    }
    unsigned leaders() const { return leaders_; }
    unsigned led_by(unsigned host) const;
    bool committed_everywhere(unsigned group) const;
    unsigned scheduled() const; /* servers with a deadline */
    raft_time now() const { return now_; }
    Work work() const;
    Work work_of(unsigned host) const { return work_[host]; }
    /* The largest number of messages that one host sent in one second since begin_rates(). */
    uint64_t most_messages() const;
    void begin_rates();
    uint64_t idle_timeouts() const { return idle_timeouts_; }
    uint64_t early_timeouts() const { return early_timeouts_; }

private:
    struct Server {
        struct raft r {};
        raft_time timeout = 0;   /* last answer of raft_timeout() */
        raft_time scheduled = 0; /* when the wheel fires it; 0: not scheduled */
        bool leads = false;
    };
    struct Envelope {
        uint32_t from; /* number of the server */
        raft_message message;
    };
    struct Disk {
        raft_term term;
        raft_id vote;
        std::vector<raft_entry> log;
    };

    static unsigned host_of(uint32_t server) { return server % kHosts; }
    static unsigned group_of(uint32_t server) { return server / kHosts; }
    static uint32_t server_of(unsigned host, unsigned group) { return group * kHosts + host; }
    uint32_t leader_of(unsigned group) const;
    bool at_rest() const;
    raft_event event(enum raft_event_type type) const;
    void start(uint32_t server, const Disk &disk);
    void step(uint32_t server, raft_event &event);
    void note_state(Server &server, bool leads);
    void copy_entries(const struct raft *r, raft_index first, raft_index end);
    void receive(Envelope &envelope);
    void schedule(uint32_t server);
    void put(uint32_t server, raft_time when);
    void fire_due();
    void advance();

    HostsOptions options_;
    std::vector<Server> servers_;
    /* Which servers may be due in which millisecond. A deadline that moves away is not looked for:
     * when the old one comes, the server is put where it belongs. */
    std::vector<std::vector<uint32_t>> wheel_;
    std::vector<Envelope> sent_; /* in this millisecond */
    std::vector<Envelope> arriving_;
    std::vector<raft_entry> entries_; /* of the message that is being delivered */
    std::vector<char> configuration_;
    std::vector<Disk> disks_; /* of the host that is down */
    unsigned down_ = kHosts;
    bool electing_ = true;
    raft_time now_ = 1;
    unsigned leaders_ = 0;
    std::array<Work, kHosts> work_{};
    std::array<uint64_t, kHosts> second_begins_{}; /* messages sent before this second */
    uint64_t most_messages_ = 0;
    uint64_t idle_timeouts_ = 0;  /* that changed nothing */
    uint64_t early_timeouts_ = 0; /* before raft_timeout() */
};

} // namespace bench
