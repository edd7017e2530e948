/* SPDX-License-Identifier: MIT */
/* What a candidate or leader knows of the other servers (figure 3.1, volatile state
 * on leaders), and of the work it does with them. */
#pragma once

#include "configuration.hpp"
#include "quorum.hpp"
#include "vector.hpp"

#include <raft.h>

#include <algorithm>

namespace libraft {

struct Progress {
    raft_id id;
    const char *address;       /* in the configuration */
    Ballot ballot;             /* empty: does not vote */
    raft_index match;          /* its log matches, durably, up to here */
    raft_index next;           /* next entry to send */
    raft_index sent;           /* no honest answer of this term acknowledges more */
    raft_time contact;         /* last heard from; at first, when it became a peer */
    uint64_t round;            /* latest round that it echoed */
    raft_index snapshot_index; /* being sent: which, from where, since when */
    uint64_t snapshot_offset;
    raft_time snapshot_sent_at;
    uint32_t window; /* entries in flight, besides the caller's limit */
    uint16_t features;
    uint16_t capacity;
    bool reports_capacity;
    uint8_t mode; /* raft_progress_mode */
    uint8_t role;
    uint8_t catch_up; /* raft_catch_up_status */
    bool self;
    bool granted;   /* its vote, or pre-vote */
    bool departing; /* not in the latest configuration, but in the one before */
    bool resting;   /* made a spare by the latest change, which it is still to be told */

    bool votes() const { return !ballot.empty(); }
    /* Does the leader replicate to it? Not to a spare, unless to catch it up (§4.2.1). */
    bool follows() const {
        return !self && (role != RAFT_SPARE || resting || catch_up == RAFT_CATCH_UP_RUNNING ||
                         catch_up == RAFT_CATCH_UP_FINISHED);
    }
    /* It is not followed any more. */
    void rest() {
        resting = false;
        mode = RAFT_PROGRESS_PROBE;
    }
    /* It answered an AppendEntries, or a chunk; true: an echo of a later round. */
    bool heard(raft_time now, const raft_append_entries_result &r) {
        contact = now;
        if (r.version >= 1) {
            features = r.features;
            capacity = r.capacity;
            reports_capacity = (r.features & RAFT_FEATURE_CAPACITY) != 0;
        }
        if (r.version < 3 || r.round <= round) {
            return false;
        }
        round = r.round;
        return true;
    }
    /* The logs agree up to an index that was found, not acknowledged. */
    void become_probe(raft_index new_next) {
        mode = RAFT_PROGRESS_PROBE;
        next = new_next > match ? new_next : match + 1;
    }
    /* After a rejection the window opens slowly: twice as wide with every acknowledgement. */
    void widen() {
        if (window < UINT32_MAX / 2) {
            window *= 2;
        } else {
            window = UINT32_MAX;
        }
    }
};

/* A read that waits for its round (§6.4), or for an entry to commit. */
struct PendingRead {
    unsigned long long id;
    raft_index index;
    uint64_t round;       /* 0: no round needed */
    raft_index committed; /* the commit index must reach this, too */
};

struct Transfer {
    raft_id to = 0;
    raft_time started = 0;
    bool timeout_now_sent = false; /* ever, in this term: no lease any more (§6.4.1) */
};

struct CatchUp {
    raft_id id = 0; /* 0: none is running */
    uint32_t rounds = 0;
    raft_index target = 0;
    raft_time started = 0;
};

/* Exists while the server is a candidate or leader. */
struct Tracker {
    Vector<Progress> peers; /* this server included; ascending IDs */
    Vector<Progress> spare; /* room in which a membership change builds the next peers */
    Vector<PendingRead> reads;
    uint32_t answered = 0; /* of reads, from the front */
    CommitTally tally;
    uint64_t round = 0; /* latest one begun */
    raft_time elected_at = 0;
    raft_index barrier = 0;         /* first entry of this leader's term */
    Configuration *leave = nullptr; /* ready to be appended when the joint one commits */
    Transfer transfer;
    CatchUp catch_up;
    bool pre_vote = false;       /* the votes counted are pre-votes (§9.6) */
    raft_term pre_vote_term = 0; /* the last one that pre-votes were asked for */
    bool legacy_grant = false;   /* one came from a server that does not mark pre-votes */

    Tracker() = default;
    Tracker(const Tracker &) = delete;
    Tracker &operator=(const Tracker &) = delete;
    ~Tracker() { configuration::release(leave); }

    Progress *find(raft_id id) {
        /* IDs that count from 1 are usual: look there first. */
        const auto guess = static_cast<uint32_t>(id - 1);
        if (guess < peers.size() && peers[guess].id == id) [[likely]] {
            return &peers[guess];
        }
        Progress *found = std::lower_bound(peers.begin(), peers.end(), id,
                                           [](const Progress &p, raft_id i) { return p.id < i; });
        return found != peers.end() && found->id == id ? found : nullptr;
    }
    uint32_t pending_reads() const { return reads.size() - answered; }
    [[nodiscard]] bool reserve_read();
    PendingRead take_read();

    /* Room for the members of a configuration and those that it drops. */
    [[nodiscard]] bool reserve_members(const Configuration &next);
    /* Follow a configuration. What is known of a server stays; one that it drops stays
     * as departing until forget_departing(), to hear that its removal is committed; one that
     * becomes a spare is followed until then. True: a catch-up is forgotten with it. */
    bool adopt(const Configuration &next, raft_id self, raft_index last_index, raft_time now);
    void forget_departing();
    bool has_departing() const;
    static void destroy(Tracker *t); /* may be NULL */
};

} // namespace libraft
