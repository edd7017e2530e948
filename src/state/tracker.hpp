/* SPDX-License-Identifier: MIT */
/* What exists only on a candidate or leader: its peers, the commit tally, pending reads, and the
 * transfer or catch-up under way. */
#pragma once

#include "base/owner.hpp"
#include "base/vector.hpp"
#include "state/configuration.hpp"
#include "state/outbox.hpp"
#include "state/peer.hpp"

#include <raft.h>

#include <algorithm>

namespace libraft {

/* A read that waits for its round (§6.4), or for an entry to commit. */
struct PendingRead {
    unsigned long long id;
    raft_index index;
    uint64_t round;       /* 0: no round is needed */
    raft_index committed; /* the commit index must reach this, too */
};

/* The round of a read that waits until the next round or barrier begins. Such reads are the last
 * ones. No peer echoes this round, so that only a leader which alone is a quorum confirms it. */
inline constexpr uint64_t kNextRound = UINT64_MAX;

struct Transfer {
    raft_id to = 0;
    raft_time started = 0;
    bool timeout_now_sent = false; /* at any time in this term: then there is no lease (§6.4.1) */
};

struct CatchUp {
    raft_id id = 0; /* 0: none is running */
    uint32_t rounds = 0;
    raft_index target = 0;
    raft_time started = 0;
};

struct Tracker {
    Vector<Peer> peers;   /* in ascending order of IDs, this server included */
    Vector<Peer> scratch; /* where a membership change builds the next peers */
    Vector<PendingRead> reads;
    uint32_t answered = 0;       /* how many of `reads` are answered, from the front */
    bool pre_vote = false;       /* the votes being counted are pre-votes (§9.6) */
    bool legacy_grant = false;   /* a server that does not mark pre-votes granted one */
    bool asked_again = false;    /* for pre-votes, since the last election timeout */
    raft_term pre_vote_term = 0; /* the last term that pre-votes were requested for */
    CommitTally tally;
    uint64_t round = 0;       /* latest one begun */
    uint64_t lease_after = 0; /* only later rounds give a lease: see follow_settings() */
    raft_time elected_at = 0;
    raft_time asked_at = 0;     /* when this leader was last asked for something */
    uint64_t sleep_from = 0;    /* the first round that sends the group to sleep; 0: none does */
    raft_time slept_at = 0;     /* when this leader fell asleep */
    raft_index barrier = 0;     /* first entry of this leader's term */
    Owner<Configuration> leave; /* to be appended when the joint configuration commits */
    Transfer transfer;
    CatchUp catch_up;

    Peer *find(raft_id id) {
        /* Most clusters number their servers from 1: try that place first. */
        const auto guess = static_cast<uint32_t>(id - 1);
        if (guess < peers.size() && peers[guess].id == id) [[likely]] {
            return &peers[guess];
        }
        Peer *found = std::lower_bound(peers.begin(), peers.end(), id,
                                       [](const Peer &p, raft_id i) { return p.id < i; });
        return found != peers.end() && found->id == id ? found : nullptr;
    }
    const Peer *find(raft_id id) const { return const_cast<Tracker *>(this)->find(id); }

    uint32_t pending_reads() const { return reads.size() - answered; }
    PendingRead take_read();

    /* Room for the members of a configuration and for the present peers. */
    [[nodiscard]] bool reserve_members(uint32_t n);
    /* Follow a configuration, for which room is reserved. What is known of a server stays. A
     * server that the configuration drops stays as departing until forget_departing(), so that
     * it can be told that its removal is committed; a server that becomes a spare is replicated
     * to until then. Returns whether the status of a catch-up was forgotten. */
    bool adopt(const Configuration &next, raft_id self, raft_index last_index, raft_time now);
    void forget_departing();
    bool has_departing() const;
    /* Give back what is not used while no change of the membership is under way. */
    void release_spare_memory();
};

/* NULL: out of memory. */
[[nodiscard]] Tracker *new_tracker(const Configuration &c, raft_id self, raft_index last_index,
                                   raft_time now);
void release(Tracker *t);
uint32_t pending_reads(const Tracker &t);
void release_spare_memory(Tracker &t);
[[nodiscard]] bool reserve(Tracker &t, const Need &need);

} // namespace libraft
