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

#include <optional>

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
    bool superseded;   /* drop it once the outstanding chunk is acknowledged */
    raft_index wanted; /* then ask for this one */
};

/* May the ordinary events of a follower or leader take the short way (steady.cpp)? Found at the
 * end of every other step, so that what cannot be the case need not be looked for. */
enum class Steady : uint8_t { kNo, kFollower, kLeader };

/* What the flags of an update are about, but for the two that change all the time. Whoever
 * changes any of it tells the step first: Step::remember(). */
struct Facts {
    raft_term term = 0;
    raft_id voted_for = 0;
    raft_id leader = 0;
    const char *leader_address = nullptr;   /* in a configuration, unless leader_foreign */
    Configuration *configuration = nullptr; /* latest first, back to the snapshot's */
    uint32_t election_span = 0;             /* ms, randomized */
    uint16_t capacity = 0;
    uint8_t state = RAFT_FOLLOWER;
    uint8_t own_sets : 2 = 0; /* voter sets of the latest configuration */
    bool started : 1 = false;
    bool leader_extended : 1 = false; /* its messages carry the fields that we added */
    bool leader_foreign : 1 = false;  /* its address is ours to free: no member has it */
    Steady steady : 2 = Steady::kNo;
};

struct Server : Facts {
    explicit Server(raft_id own_id) : id(own_id), random(static_cast<uint32_t>(own_id)) {}
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;
    ~Server();

    /* Persistent state (figure 3.1), with term and voted_for. */
    raft_id id;
    Trail trail;
    raft_index snapshot_index = 0;

    /* Volatile state. */
    raft_index commit = 0;
    raft_index last_stored = 0;
    raft_index matched = 0; /* highest index that this term's leader has matched here */
    raft_time now = 0;
    raft_time heard_at = 0; /* from a leader */
    raft_time deadline = kNever;
    uint64_t leader_round = 0;  /* latest one heard from this term's leader */
    uint64_t writes = 0;        /* latest ticket */
    uint64_t valid_from = 0;    /* older tickets are stale */
    Tracker *tracker = nullptr; /* on candidates and leaders */
    Install *install = nullptr; /* on followers */
    const Settings *settings = &kDefaultSettings;
    const char *why = "";                /* the last step failed */
    [[no_unique_address]] Outbox outbox; /* its padding holds the next */
    Random random;

    bool leads() const { return state == RAFT_LEADER; }
    /* A deadline that has passed is due at the next moment, never in the past. */
    raft_time timeout() const { return deadline > now ? deadline : now + 1; }
    void draw_election_span() {
        const uint32_t least = settings->election_timeout;
        election_span = least + std::min(random.below(least), UINT32_MAX - least);
    }
    raft_term stored_term() const { return trail.term_of(last_stored); }
    raft_id transferee() const { return tracker != nullptr ? tracker->transfer.to : 0; }
    bool announces(unsigned feature) const { return (settings->features & feature) != 0; }
    /* The configuration in force at an index, NULL: none, or before the snapshot. */
    const Configuration *configuration_at(raft_index index) const;
    void abandon_install();
    bool configuration_committed() const {
        return configuration == nullptr || configuration->index <= commit;
    }
    Steady find_steady() const;
};

/* One step under way. */
struct Step {
    Server &server;
    raft_event &event;
    raft_update &update;
    Outgoing out;
    raft_index entries_index; /* ENTRIES of the update: where the batch begins */
    /* What this step replaced: its pointers are compared when the step ends. */
    Configuration *retired = nullptr;
    const char *retired_address = nullptr;
    char *spare_address = nullptr; /* the leader's, should its configuration go */
    unsigned flags = 0;            /* of the update, as they become certain */
    std::optional<Facts> before;   /* set by whoever changes any of it */

    Step(Server &s, raft_event &e, raft_update &u) : server(s), event(e), update(u) {}
    Step(const Step &) = delete;
    Step &operator=(const Step &) = delete;
    ~Step() {
        if (retired != nullptr || retired_address != nullptr || spare_address != nullptr)
            [[unlikely]] {
            release_retired();
        }
    }

    /* Acquire what the step could hand out. Answers to the pending reads are always
     * included, for any step of a leader may end its leadership. */
    [[nodiscard]] bool reserve(Need need) {
        if (server.tracker != nullptr) {
            need.reads += server.tracker->pending_reads();
        }
        if (!server.outbox.reserve(need.size())) [[unlikely]] {
            return false;
        }
        out.lay_out(server.outbox.block(), need);
        return true;
    }

    /* An error, and why, in words. */
    [[nodiscard]] int fail(int code, const char *why) {
        server.why = why;
        return code;
    }
    /* The server's Facts are about to change. */
    void remember() {
        if (!before) {
            before = server;
        }
    }
    [[nodiscard]] int no_memory() { return fail(RAFT_NOMEM, "out of memory"); }

    void retire(Configuration *c) {
        c->previous = retired;
        retired = c;
    }

    /* The log is dropped from an index on; entries that follow are written there. */
    void begin_entries(raft_index index) {
        if ((flags & RAFT_UPDATE_ENTRIES) != 0) {
            return;
        }
        flags |= RAFT_UPDATE_ENTRIES;
        entries_index = index;
        server.writes++;
        if (index <= server.trail.last()) {
            /* Replaces entries: whatever is still being written of the old ones must not
             * be mistaken for the new ones. */
            server.valid_from = server.writes;
        }
    }
    /* The configuration that names the leader may go in this step; its address stays. */
    [[nodiscard]] bool keep_leader_address(const char *address);
    void release_retired();
    raft_entry &add_entry(const raft_entry &entry) { return out.add_entry() = entry; }
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
};

} // namespace libraft
