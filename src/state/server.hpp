/* SPDX-License-Identifier: MIT */
/* The state of one server (figure 3.1), and the two views that a step has of it: Step reads,
 * Change writes. */
#pragma once

#include "base/owner.hpp"
#include "base/random.hpp"
#include "state/configuration.hpp"
#include "state/outbox.hpp"
#include "state/settings.hpp"
#include "state/term_log.hpp"

#include <raft.h>

#include <optional>

namespace libraft {

struct Tracker;
struct Installation;
void release(Tracker *t);
void release(Installation *i);
uint32_t pending_reads(const Tracker &t);
void release_spare_memory(Tracker &t);
[[nodiscard]] bool reserve(Tracker &t, const Need &need);

/* Fits a signed integer, for callers without unsigned ones. */
inline constexpr raft_time kNever = INT64_MAX;

/* Pre-votes are requested for the term after the current one, at most. */
inline constexpr uint8_t kDoubtfulTerms = 2;

/* May the frequent events of a follower or leader take the fast path (rules/fast_path.hpp)? */
enum class FastPath : uint8_t { kNone, kFollower, kLeader };

/* The state that flags of an update are about, except for the commit index and the deadline.
 * Code that changes any of it calls Change::remember() first. */
struct Facts {
    raft_term term = 0;
    raft_id voted_for = 0;
    raft_id leader = 0;
    Configuration *configuration = nullptr; /* latest first, back to the snapshot's */
    uint32_t drawn_timeout = 0;             /* the randomized election timeout, ms */
    uint16_t capacity = 0;
    uint8_t state : 2 = RAFT_FOLLOWER;
    uint8_t own_sets : 2 = 0;    /* voter sets of this server in the latest configuration */
    bool sole_voter : 1 = false; /* this server alone is a quorum of that configuration */
    bool has_led : 1 = false;    /* since the start, under that configuration */
    /* The number of terms, beginning with the current one, for which this server may have
     * requested pre-votes, also before a restart. Maintained only while pre-votes are off: an
     * unmarked vote result of such a term may answer an old pre-vote, and does not count. */
    uint8_t pre_vote_terms : 2 = 0;
    bool started : 1 = false;
    bool leader_extended : 1 = false; /* the leader's messages carry the fields we added */
    bool in_tracer : 1 = false;       /* the tracer is being called */
    bool asleep : 1 = false;          /* the group rests: see rules/sleeping.hpp */
    FastPath fast_path : 2 = FastPath::kNone;
};

struct Server : Facts {
    explicit Server(raft_id own_id) : id(own_id), random(own_id, 0) {}
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server();

    /* Persistent state (figure 3.1), with term and voted_for. */
    raft_id id;
    TermLog log;
    raft_index snapshot_index = 0;

    /* Volatile state. */
    raft_index commit = 0;      /* <= log.last() */
    raft_index last_stored = 0; /* everything up to here is durable; <= log.last() */
    raft_index matched = 0;     /* this term's leader has matched the log up to here */
    raft_time now = 0;
    raft_time heard_at = 0; /* when a leader was last heard from */
    raft_time deadline = kNever;
    uint64_t leader_round = 0; /* latest round that this term's leader began */
    /* The latest ticket. Its upper half counts how often entries were replaced: a ticket with
     * another upper half may be about the old ones. (After 2^32 writes without a replacement the
     * count rises, too: that only ignores acknowledgements of writes before the latest ones.) */
    uint64_t writes = 0;
    raft_index known_commit = 0; /* highest commit index that a leader has told; perhaps > last */
    union {
        SharingOwner<Tracker, 0> tracker{};         /* if and only if it is a candidate or leader */
        SharingOwner<Installation, 1> installation; /* only on followers */
    };
    Owner<char> leader_address; /* with which the last message of a leader came */
    SettingsPointer settings;   /* for one call only: see UsesSettings */
    raft_tracer *tracer = nullptr;
    const char *why = "";                /* why the last step failed */
    [[no_unique_address]] Outbox outbox; /* its padding holds the next member */
    Random random;
#ifdef RAFT_INVARIANTS
    uint64_t general_steps = 0; /* steps that took the general path, for the tests */
#endif

    bool leads() const { return state == RAFT_LEADER; }
    /* Acknowledgements of the writes until now do not count any more. */
    void outdate_writes() { writes = ((writes >> 32) + 1) << 32; }
    bool is_current(uint64_t ticket) const { return ticket >> 32 == writes >> 32; }
    raft_term stored_term() const { return log.term_of(last_stored); }
    /* As far as its settings say. (A leader that may not lead any more steps down.) */
    bool may_sleep() const {
        return announces(RAFT_FEATURE_SLEEP) && !(leads() && settings->never_leads());
    }
    bool announces(unsigned feature) const { return (settings->features & feature) != 0; }
    /* raft_init()'s address. It follows the object, in the same block of memory. */
    const char *own_address() const { return reinterpret_cast<const char *>(this + 1); }
    /* What raft_leader() tells: the address that the latest configuration has for the leader, else
     * the one that its last message came with, else this server's own. NULL: no leader is known. */
    const char *leader_address_told() const;
    /* The configuration in force at an index. NULL: none, or before the snapshot. */
    const Configuration *configuration_at(raft_index index) const;
    bool configuration_committed() const {
        return configuration == nullptr || configuration->index <= commit;
    }
};

/* NULL: out of memory. */
[[nodiscard]] Server *new_server(raft_id id, const char *address);
void release(Server *s);

/* NULL: not initialised. */
inline Server *server_of(const struct raft *r) {
    return r != nullptr ? static_cast<Server *>(r->impl) : nullptr;
}

/* Gives a server access to the settings in its handle during one call of raft_step() or of a
 * setter. Afterwards Server::settings must not be followed, because the caller may move the handle
 * between calls. Getters never follow it: where invariants are checked it is NULL then, so that one
 * that does crashes. */
class UsesSettings {
public:
    UsesSettings([[maybe_unused]] Server &s, const struct raft &r)
#ifdef RAFT_INVARIANTS
        : server_(s),
          before_(s.settings)
#endif
    {
        s.settings = SettingsPointer(r);
    }
    UsesSettings(const UsesSettings &) = delete;
    UsesSettings &operator=(const UsesSettings &) = delete;
#ifdef RAFT_INVARIANTS
    ~UsesSettings() {
        server_.settings = before_;
    } /* a tracer may call raft_step(): it is refused */

private:
    Server &server_;
    const SettingsPointer before_;
#endif
};

/* What a step changes and hands out. Only Step::reserve() and Step::begin() give access to one, so
 * that a handler which changes the server without either does not compile. */
class Change {
public:
    Server &server;
    raft_update &update;
    Outgoing out;
    unsigned flags = 0;     /* of the update, as they become certain */
    const bool was_asleep;  /* for the tracer, like the next two */
    raft_id lossy_peer = 0; /* a peer that lost entries which it had acknowledged */
    raft_index lost_index = 0;

