/* SPDX-License-Identifier: MIT */
/* One server of a simulation: the driver on a simulated disk, clock and network, and promises that
 * can be checked only where settings, clocks and all messages are known (judge_*.cpp). */
#pragma once

#include "../driver/failure_check.hpp"
#include "clock.hpp"
#include "plan.hpp"
#include "wire.hpp"

#include <map>
#include <type_traits>

namespace sim {

class Simulation;

class Server : public Driver {
public:
    Server(Simulation &simulation, raft_id own_id);
    ~Server() override;

    Machine machine;
    Clock clock;
    unsigned codec;
    unsigned next_codec;      /* that it will have after the next boot */
    const char *next_address; /* that it will have after the next boot */
    bool lost = false;        /* it never boots again */
    std::map<raft_index, unsigned long long>
        given; /* by snapshot: how many of its bytes it was sent */
    unsigned short capacity = UINT16_MAX;
    Time disk_stalled_until = 0;
    unsigned disk_slowness = 1;
    unsigned data_losses = 0; /* how often its disk was emptied or set back */
    uint64_t parts_lost = 0;  /* how often it lost or gave up the part of a snapshot that it had */

    bool announces(unsigned feature) const;
    bool may_sleep() const; /* as far as its settings say */
    /* Does it sleep now? */
    bool asleep() const { return up && asleep_; }
    bool was_asleep() const { return was_asleep_; } /* before the last step */
    void boot();
    void crash(const char *why);
    /* The operator stops it: it does not restart by itself. */
    void stop(const char *why);
    void lose_disk(); /* while it is down */
    void set_clock(); /* the clock was changed: arm the timer again */

    /* Events from its environment. */
    void receive(const Wire &wire);
    void timer_fired();
    void timer_early();
    void disk_done();
    void acknowledge(raft_index index, unsigned long long ticket);
    void unreachable(raft_id peer);

    /* The next event of a flood, until that time: the timer is looked at only after it. */
    void flood(Time until);
    bool flooded() const;
    /* A message whose entries were to be read later. */
    void send_late(uint64_t number);
    /* The network loses a message from or to that server. */
    void note_loss(raft_id peer) { past_.traffic[peer].disturbances++; }

    /* Requests; they return the step's code. */
    int submit(const std::vector<Entry> &entries);
    int submit(const std::vector<uint32_t> &ops);
    int submit_change(const Configuration &conf);
    int read(uint32_t op, bool lease);
    int bootstrap(const Configuration &conf) { return request(RAFT_BOOTSTRAP, conf); }
    int reconfigure(const Configuration &conf, bool force) {
        return request(RAFT_RECONFIGURE, conf, force);
    }
    int recover(const Configuration &conf) { return request(RAFT_RECOVER, conf); }
    int catch_up(raft_id peer) { return request(RAFT_CATCH_UP, peer); }
    int transfer(raft_id peer) { return request(RAFT_TRANSFER, peer); }
    int campaign() { return request(RAFT_CAMPAIGN, 0); }
    void change_setting();
    void set_election_timeout(unsigned msecs);
    void set_features(unsigned features);
    void set_election_delay(unsigned msecs);
    void set_eager_commit(bool enabled);
    void set_pre_vote(bool enabled = true);
    void set_idle_timeout(unsigned msecs);
    void wake() { must_succeed("RAFT_WAKE", request(RAFT_WAKE, 0)); }
    /* Does it campaign when its timeout passes, as far as it knows? */
    bool may_campaign() const;
    /* Has a leader heard that server within an election timeout, in this term? BEGUN: it has not,
     * but replicates to it for less than that. */
    enum class Contact { NONE, BEGUN, HEARD };
    Contact contact_with(raft_id peer) const;
    unsigned election_timeout() const { return plan_.election_timeout; }
    unsigned features() const { return plan_.features; }
    /* Those whose fields its codec transmits. */
    unsigned transmitted() const {
        return codec < kOurs       ? 0
               : codec < kSleeping ? plan_.features & ~unsigned{RAFT_FEATURE_SLEEP}
                                   : plan_.features;
    }
    unsigned idle_timeout() const;
    void refuse_illegal_events();

