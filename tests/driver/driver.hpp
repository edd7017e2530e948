/* SPDX-License-Identifier: MIT */
/* The driver: one server, with its log and its disk. It carries out updates as the contract asks a
 * caller to do.
 *
 *     driver::Driver s(1, payloads, &judge);      (or a class derived from it)
 *     raft_init(s.handle(), s.id, s.address);     and the settings
 *     s.start();                                  RAFT_START from what is on `s.disk`
 *     s.step(event);                              any event; see Loan for the arrays that it needs
 *
 * step() calls raft_step(), judges what it did (judge_step.hpp for this server, judge.hpp for all
 * of them; a broken promise is thrown as a Violation), follows it in `log` and `snapshot`, and
 * carries out the update in the order of the contract (section 5):
 *
 *     1. term and vote      save()           by default durable at once
 *     2. entries            write()          by default appended to `disk.queue`
 *     3. a snapshot chunk   write()
 *     4. messages           send()           with entries and snapshot data attached
 *     5. commit index       apply(), restore(); then reads: answered()
 *     6. timeout            arm_timer()
 *
 * These functions are virtual. A write stays in the queue until the test calls finish_write(),
 * which makes the oldest write durable and acknowledges it. crash() loses the last writes of the
 * queue, and start() starts from what is durable. */
#pragma once

#include "disk.hpp"
#include "message.hpp"
#include "view.hpp"

namespace driver {

class Judge;

class Driver {
public:
    Driver(raft_id own_id, Payloads &own_payloads, Judge *judge_or_null);
    virtual ~Driver();
    Driver(const Driver &) = delete;
    Driver &operator=(const Driver &) = delete;

    raft *handle() { return &handles_[place_]; }
    const raft *handle() const { return &handles_[place_]; }
    const char *name() const { return driver::address_of(id); }

    /* Initialise the handle. The settings and start() come next. */
    int init() { return raft_init(handle(), id, address); }
    int start();
    /* One step: returns raft_step()'s code. */
    virtual int step(raft_event &e);
    /* Close the raft. The first `kept` steps of the queue (see Disk) become durable. */
    void crash(size_t kept);

    /* The oldest write becomes durable and is acknowledged; returns the step's code. Writes behind
     * it that need no acknowledgement become durable, too. */
    int finish_write();
    int stored(raft_index index, unsigned long long ticket);
    int persisted(raft_index index);
    int chunk_stored(const Write &w);
    /* The library does not compare RAFT_PERSISTED_ENTRIES with outstanding writes. Of a write that
     * ends at `index`, this is the last index that it may acknowledge: an entry that is still in
     * the log, and that no outstanding write replaces. */
    raft_index acknowledgeable(raft_index index) const;

    /* A snapshot at a committed index. Its metadata is compared with the log. */
    SnapshotPtr make_snapshot(raft_index at, std::string data) const;
    /* The snapshot is durable: step RAFT_SNAPSHOT, then drop the log before raft_first_index().
     * `unread` is the term in the metadata, which the library must not read. */
    int snapshot_taken(const SnapshotPtr &taken, unsigned trailing, raft_term unread = 0x5a5a);

    /* The term of an entry in the log, or of the snapshot's last entry; 0: unknown. */
    raft_term term_at(raft_index i) const;
    /* The same, and of the entry before the first one the committed term. */
    raft_term known_term(raft_index i) const;
    const Configuration *configuration_at(raft_index index, raft_index *conf_index) const;
    /* A snapshot that a message may name: the latest one, or an older one that is still kept. Null:
     * raft_oldest_snapshot_index() has allowed to delete it. */
    const Snapshot *kept_snapshot(raft_index index) const;
    /* Compare raft_term_of() of all entries, and raft_configuration_at() one index, with the log.
     * Too slow for every step of a long run. */
    void check_log(raft_index at) const;

    /* Has a configuration named this address of that server since the start? */
    bool knows(raft_id server, const char *its_address) const;
    /* The address of its last message; null: there was none. */
    const char *heard_from(raft_id server) const;
    /* The address of the last message that the present leader led with; null: there was none. */
    const char *led_from() const { return led_from_; }