    Change(const Change &) = delete;
    Change &operator=(const Change &) = delete;

    /* Call before changing any of the server's Facts. */
    void remember() {
        if (!before_) {
            before_ = server;
        }
    }
    /* RAFT_START compares with what it was given, not with the state before. */
    void remember_disk(raft_term term, raft_id voted_for);

    /* Keep a configuration that was replaced until the step ends. */
    void retire(Configuration *c) {
        c->previous = retired_.take();
        retired_.reset(c);
    }
    /* `address` differs from the one that the server holds. */
    void replace_leader_address(Owner<char> address);

    /* Begin an ENTRIES update: the log is dropped from `index` on, and the entries that follow
     * are written there. */
    void begin_entries(raft_index index) {
        if ((flags & RAFT_UPDATE_ENTRIES) != 0) {
            return;
        }
        flags |= RAFT_UPDATE_ENTRIES;
        entries_index_ = index;
        if (index <= server.log.last()) {
            server.outdate_writes();
        }
        server.writes++;
    }
    raft_entry &add_entry(const raft_entry &entry) { return out.add_entry() = entry; }
    /* Append one entry in this server's term. */
    void append(const raft_entry &entry);
    raft_message &add_message(raft_message_type type, raft_id to, const char *address) {
        raft_message &message = out.add_message();
        message.type = type;
        message.server_id = to;
        message.server_address = address;
        return message;
    }
    void add_read(unsigned long long id, raft_index index, int status) {
        out.add_read() = {id, index, status, 0, {0, 0}};
    }

    void report_data_loss(raft_id peer, raft_index acknowledged) {
        lossy_peer = peer;
        lost_index = acknowledged;
    }

    /* The leader falls asleep: give back all memory that it does not need before it wakes up.
     * Afterwards the step may add nothing to the update. Cannot fail. */
    void release_spare_memory();

    /* Fill in the update, with its flags but those of the commit index and the deadline. */
    void hand_out();
#ifdef RAFT_INVARIANTS
    /* Are the facts as they were, unless remember() was called? */
    bool is_remembered(const Facts &at_begin) const;
#endif

private:
    friend class Step;
    Change(Server &s, raft_update &u) : server(s), update(u), was_asleep(s.asleep) {}
    unsigned changed_facts(const Facts &before) const;
    /* Does raft_leader() tell another address of the same leader? */
    bool leader_has_moved(const Facts &before) const;

    raft_index entries_index_; /* where the batch of an ENTRIES update begins */
    std::optional<Facts> before_;
    Owner<Configuration> retired_;
    Owner<char>
        replaced_address_; /* the server's leader_address when the step began, if replaced */
};

/* One step under way. A handler validates the event, reserves, and then changes the server
 * through the Change that it reserved. */
class Step {
public:
    const Server &server;
    const raft_event &event;

    Step(Server &s, const raft_event &e, raft_update &u) : server(s), event(e), change_(s, u) {}

    /* Acquire what the step needs. Answers to the pending reads are always included, because any
     * step of a leader may end its leadership. NULL: out of memory. */
    [[nodiscard]] Change *reserve(const Need &need);
    /* For a handler that hands out nothing, and so cannot fail. Where it wakes a server that
     * sleeps, the handler must not reserve afterwards. */
    Change &begin() {
        accept();
        return change_;
    }

    /* Let the event wake the server as soon as it is accepted: when a handler asks for the Change,
     * nothing can fail any more. False: out of memory. */
    [[nodiscard]] bool plan_waking(void (*wake)(Change &), uint64_t messages);

    /* Return an error code, and keep its reason for raft_errmsg(). */
    [[nodiscard]] int fail(int code, const char *why) {
        change_.server.why = why;
        return code;
    }
    [[nodiscard]] int no_memory() { return fail(RAFT_NOMEM, "out of memory"); }

private:
    friend int run(Server &s, const raft_event &event, raft_update &update, int (*handler)(Step &));

    [[nodiscard]] bool acquire(Need need);
    void accept() {
        if (wake_ != nullptr) [[unlikely]] {
            void (*const wake)(Change &) = wake_;
            wake_ = nullptr;
            wake(change_);
        }
    }

    Change change_;
    void (*wake_)(Change &) = nullptr;
    uint64_t waking_messages_ = 0;
};

} // namespace libraft
