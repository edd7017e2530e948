/* SPDX-License-Identifier: MIT */
/* The state of one server (figure 3.1), and the step that changes it. */
#pragma once

#include "configuration.hpp"
#include "outbox.hpp"
#include "progress.hpp"
#include "random.hpp"
#include "settings.hpp"
#include "trail.hpp"

#include <raft.h>

namespace libraft {

inline constexpr raft_time kNever = UINT64_MAX;

/* A snapshot that is being received (§5.1). The log stands until its last chunk is
 * durable. */
struct Install {
    raft_index index;
    raft_term term;
    raft_term leader_term; /* another leader's bytes may differ: start over */
    Configuration *configuration;
    uint64_t offset;  /* durable up to here */
    uint64_t writing; /* length of the outstanding chunk */
    bool outstanding;
    bool last;
    bool superseded; /* drop it once the outstanding chunk is acknowledged */
    raft_index wanted; /* then ask for this one */
};

struct Server {
    explicit Server(raft_id own_id) : id(own_id), random(static_cast<uint32_t>(own_id)) {}
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server();

    /* Persistent state (figure 3.1). */
    raft_id id;
    raft_term term = 0;
    raft_id voted_for = 0;
    Trail trail;
    raft_index snapshot_index = 0;
    Configuration *configuration = nullptr; /* latest first, back to the snapshot's */

    /* Volatile state. */
    raft_index commit = 0;
    raft_index last_stored = 0;
    raft_index matched = 0; /* highest index that this term's leader has matched here */
    raft_time now = 0;
    raft_time heard_at = 0; /* from a leader */
    raft_time deadline = kNever;
    raft_id leader = 0;
    const char *leader_address = nullptr; /* in the configuration, or foreign_address */
    char *foreign_address = nullptr;      /* of a leader that is not in the configuration */
    uint64_t leader_round = 0;            /* latest one heard from this term's leader */
    uint64_t writes = 0;                  /* latest ticket */
    uint64_t valid_from = 0;              /* older tickets are stale */
    Tracker *tracker = nullptr;           /* on candidates and leaders */
    Install *install = nullptr;           /* on followers */
    const Settings *settings = &kDefaultSettings;
    const char *why = "";                 /* the last step failed */
    uint32_t election_span = 0;           /* ms, randomized */
    Random random;
    Outbox outbox;
    uint16_t capacity = 0;
    uint8_t state = RAFT_FOLLOWER;
    uint8_t own_sets = 0; /* voter sets of the latest configuration */
    bool started = false;
    bool leader_extended = false; /* its messages carry the fields that we added */

    /* This server's address follows the struct. */
    const char *own_address() const { return reinterpret_cast<const char *>(this + 1); }

    bool leads() const { return state == RAFT_LEADER; }
    raft_term stored_term() const { return trail.term_of(last_stored); }
    /* A deadline that has passed is due at the next moment, never in the past. */
    raft_time timeout() const { return deadline > now ? deadline : now + 1; }
    raft_id transferee() const { return tracker != nullptr ? tracker->transfer.to : 0; }
    bool announces(unsigned feature) const { return (settings->features & feature) != 0; }
    /* The configuration in force at an index, NULL: none, or before the snapshot. */
    const Configuration *configuration_at(raft_index index) const;
    void abandon_install();
    bool configuration_committed() const {
        return configuration == nullptr || configuration->index <= commit;
    }
};

/* One step under way. */
struct Step {
    Server &server;
    raft_event &event;
    raft_update &update;
    Outgoing out;
    raft_index entries_index = 0; /* ENTRIES of the update: where the batch begins */
    bool has_entries = false;
    bool has_snapshot = false;
    bool catch_up_changed = false;
    /* What this step replaced: its pointers are compared when the step ends. */
    Configuration *retired = nullptr;
    char *retired_address = nullptr;

    Step(Server &s, raft_event &e, raft_update &u) : server(s), event(e), update(u) {}
    ~Step();

    /* Acquire what the step could hand out. Answers to the pending reads are always
     * included, for any step of a leader may end its leadership. */
    [[nodiscard]] bool reserve(Need need);

    /* An error, and why, in words. */
    [[nodiscard]] int fail(int code, const char *why) {
        server.why = why;
        return code;
    }
    [[nodiscard]] int no_memory() { return fail(RAFT_NOMEM, "out of memory"); }

    void retire(Configuration *c) {
        c->previous = retired;
        retired = c;
    }

    /* The log is dropped from an index on; entries that follow are written there. */
    void begin_entries(raft_index index);
    raft_entry &add_entry(const raft_entry &entry) { return out.entries.add() = entry; }
    raft_message &add_message(raft_message_type type, raft_id to, const char *address) {
        raft_message &message = out.messages.add();
        message.type = type;
        message.server_id = to;
        message.server_address = address;
        return message;
    }
    void add_read(unsigned long long id, raft_index index, int status) {
        out.reads.add() = {id, index, status, 0, {0, 0}};
    }
};

} // namespace libraft
