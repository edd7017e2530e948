/* SPDX-License-Identifier: MIT */
/* What a candidate or leader knows of one server, itself included (figure 3.1, volatile state on
 * leaders).
 *
 * The leader's replication to a peer is a state machine:
 *
 *                  rejection, no progress, or the caller reports the peer unreachable
 *             +--------------------------------------------------------+
 *             v                                                        |
 *       +-----------+   the peer matches everything up to next - 1   +----------+
 * ----> |   probe   | ---------------------------------------------> | pipeline |
 *       +-----------+                                                +----------+
 *          |                                                           |     ^
 *          | the entry at next was compacted                           |     |
 *          |                      +----------+                         |     |
 *          +--------------------> | snapshot | <-----------------------+     |
 *                                 +----------+                               |
 *                                      |   the peer has the snapshot, or     |
 *                                      |   matches an entry that the log     |
 *                                      |   holds                             |
 *                                      +-------------------------------------+
 *
 * probe:    one AppendEntries at a time, with one entry at most, to find where the logs agree
 *           (§3.5)
 * pipeline: entries are sent without waiting for acknowledgements (§10.2.1)
 * snapshot: the chunks of a snapshot are sent, one at a time (§5.1) */
#pragma once

#include "base/invariant.hpp"
#include "state/quorum.hpp"

#include <raft.h>

#include <algorithm>
#include <cstdint>

namespace libraft {

/* What is wrong with a peer that is replicated to. */
enum Doubt : uint8_t {
    /* Its acknowledgements do not advance. The entries in flight may be lost or slow: the first of
     * them is sent again, and nothing else until that is acknowledged. */
    kStalled = 1,
    /* It echoes no rounds, and came back with less than it had acknowledged: it is probed below its
     * match index. */
    kRewound = 2,
    /* A peer that echoes no rounds rejects what it had acknowledged. */
    kRejecting = 4,
    kAnyLoss = kRewound | kRejecting,
};

/* Does this echo confirm a later round than any before it? */
enum class Echo : bool { kNone, kLater };

struct Peer {
    raft_id id;
    const char *address; /* in the configuration */
    Ballot ballot;       /* empty: does not vote */
    raft_index match;    /* its log agrees, durably, up to this index */
    raft_index next;     /* next entry to send; above match unless it is rewound */
    raft_index sent;     /* highest index that any message of this term covered */
    raft_index agreed;   /* of a rewound peer: what it has acknowledged since then */
    /* In snapshot mode: where the next chunk begins. Else the first entry of the last message that
     * had entries; while the peer is stalled, the next entry to send if it is only slow. (In
     * pipeline mode it is not used before such a message is sent.) */
    uint64_t asked_or_offset;
    raft_time contact;         /* when it was last heard from; at first, when it became a peer */
    raft_time waiting_since;   /* when it last made progress, or the last chunk was sent */
    raft_time rejecting_since; /* see kRejecting */
    uint64_t round;            /* latest round that it echoed */
    uint64_t believed_from;    /* answers of earlier rounds are older than a loss of data */
    raft_index snapshot_index; /* the snapshot that is being sent to it */
    uint32_t window;           /* limit on entries in flight, beside the caller's */
    uint32_t patience;         /* how long it may make no progress until it is stalled, ms */
    uint32_t losses;           /* how often it came back with less than it had acknowledged */
    uint16_t features;         /* that it announced last */
    uint16_t capacity;
    uint8_t mode;   /* raft_progress_mode: the state in the diagram above */
    uint8_t doubts; /* bits of Doubt */
    uint8_t role;
    uint8_t catch_up;          /* raft_catch_up_status */
    bool features_known : 1;   /* it announced them after it was last silent or unreachable */
    bool answered : 1;         /* in this term */
    bool self : 1;             /* this server */
    bool granted : 1;          /* its vote, or pre-vote, in the election under way */
    bool departing : 1;        /* only in the configuration before the latest */
    bool demotion_pending : 1; /* just demoted to spare; not told yet that this is committed */
    bool chunk_sent : 1;       /* a chunk is on its way */

    bool votes() const { return !ballot.empty(); }
    /* Features that it has now; none while they are not known. */
    uint16_t usable() const { return features_known ? features : uint16_t{0}; }
    bool reports_capacity() const { return (features & RAFT_FEATURE_CAPACITY) != 0; }
    raft_index asked() const {
        INVARIANT(!is_sent_snapshot());
        return asked_or_offset;
    }
    uint64_t snapshot_offset() const {
        INVARIANT(is_sent_snapshot());
        return asked_or_offset;
    }
    /* What it is known to have now. */
    raft_index acknowledged() const { return is(kRewound) ? agreed : match; }

    /* Does the leader replicate to it? Not to a spare, unless it is being caught up (§4.2.1) or
     * must still learn that it was demoted. */
    bool is_replicated_to() const {
        return !self && (role != RAFT_SPARE || demotion_pending ||
                         catch_up == RAFT_CATCH_UP_RUNNING || catch_up == RAFT_CATCH_UP_FINISHED);
    }

