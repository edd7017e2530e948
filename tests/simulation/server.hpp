/* SPDX-License-Identifier: MIT */
/* One server of a world: the library's raft, and a driver that does what the contract
 * asks of a caller, in its order, on a simulated disk, clock and network. */
#pragma once

#include "clock.hpp"
#include "disk.hpp"
#include "face.hpp"
#include "plan.hpp"
#include "twin.hpp"
#include "wire.hpp"

#include <map>

namespace sim {

class World;

/* Arrays lent to the library for one call, and spoilt after it. */
struct Loan {
    std::vector<raft_entry> entries;
    std::vector<raft_server> servers;
    char addresses[kMaxServers + 2][8];
    unsigned n_addresses = 0;

    void clear();
    const char *address(raft_id id, unsigned port);
    void lend(const Entry *first, size_t n);
    raft_configuration lend(const Conf &conf);
    void spoil();
};

class Server {
public:
    Server(World &world, raft_id own_id);
    ~Server();
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    const raft_id id;
    bool up = false;
    Face face;
    Disk disk;
    Log log; /* as the library knows it, durable or not */
    SnapshotPtr snap;
    Machine machine;
    Clock clock;
    unsigned vintage;
    unsigned port = 0;                              /* which of its addresses it has */
    unsigned next_port = 0;                         /* when it boots again */
    bool gone = false;                              /* for good */
    std::map<raft_index, unsigned long long> given; /* of which snapshot it was sent how much */
    unsigned short capacity = UINT16_MAX;
    Time disk_stalled_until = 0;
    unsigned disk_slowness = 1;
    uint64_t epoch = 0; /* how often it was booted */

    const char *name() const { return name_of(id); }
    raft_term term_at(raft_index i) const;
    raft_term known_term(raft_index i) const;
    bool announces(unsigned feature) const;
    void boot();
    void crash(const char *why);
    /* Switched off by the operator: it does not come back by itself. */
    void stop(const char *why);
    void lose_disk(); /* while it is down */
    void set_clock(); /* it was changed: arm the timer again */

    /* What happens to it. */
    void receive(const Wire &wire);
    void timer_fired();
    void timer_early();
    void disk_done();
    void acknowledge(raft_index index, unsigned long long ticket);
    void unreachable(raft_id peer);

    /* What it is asked; these return the step's code. */
    int bootstrap(const Conf &conf);
    int submit(const std::vector<uint32_t> &ops);
    int read(uint32_t op, bool lease);
    int reconfigure(const Conf &conf, bool shared_address = false);
    int submit_change(const Conf &conf);
    int catch_up(raft_id peer);
    int transfer(raft_id peer);
    int recover(const Conf &conf);
    void change_setting();
    void refuse_nonsense();

    void take_snapshot(bool whole_log = false); /* or keep what the plan says */
    /* Has it a part of a snapshot: one that is durable, or is being written? */
    bool has_half(bool durable) const {
        return up && half_of_ == face.term && chunk_outstanding_ != durable;
    }
    size_t pending_reads() const { return past_.reads.size(); }
    /* Everything that is too slow to be done at every step. */
    void check_thoroughly();

private:
    /* One step, whole: the call, what it promises, and what it asks for. */
    int step(raft_event &e);
    int call(raft_event &e, raft_update &u, bool starving);
    void check_failure(const raft_event &e, const raft_update &u, int rc);
    void check_flags(const raft_event &e, const raft_update &u) const;
    void check_untouched(const raft_update &u) const;
    void must_refuse(const char *what, raft_event &e, int right);
    void refuse_contradiction();
    raft_event start_event(raft_index from, raft_snapshot_metadata *metadata);
    void refuse_start();
    void configure();
    void start();
    void down();
    template <class Setter>
    int attempt(Setter set);

    /* In the library's and our memory. */
    void absorb_entries(const raft_event &e, const raft_update &u);
    void absorb_entry(raft_index index, const raft_entry &e);
    void judge_change(raft_index index) const;
    bool heard_from_quorum_since(uint64_t number) const;
    void absorb_install();
    void check_latest_configuration() const;
    void rebuild_configurations();
    void know(const Conf &conf);
    const Conf *configuration_at(raft_index index, raft_index *conf_index) const;
    void judge_step();
    void keep_promises(const raft_event &e, const raft_update &u);
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
    void check_silence(const raft_event &e) const;
    void check_campaign(const raft_event &e, const raft_update &u) const;
    void keep_leader_promises(const raft_event &e, const raft_update &u);
    void note_followed();
    void check_contact(const raft_event &e);
    void follow_rounds(const raft_event &e, const raft_update &u);
    void check_lease() const;
    void check_sent(const raft_message &m);
    void check_progress(const raft_event &e) const;
    void check_catch_up(const raft_event &e);
    void check_transfer(const raft_event &e, const raft_update &u) const;
    void check_submission(const raft_event &e) const;
    void check_farewell(const raft_update &u);
    void check_resumption(const raft_message &m) const;
    void check_transfer_ends(const raft_event &e);
    void check_pending_reads(const raft_event &e, const raft_update &u);
    void repeat_acknowledgements(raft_index from);

