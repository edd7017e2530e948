/* SPDX-License-Identifier: MIT */
/* A simulated cluster with its network, clients, clocks and faults, all decided by one seed. */
#pragma once

#include "clients.hpp"
#include "network.hpp"
#include "plan.hpp"
#include "server.hpp"
#include "stats.hpp"
#include "trace.hpp"

#include <deque>
#include <functional>
#include <map>

namespace sim {

struct Scheduled {
    enum Kind : uint8_t {
        DELIVER,
        TIMER,
        EARLY_TIMER,
        DISK,
        ACK,
        CLIENT,
        ADMIN,
        FAULT,
        RESTART,
        UNREACHABLE,
        HEAL,
        CLOCK_RESUMES,
        OPERATOR,
        DISTURB,
        OVERWRITE,
        ACT,      /* of an operator or a program, by plan.callers */
        RETIME,   /* the next step of a change of the election timeouts */
        REDIRECT, /* the configuration gets the addresses of servers that moved */
        PAUSE,    /* the clients have nothing to ask for a while */
        DETECT,   /* a host notices that another one failed */
        FLOOD,    /* the next event of a flood */
        LATE_ENTRIES
    };
    Time at;
    uint64_t order;
    Kind kind;
    raft_id server; /* or client */
    uint64_t epoch; /* the server's when it was scheduled, or the client's turn */
    uint64_t a;
    unsigned long long b;
    Wire *wire;

    bool operator<(const Scheduled &o) const { /* for a heap with the earliest on top */
        return at != o.at ? at > o.at : order > o.order;
    }
};

class Simulation {
public:
    Simulation(uint64_t seed, Broken of_broken, const Plan &own_plan, Trace *trace_or_null,
               Time least_time, uint64_t least_steps);
    ~Simulation();
    Simulation(const Simulation &) = delete;
    Simulation &operator=(const Simulation &) = delete;

    /* From begin to end. Throws a Violation. */
    void run();

    const uint64_t seed;
    const Broken broken;
    Trace *const trace;
    Plan plan;
    Random random;
    Random extra; /* for the conditions of plan.callers */
    Stats stats;
    Time now = 0;
    bool calm = false; /* no more faults are injected */
    Payloads payloads;
    Judge judge;
    Network network;
    Clients clients;

    Server &server(raft_id id) { return *servers_[id - 1]; }
    Server *leader();
    /* Is this step taken on both the fast and the general path? In a third of the runs all are. */
    bool compares_paths() { return seed % 3 == 0 || ++paths_ % 8 == 0; }
    bool trusts_leases() const { return plan.bounded_clocks || broken == Broken::DRIFTING_LEASE; }
    /* While election timeouts change, clients do not ask for answers by lease. */
    bool asks_for_leases() const { return retiming_.left == 0; }

    void schedule(Time at, Scheduled::Kind kind, raft_id server, uint64_t epoch, uint64_t a = 0,
                  unsigned long long b = 0);
    void schedule_delivery(Time at, Wire *wire);
    void acknowledge_later(raft_id server, raft_index index, unsigned long long ticket, Time delay);
    void restart_later(raft_id server);

    /* A server is about to drop its entries from an index on. */
    void entries_leave(const Server &s, raft_index from, bool replaced);

    /* Faults in phases that faults rarely hit by chance. */
    void disturb_soon(raft_id server, unsigned percent, Time within);
    void isolate_winner(const Server &winner);
    bool crash_sole_voter(Server &successor); /* true: it has crashed */
    bool drops_for_target(const Wire &wire);

    /* Do the clients have nothing to ask; nor the operator? */
    bool clients_pause() const { return now < paused_until_; }
    bool all_pause() const { return clients_pause() && operator_pauses_; }
    /* A server is down: its host's failure is noticed later, or never. */
    void detect_failure(raft_id server);
    /* A server has fallen asleep: do all members sleep now? */
    void see_group_sleep(const Server &s);

    /* The network loses that message. */
    void note_loss(const Wire &wire);

    void break_flags(unsigned &flags);
    void break_view(View &view, const View &before, unsigned &flags);
    void break_update(raft_update &u, const Server &s, View &view);
    void break_sleep(raft_update &u, const Server &s, View &view);
    void break_messages(raft_update &u, const Server &s);
    void break_entries(std::vector<Entry> &entries);
    void break_disk(Disk &disk);

    /* A digest of all steps: two builds that behave alike have equal ones. */
    uint64_t history() const { return history_; }
    void record(uint64_t x) {
        history_ = (history_ ^ x) * 0x9e3779b97f4a7c15U;
        history_ ^= history_ >> 29;
    }
    void record_step(const Server &s, const raft_update &u);