    void take_snapshot(bool whole_log = false); /* false: keep trailing entries as planned */
    /* Does it hold a part of a snapshot, which is durable, or is being written? */
    bool has_part(bool durable) const {
        return up && part_of_ == view.term && chunk_outstanding != durable;
    }
    /* Checks that are too slow for every step. */
    void check_thoroughly();

protected:
    int call(raft_event &e, raft_update &u) override;
    void check_failure(const raft_event &e, const raft_update &u, int rc) override;
    void tamper(raft_update &u) override;
    void judged(const raft_event &e, const raft_update &u) override;
    bool truncating(raft_index from) override;
    void discarding() override;
    void installing() override;
    void elected() override;
    bool interrupted() override;
    void save(raft_term term, raft_id vote) override;
    void write(Write w) override;
    void entries_written(raft_index first, raft_index last, unsigned long long ticket) override;
    bool chunk_write_fails() override;
    Message *make_message() override { return new Wire; }
    unsigned choose_entries(unsigned n) override;
    unsigned limit_entries(const raft_message &m, unsigned n) override;
    size_t choose_bytes(size_t left) override;
    void send(std::unique_ptr<Message> message) override;
    void apply_committed() override;
    raft_index apply_until() override;
    void apply(raft_index index, const Entry &e) override;
    void restore(const Snapshot &s) override;
    void answered(const raft_read &r) override;
    void arm_timer() override;
    bool reads_payloads() const override { return !unread_start_; }
    bool records_configuration_index() const override { return !unrecorded_; }
    bool keeps_snapshots() const override;

private:
    int step(raft_event &e) override;
    int call_once(raft_event &e, raft_update &u, bool starving);
    int request(raft_event_type type, raft_id peer);
    int request(raft_event_type type, const Configuration &conf, bool force = false);
    void report_trimmed();
    bool sends_later(std::unique_ptr<Wire> &wire);
    void check_flooded() const;
    void check_sent_event(const raft_event &e, const raft_update &u);
    void look_at_settings(const char *what);
    void must_succeed(const char *what, int rc) const;
    void must_refuse(const char *what, raft_event &e, int right);
    void refuse_contradiction();
    void refuse_start();
    void configure();
    void down();
    template <class Value>
    int attempt(int (*setter)(raft *, Value), std::type_identity_t<Value> value);
    void note_transitions();

    /* Promises over several steps. */
    void keep_promises(const raft_event &e, const raft_update &u);
    void check_limits(const raft_message &m) const;
    void check_answer_to_leader(const raft_message &request,
                                const raft_append_entries_result &r) const;
    void keep_election_promises(const raft_event &e, const raft_update &u);
    bool is_up_to_date(const raft_request_vote &v) const;
    bool turns_away(const raft_message &request) const;
    bool must_grant(const raft_message &request) const;
    void check_answer_to_candidate(const raft_message &request,
                                   const raft_request_vote_result &r) const;
    void check_terms(const raft_message &came) const;
    void check_election_timeout(const raft_event &e, bool heard);
    bool is_electable() const;
    void check_silence(const raft_event &e) const;
    void note_postponement(const raft_update &u);
    void check_never_leads(const raft_event &e) const;
    void check_campaign(const raft_event &e, const raft_update &u) const;
    void keep_leader_promises(const raft_event &e, const raft_update &u);
    void note_followed();
    void check_contact(const raft_event &e);
    void follow_rounds(const raft_event &e, const raft_update &u);
    void check_lease() const;
    void check_sent(const raft_message &m);
    void check_progress(const raft_event &e) const;
    void check_losses() const;
    void check_catch_up(const raft_event &e);
    void check_transfer(const raft_event &e, const raft_update &u) const;
    void check_submission(const raft_event &e) const;
    void check_final_notification(const raft_update &u);
    void check_resumption(const raft_message &m) const;
    void check_transfer_ends(const raft_event &e);
    void check_lease_read(const raft_event &e, const raft_update &u) const;
    bool heard_from_quorum_since(uint64_t number) const;

    /* Sleeping groups (judge_sleep.cpp). */
    void keep_sleep_promises(const raft_event &e, const raft_update &u);
    void setting_changed(); /* it may not be allowed to sleep any more */
    void follow_sleep_messages(const raft_event &e, const raft_update &u);
    void fall_asleep();
    void note_waking();
    void check_settled() const;
    void check_deadline_asleep() const;
    void check_messages_asleep(const raft_event &e, const raft_update &u) const;
    void check_waking(const raft_event &e, const raft_update &u) const;
    bool must_wake(const raft_event &e) const;
    bool is_old_echo(const raft_event &e) const;
    bool may_wake(const raft_event &e) const;
    bool is_sole_voter() const;
    bool is_replicated_to(raft_id peer) const;

    void repeat_acknowledgements(raft_index from);
    void leave(std::unique_ptr<Wire> wire);
    void depart(std::unique_ptr<Wire> wire);
    void reply(uint32_t op);
    void schedule_disk();
    void finished(const Write &w);
    void chunk_written(const Write &w);
    void snapshot_written(const Write &w);
    void flush_held();