    /* Outside: in the contract's order. Each returns whether the server survived. */
    void carry_out(const raft_update &u);
    bool survives();
    void save_meta();
    void write_entries(const raft_update &u);
    void write_chunk(const raft_update &u);
    bool send_messages(const raft_update &u);
    void check_message(const raft_message &m) const;
    bool may_send_to(const raft_message &m) const;
    void check_leader_address() const;
    void check_request(const raft_message &m) const;
    void check_result(const raft_message &m) const;
    void attach(Wire &wire);
    void leave(Wire *wire);
    void depart(Wire *wire);
    void apply();
    void apply_entry(raft_index index);
    void restore(const Snapshot &s);
    void answer_reads(const raft_update &u);
    void reply(uint32_t op);
    void note_transitions();

    /* The disk. */
    void write(Write w);
    void schedule_disk();
    void finished(const Write &w);
    void chunk_stored(const Write &w);
    void snapshot_stored(const Write &w);
    void flush_held();
    void arm_timer();

    World &w_;
    ServerPlan plan_;
    raft handles_[2];
    unsigned handle_ = 0;
    Face before_;
    Loan loan_;
    Twin twin_;
    Tuning tuning_;
    unsigned known_ports_[kMaxServers + 1]; /* that any configuration told, since the boot: sets */
    int heard_port_[kMaxServers + 1];       /* the address that its last message came from */
    SnapshotPtr previous_snap_;             /* a message of the step that replaced it may name it */
    std::vector<std::pair<raft_index, Conf>> confs_; /* what the log says, oldest first */
    Snapshot incoming_;
    raft_term incoming_since_ = 0; /* in which its first chunk came */
    bool chunk_outstanding_ = false;
    raft_term half_of_ = 0; /* in which it got a part of a snapshot, which it has not given up */
    raft_index snapshot_pending_ = 0;
    unsigned long long ticket_ = 0;
    unsigned long long replaced_by_ = 0; /* ticket of the last update that replaced entries */
    raft_term made_barrier_ = 0;
    uint64_t meta_written_ = 0, meta_durable_ = 0;
    struct Held {
        uint64_t meta;
        Wire *wire;
        uint32_t op;
    };
    std::deque<Held> held_;
    Time timer_at_ = UINT64_MAX;
    uint32_t steps_ = 0;
    raft_event_type event_type_ = RAFT_START;
    /* What its promises over several steps are about, since the boot. */
    struct Past {
        raft_time now = 0;   /* highest time that an event brought */
        raft_time heard = 0; /* from a leader */
        raft_time transfer_since = 0;
        raft_term timeout_now_term = 0;        /* in which it sent TimeoutNow */
        std::vector<unsigned long long> reads; /* not answered */
        /* As a leader, by ID: how far it sent; when it sent the last round that was echoed. */
        raft_index sent[kMaxServers + 1] = {};
        raft_time echoed[kMaxServers + 1] = {};
        raft_time followed[kMaxServers + 1] = {}; /* since when, while it leads */
        std::deque<std::pair<unsigned long long, raft_time>> rounds; /* when they were sent first */
        struct CatchUp {
            raft_index target = 0; /* of the first round */
            raft_time advanced = 0;
        } catch_up[kMaxServers + 1];
        std::map<raft_id, raft_index> leaving; /* whom its change removes, and what matched then */
    } past_;
    raft_time latest_span_ = 0; /* of its election timeouts */
    unsigned same_spans_ = 0;   /* how often that came again */
    /* Writes that are durable, the latest last: they may be acknowledged once more. */
    struct Done {
        raft_index first, last;
        unsigned long long ticket;
    };
    std::deque<Done> done_;
    /* The latest answer of each server to this term's leader, by its place among all sent. */
    struct Echo {
        raft_term term = 0;
        uint64_t number = 0;
    } echoes_[kMaxServers + 1];

    raft *handle() { return &handles_[handle_]; }
};

} // namespace sim