    const raft_id id;
    Judge *const judge;  /* null: there is none */
    const char *address; /* its own */
    bool up = false;
    uint64_t epoch = 0; /* rises with each start and each crash */
    View before;        /* what its accessors answered before the last step */
    View view;          /* and after it */
    Log log;            /* as the library knows it, durable or not */
    SnapshotPtr snapshot;
    std::vector<SnapshotPtr> older_snapshots; /* that raft_oldest_snapshot_index() says to keep */
    Disk disk;
    Snapshot incoming;              /* a snapshot that is being installed */
    bool chunk_outstanding = false; /* a chunk is not acknowledged yet */
    raft_index applied = 0;
    raft_time latest = 0; /* highest time that an event has brought */
    raft_event_type event_type = RAFT_START;
    unsigned long long replaced_by = 0; /* ticket of the last update that replaced entries */
    bool checks_storage = true; /* false: the test acknowledges writes that it has not made */
    bool trusts_peers = true;   /* false: the test makes messages that no correct server sends */
    std::vector<unsigned long long> reads;                   /* asked for and not answered */
    std::vector<std::pair<raft_index, Configuration>> confs; /* in the log, oldest first */
    Loan loan;

protected:
    /* fill() the update and take the step. */
    virtual int call(raft_event &e, raft_update &u);
    virtual void check_failure(const raft_event &e, const raft_update &u, int rc);
    /* For negative tests: falsify what the step did. */
    virtual void tamper(raft_update &) {}
    virtual void judged(const raft_event &, const raft_update &) {}

    /* The log and the snapshot are about to change. */
    virtual bool truncating(raft_index) { return true; } /* false: do not (fault injection) */
    virtual void discarding() {}                         /* START drops the log */
    virtual void installing() {}                         /* `incoming` replaces the log */
    virtual void elected() {}                            /* this server, just now */

    /* Carrying out the update. interrupted() is called between its parts: if it returns true, the
     * server has crashed, and the rest is not done. */
    virtual bool interrupted() { return false; }
    virtual void save(raft_term term, raft_id vote);
    virtual void write(Write w) { disk.queue.push_back(std::move(w)); }
    /* The write of the entries from one index to another, with that ticket, is in the queue. */
    virtual void entries_written(raft_index, raft_index, unsigned long long) {}
    virtual bool chunk_write_fails() { return false; }
    virtual Message *make_message() { return new Message; }
    virtual unsigned choose_entries(unsigned n) { return n; } /* how many of n entries to send */
    /* How many of them fit a limit in bytes. The caller steps RAFT_SENT after the update. */
    virtual unsigned limit_entries(const raft_message &, unsigned n) { return n; }
    virtual size_t choose_bytes(size_t left) { return left; } /* the same for bytes of a snapshot */
    virtual void send(std::unique_ptr<Message>) {}
    virtual void apply_committed();
    virtual raft_index apply_until() { return view.commit; }
    virtual void apply(raft_index, const Entry &) {}
    virtual void restore(const Snapshot &) {}
    virtual void answered(const raft_read &) {}
    virtual void arm_timer() {}
    /* What RAFT_START is given: payloads of all entries, or of configurations alone; the index of
     * the entry that set the snapshot's configuration, or 0. */
    virtual bool reads_payloads() const { return true; }
    virtual bool records_configuration_index() const { return true; }
    /* False: delete a snapshot as soon as there is a newer one (fault injection). */
    virtual bool keeps_snapshots() const { return true; }

    virtual void carry_out(const raft_update &u);
    void move_handle(); /* bytewise, as a caller may */
    /* Set all members as after a restart, from the disk. start() calls it. */
    void load();
    /* RAFT_START with the log from an index on; borrowed from `loan`. */
    raft_event start_event(raft_index from);

    Payloads &payloads_;

private:
    void hear(const raft_event &e);
    void follow(const raft_event &e, const raft_update &u);
    void follow_entries(const raft_event &e, const raft_update_entries &en);
    void follow_entry(raft_index index, const raft_entry &e);
    void follow_install();
    void follow_leader(const raft_event &e);
    void follow_rounds(const raft_event &e, const raft_update &u);
    void follow_reads(const raft_event &e, const raft_update &u);
    void check_lease(const raft_event &e, const raft_update &u) const;
    void rebuild_configurations();
    void know(const Configuration &conf);
    void judge_step();
    void write_entries(const raft_update_entries &en);
    void write_chunk(const raft_update_snapshot &s);
    bool send_messages(const raft_update &u);
    void delete_snapshots();
    void attach(Message &message);
    void answer_reads(const raft_update &u);

    raft handles_[2] = {};
    unsigned place_ = 0;
    unsigned long long ticket_ = 0; /* of the last write */
    raft_term incoming_since_ = 0;  /* term in which the first chunk of `incoming` came */
    std::vector<std::pair<raft_id, const char *>> known_, heard_;
    const char *led_from_ = nullptr;
    /* Of a leader, in its present term: */
    struct Rounds {
        unsigned long long begun = 0;        /* the latest one that it has sent */
        unsigned long long before_sleep = 0; /* the latest one when it last slept */
        std::vector<std::pair<raft_id, unsigned long long>> echoed; /* the latest one of each */
    } rounds_;
};

} // namespace driver