    void note(raft_id id, const char *pattern, ...) DRIVER_PRINTF(3, 4);
    void trace_role(raft_id id, int state, raft_term term);
    void trace_commit(raft_id id, raft_index index);
    void trace_server(const Server &s);
    void trace_message(const Wire &wire, bool lost);

private:
    void begin();
    void found_cluster();
    bool advance(); /* the next scheduled event */
    void dispatch(const Scheduled &h);
    void run_until(Time end);
    bool run_until(Time end, const std::function<bool()> &reached);
    void end_faults();
    Time liveness_bound() const;
    Time transfer_bound() const;
    void expect_write();
    void expect_convergence();
    bool converged(std::string *why);
    void check_history() const;
    bool recovery_under_way() const {
        return disaster_ == Disaster::LOST || disaster_ == Disaster::RECOVERING;
    }

    void operator_acts();
    void choose_lost();
    void lose_majority();
    bool survivors_decide();
    void recover_one();
    void choose_recovery(const Server &best);
    void retire_cleared(const Server &best);
    void see_recovery();
    void end_recovery();
    void restart_history(const Server &best);
    bool lose_minority_during_install();
    bool make_lag(Server &l, Server &follower);
    void lose_servers(Server &l, const Server &needed);
    void disturb(Server &s, bool crash);
    void begin_overwrite();
    void continue_overwrite(Server &old_leader, raft_id witness);

    void make_fault();
    void crash_some();
    void crash_all();
    void overload(Server &l);
    bool delays_healing();
    void cut_network(unsigned kind);
    void disturb_disk(unsigned kind);
    void disturb_clock(unsigned kind);
    void disturb_capacity();

    void act();
    void flood();
    void begin_retiming();
    void continue_retiming();
    void change_features();
    void restart_as_other_version();
    void move_servers();
    void move_majority();
    void redirect();
    bool has_moved_servers();
    bool keeps_leaders(const Configuration &next) const;
    void ask_to_campaign();
    void change_preference();
    void change_eager_commit();
    void give_up();
    void burst_of_reads();
    void lose_data();
    bool survives_loss_of(const Server &s, const Server &l);
    void grow(Server &l);
    void expect_counted_losses();
    void expect_leader();

    void pause();
    void notice_failure(raft_id server);
    void wake_someone();
    void change_sleep_setting();
    void wake_if_all_sleep();
    bool is_member(const Server &s);
    bool all_sleep(std::string *why);
    void let_all_sleep();
    void expect_sleep(const char *when);
    void expect_rest();
    void expect_sleep_and_waking();
    void expect_undisturbed();
    void expect_false_alarm();
    void expect_successor();
    void expect_commit();
    Server *choose_voter(bool leads);
    void expect_catch_up_under_load();
    bool expect_catch_up();

    void administrate();
    void change_membership(Server &l, const Configuration &next);
    void leave_one_voter(Server &l);
    void demote(raft_id id);
    void ask_transfer(Server &l, raft_id to);
    void ask_catch_up(Server &l, raft_id whom);
    void request_illegal_configuration(Server &l, Configuration conf);
    void ask_any_server();
    Configuration mutate(const Configuration &conf);

    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<Scheduled> heap_;
    enum class Disaster { NONE, CUT, LOST, RECOVERING, OVER } disaster_ = Disaster::NONE;
    bool founding_over_ = false;
    raft_id overwriting_ =
        0; /* a leader whose entries are to be overwritten, and committed by others later */
    raft_id target_ = 0; /* the network drops entries for this server */
    unsigned lost_ = 0;  /* servers that are lost, or will be: a bit set */
    raft_id recovered_ = 0;
    raft_index recovered_at_ = 0; /* where the recovered log ended */
    raft_id overloaded_ = 0;      /* an isolated leader with entries that no other server has */
    Configuration recovery_;
    struct Retiming {
        unsigned left = 0; /* servers that do not have the new timeout: a bit set */
        unsigned timeout = 0;
        unsigned old = 0;
        bool raise = false;
        bool halfway = false;
    } retiming_;
    struct Loss { /* of data */
        raft_id server = 0;
        raft_id leader = 0;
        raft_term term = 0;
        unsigned long long counted = 0; /* by that leader before */
        bool sure = false;              /* it must be counted */
    };
    std::vector<Loss> losses_;
    Time paused_until_ = 0;
    bool operator_pauses_ = false;
    std::vector<raft_message> forged_;  /* the messages of an update, with those of --break */
    std::map<raft_id, Disk> old_disks_; /* copies of disks, to set them back */
    uint32_t history_begin_ = 0;        /* first operation that is checked */
    uint32_t initial_values_[kKeys] = {kNoOp, kNoOp, kNoOp, kNoOp};
    uint64_t order_ = 0;
    uint64_t paths_ = 0;
    uint64_t history_ = 0;
    Time least_time_;
    uint64_t least_steps_;
};

} // namespace sim