    /* What a leader sent to a server in a term, and what called for it (judge_traffic.cpp). */
    struct Traffic {
        std::vector<bool> sent;    /* by index: was it sent this entry? */
        uint64_t entries = 0;      /* that were sent to it for the first time */
        uint64_t again = 0;        /* that were sent to it before */
        uint64_t messages = 0;     /* without entries that are new to it */
        uint64_t causes = 0;       /* answers, timers and events that concern it */
        uint64_t disturbances = 0; /* losses, reports, restarts: what was sent may be sent again */
        unsigned data_losses = 0;  /* of the server */
        uint64_t epoch = 0;        /* the server's */
        bool known = false;        /* it has answered since its features were last forgotten */
        /* The last chunk or snapshot. */
        raft_index snapshot = 0;
        unsigned long long offset = 0;
        raft_time sent_at = 0;
        bool unreachable = false;
        uint64_t parts_lost = 0;
        bool excused_again = false; /* it may be sent a part once more, because it lost it */
    };
    void count_traffic(const raft_event &e, const raft_update &u);
    void note_causes(const raft_event &e, const raft_update &u);
    void count_entries(const raft_message &m);
    void check_snapshot(const raft_message &m);
    void check_traffic(raft_id peer) const;

    Simulation &sim_;
    ServerPlan plan_;
    FailureCheck failures_;
    Tuning tuning_;
    bool unread_start_ = false, unrecorded_ = false;
    bool withhold_ = false; /* the message that is being sent was trimmed to nothing */
    bool reporting_ = false;
    std::map<raft_id, raft_index> trimmed_;           /* by server: the last entry that is sent */
    std::map<uint64_t, std::unique_ptr<Wire>> later_; /* messages whose entries are read later */
    Time later_until_[kMaxServers + 1] = {};          /* when the last of them is sent */
    uint64_t later_number_ = 0;
    bool inject_ = false; /* an allocation of this step fails */
    unsigned delay_ = 0;  /* election delay */
    bool eager_ = false;
    bool asleep_ = false, was_asleep_ = false; /* now; before the last step */
    Time flooded_until_ = 0;
    raft_term part_of_ = 0; /* term in which it received a part of a snapshot; 0: it has none */
    raft_index snapshot_pending_ = 0;
    uint64_t meta_written_ = 0, meta_durable_ = 0;
    struct Held {
        uint64_t meta;
        std::unique_ptr<Wire> wire;
        uint32_t op;
    };
    std::deque<Held> held_;
    Time timer_at_ = UINT64_MAX;
    uint32_t steps_ = 0;
    /* What the promises over several steps depend on, since the boot. */
    struct Past {
        raft_time heard = 0; /* when it last heard from a leader */
        /* When its election timeout last began for another reason: a vote, a setting, a step
         * down. */
        raft_time postponed = 0;
        raft_time led_since = 0;
        raft_time answered[kMaxServers + 1] = {}; /* in this term */
        raft_term voted_in[kMaxServers + 1] = {}; /* in which a server answered its candidacy */
        Traffic traffic[kMaxServers + 1];
        raft_time transfer_since = 0;
        raft_index known_commit = 0;    /* the highest commit index that a leader has told it */
        raft_term timeout_now_term = 0; /* term in which it sent TimeoutNow */
        /* On a leader, by ID: the last index sent; when the latest echoed round was sent; since
         * when it replicates to that server. */
        raft_index sent[kMaxServers + 1] = {};
        raft_time echoed[kMaxServers + 1] = {};
        raft_time followed[kMaxServers + 1] = {};
        std::deque<std::pair<unsigned long long, raft_time>> rounds; /* and when each began */
        struct CatchUp {
            raft_index target = 0; /* of the first round */
            raft_time advanced = 0;
        } catch_up[kMaxServers + 1];
        /* A server that sleeps. */
        bool due_to_wake = false;       /* a setting has not allowed it since it fell asleep */
        unsigned longest_heartbeat = 0; /* since it fell asleep */
        bool sends_to_sleep = false;    /* its heartbeats before the last step told others to */
        /* Of a leader: when it fell asleep; the servers that it sent to sleep, and those reported
         * unreachable since; by ID, the first round of an unbroken series of heartbeats that send a
         * server to sleep (0: the last one did not), and the latest round that the server echoed
         * when it could sleep. */
        raft_time slept_at = 0;
        unsigned sleepers = 0, reported = 0;
        unsigned long long latest_order = 0; /* round of its latest heartbeat of that kind */
        unsigned long long told_from[kMaxServers + 1] = {}, obeyed[kMaxServers + 1] = {};
        std::map<raft_id, raft_index>
            leaving; /* servers that a change removes, and their match index then */
    } past_;
    raft_time latest_span_ = 0; /* its latest election timeout, in ms */
    unsigned same_spans_ = 0;   /* how often in a row it was the same */
    /* Durable writes, the latest last: they may be acknowledged again. */
    struct Done {
        raft_index first, last;
        unsigned long long ticket;
    };
    std::deque<Done> done_;
    /* The latest AppendEntries result of each server: its term, and its number among all
     * messages. */
    struct Echo {
        raft_term term = 0;
        uint64_t number = 0;
    } echoes_[kMaxServers + 1];
};

} // namespace sim