    bool is_probed() const { return mode == RAFT_PROGRESS_PROBE; }
    bool is_pipelined() const { return mode == RAFT_PROGRESS_PIPELINE; }
    bool is_sent_snapshot() const { return mode == RAFT_PROGRESS_SNAPSHOT; }

    /* Transitions of the state machine. */

    bool is(Doubt doubt) const { return (doubts & doubt) != 0; }
    void set(Doubt doubt) { doubts = static_cast<uint8_t>(doubts | doubt); }
    void clear(Doubt doubt) { doubts = static_cast<uint8_t>(doubts & ~doubt); }

    /* A term of this leader begins; its log ends at `last`, and `stored` is durable. */
    void begin_term(raft_index last, raft_index stored, raft_time now) {
        mode = RAFT_PROGRESS_PROBE;
        match = self ? stored : 0;
        next = last + 1;
        sent = 0;
        agreed = 0;
        asked_or_offset = 0;
        window = UINT32_MAX;
        round = 0;
        believed_from = 0;
        contact = now;
        waiting_since = now;
        patience = 0;
        losses = 0;
        doubts = 0;
        answered = false;
        chunk_sent = false;
        if (!granted) { /* a vote of this term announces features, too */
            forget_features();
        }
    }
    /* Look for the point where the logs agree, beginning with entry `from`. */
    void probe_from(raft_index from) {
        mode = RAFT_PROGRESS_PROBE;
        clear(kStalled);
        next = from > acknowledged() ? from : acknowledged() + 1;
    }
    /* It acknowledged more than before. */
    void progressed(raft_time now) {
        widen_window();
        waiting_since = now;
    }
    /* What is in flight does not arrive: send the first entry of it once more. The peer may have
     * been silent for long, which says little about how slow it is: so the patience has a limit. */
    void stall(raft_time now, raft_time longest) {
        if (!is(kStalled)) {
            asked_or_offset = next;
            probe_from(acknowledged() + 1);
            set(kStalled);
        }
        const raft_time wait =
            std::min({2 * (now - waiting_since), longest, raft_time{UINT32_MAX}});
        patience = static_cast<uint32_t>(wait);
        waiting_since = now;
    }
    /* Wait longer each time, and let that wear off over some hundred heartbeats. */
    void forget_patience_slowly() {
        if (patience != 0) [[unlikely]] {
            patience -= patience / 128;
        }
    }
    /* A stalled peer acknowledged more. If that is more than what was sent once more, the
     * entries in flight are slow, not lost. */
    void resume(raft_index acknowledged) {
        if (acknowledged > next) {
            next = asked();
        } else {
            close_window();
        }
        pipeline();
    }
    /* The logs agree up to next - 1. */
    void pipeline() {
        mode = RAFT_PROGRESS_PIPELINE;
        clear(kStalled);
    }
    /* The log is needed from `from` on, not the snapshot. What was sent beyond the match index
     * before the snapshot may be lost. */
    void pipeline_from(raft_index from) {
        pipeline();
        next = from;
        chunk_sent = false;
    }
    /* An entry that it needs was compacted: send this snapshot, from its beginning. */
    void install_snapshot(raft_index index) {
        mode = RAFT_PROGRESS_SNAPSHOT;
        clear(kStalled);
        snapshot_index = index;
        asked_or_offset = 0;
        chunk_sent = false;
    }
    /* The leader begins to replicate to it. Its silence until now means nothing, as it was sent
     * nothing; but it may be an older version by now. */
    void begin_contact(raft_time now) {
        contact = now;
        forget_features();
    }
    /* The leader stops replicating to it. */
    void stop() {
        demotion_pending = false;
        chunk_sent = false;
        doubts = 0;
        next = next > match ? next : match + 1; /* it may have been rewound */
        mode = RAFT_PROGRESS_PROBE;
    }

    /* The peer answered an AppendEntries or a chunk. */
    Echo heard(raft_time now, const raft_append_entries_result &r) {
        contact = now;
        answered = true;
        features_known = true; /* as note_features() does, which takes more instructions here */
        if (r.version >= 1) [[likely]] {
            features = r.features;
            capacity = r.capacity;
        } else {
            features = 0;
            capacity = 0;
        }
        if (r.version < 3 || r.round <= round) {
            return Echo::kNone;
        }
        round = r.round;
        return Echo::kLater;
    }
    /* It may come back as an older version. */
    void forget_features() { features_known = false; }
    void note_features(uint16_t announced, uint16_t left) {
        features = announced;
        features_known = true;
        capacity = left;
    }

    /* Whatever makes the leader send again closes the window: there may be many such answers and
     * reports, and each of them must not cause a resend of everything. Each acknowledgement doubles
     * it. */
    void close_window() { window = 1; }
    void widen_window() {
        if (window < UINT32_MAX / 2) {
            window *= 2;
        } else {
            window = UINT32_MAX;
        }
    }
};

} // namespace libraft
