/* SPDX-License-Identifier: MIT */
/* A world: its servers, network, clients and time, and everything that goes wrong in
 * it, from one seed. */
#pragma once

#include "clients.hpp"
#include "network.hpp"
#include "plan.hpp"
#include "server.hpp"
#include "stats.hpp"
#include "story.hpp"

#include <deque>
#include <functional>

namespace sim {

struct Happening {
    enum Kind : uint8_t {
        DELIVER,
        TIMER,
        EARLY_TIMER,
        DISK,
        ACK,
        CLIENT,
        CHURN,
        TROUBLE,
        RESTART,
        UNREACHABLE,
        HEAL,
        CLOCK_RESUMES,
        OPERATOR,
        UPSET,
        FLIP
    };
    Time at;
    uint64_t order;
    Kind kind;
    raft_id server; /* or client */
    uint64_t epoch; /* of that server when it was scheduled, or a client's turn */
    uint64_t a;
    unsigned long long b;
    Wire *wire;

    bool operator<(const Happening &o) const { /* the earliest on top of a heap */
        return at != o.at ? at > o.at : order > o.order;
    }
};

class World {
public:
    World(uint64_t seed, Sabotage sabotaged, Story *story_or_null, Time least_time,
          uint64_t least_steps);
    ~World();
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    /* Live through it. Throws a Violation. */
    void run();

    const uint64_t seed;
    const Sabotage sabotage;
    Story *const story;
    Plan plan;
    Random random;
    Stats stats;
    Time now = 0;
    bool calm = false; /* the faults have stopped */
    Payloads payloads;
    Judge judge;
    Network network;
    Clients clients;

    Server &server(raft_id id) { return *servers_[id - 1]; }
    Server *leader();
    /* Is this step taken both the short and the long way? In a third of the worlds all are. */
    bool compares_ways() { return seed % 3 == 0 || ++ways_ % 8 == 0; }
    bool trusts_leases() const {
        return plan.bounded_clocks || sabotage == Sabotage::DRIFTING_LEASE;
    }

    void schedule(Time at, Happening::Kind kind, raft_id server, uint64_t epoch, uint64_t a = 0,
                  unsigned long long b = 0);
    void schedule_delivery(Time at, Wire *wire);
    void acknowledge_later(raft_id server, raft_index index, unsigned long long ticket, Time delay);
    void restart_later(raft_id server);

    /* A server's log is about to lose its entries from an index on. */
    void entries_leave(const Server &s, raft_index from, bool replaced);

    /* What often goes wrong while this is under way, goes wrong more often. */
    void tempt_fate(raft_id server, unsigned percent, Time within);
    void tempt_election(const Server &winner);
    bool tempt_heir(Server &heir); /* it crashes */
    bool thwarts(const Wire &wire);

    void sabotage_flags(unsigned &flags);
    void sabotage_face(View &view, const View &before, unsigned &flags);
    void sabotage_update(raft_update &u, View &view, const View &before);
    void sabotage_entries(std::vector<Entry> &entries);
    void sabotage_restart(Disk &disk);

    /* A digest of all that happened. */
    uint64_t history() const { return history_; }
    void record(uint64_t x) {
        history_ = (history_ ^ x) * 0x9e3779b97f4a7c15U;
        history_ ^= history_ >> 29;
    }
    void record_step(const Server &s, const raft_update &u);

    void say(raft_id id, const char *pattern, ...) DRIVER_PRINTF(3, 4);
    void story_role(raft_id id, int state, raft_term term);
    void story_commit(raft_id id, raft_index index);
    void story_message(const Wire &wire);

private:
    void begin();
    void found_cluster();
    bool advance(); /* one happening */
    void dispatch(const Happening &h);
    void live_until(Time end);
    bool live_until(Time end, const std::function<bool()> &reached);
    void end_faults();
    Time patience() const;
    void expect_write();
    void expect_convergence();
    bool converged(std::string *why);
    void check_history() const;
    bool busy_operator() const {
        return emergency_ == Emergency::LOST || emergency_ == Emergency::RECOVERING;
    }

    void operate();
    void choose_lost();
    void lose_majority();
    bool survivors_decide();
    void recover_one();
    void choose_recovery(const Server &best);
    void retire_cleared(const Server &best);
    void see_recovery();
    void end_recovery();
    void begin_era(const Server &best);
    bool bereave();
    bool outrun(Server &l, Server &follower);
    void lose_minority(Server &l, const Server &needed);
    void upset(Server &s, bool crash);
    void begin_flip();
    void go_on_flip(Server &old_leader, raft_id witness);

    void make_trouble();
    void crash_some();
    void crash_all();
    void burden(Server &l);
    bool delays_healing();
    void cut_network(unsigned kind);
    void upset_disk(unsigned kind);
    void upset_clock(unsigned kind);
    void upset_capacity();

    void churn();
    void change_membership(Server &l, const Configuration &next);
    void abdicate(Server &l);
    void demote(raft_id id);
    void ask_transfer(Server &l, raft_id to);
    void ask_catch_up(Server &l, raft_id whom);
    void request_nonsense(Server &l, Configuration conf);
    void ask_of_anyone();
    Configuration mutate(const Configuration &conf);

    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<Happening> heap_;
    enum class Emergency { NONE, CUT, LOST, RECOVERING, OVER } emergency_ = Emergency::NONE;
    bool founding_over_ = false;
    raft_id flipped_ = 0;  /* a leader that is to lose entries that others commit later */
    raft_id thwarted_ = 0; /* misses what a new leader has for it */
    unsigned lost_ = 0;    /* the servers that are, or will be: a bit set */
    raft_id recovered_ = 0;
    raft_index recovered_at_ = 0; /* where the recovered log ended */
    raft_id burdened_ = 0;        /* a leader that is cut off with entries that only it has */
    Configuration recovery_;
    uint32_t era_begin_ = 0; /* of the clients' history */
    uint32_t era_values_[kKeys] = {kNoOp, kNoOp, kNoOp, kNoOp};
    uint64_t order_ = 0;
    uint64_t ways_ = 0;
    uint64_t history_ = 0;
    Time least_time_;
    uint64_t least_steps_;
};

} // namespace sim
