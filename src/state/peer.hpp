/* SPDX-License-Identifier: MIT */
/* What a candidate or leader knows of one server, itself included (figure 3.1, volatile state on
 * leaders).
 *
 * The leader's replication to a peer is a state machine:
 *
 *                  rejection, or the caller reports the peer unreachable
 *             +--------------------------------------------------------+
 *             v                                                        |
 *       +-----------+   the peer matches everything up to next - 1   +----------+
 * ----> |   probe   | ---------------------------------------------> | pipeline |
 *       +-----------+                                                +----------+
 *          |     ^                                                     |     ^
 *          |     | unreachable                                         |     |
 *          |     +----------------+        the entry at next was       |     |
 *          | the entry at next    |        compacted                   |     |
 *          | was compacted    +----------+                             |     |
 *          +----------------> | snapshot | <---------------------------+     |
 *                             +----------+                                   |
 *                                  |   the peer has the snapshot, or         |
 *                                  |   matches an entry that the log holds   |
 *                                  +-----------------------------------------+
 *
 * probe:    one AppendEntries at a time, to find where the logs agree (§3.5)
 * pipeline: entries are sent without waiting for acknowledgements (§10.2.1)
 * snapshot: the chunks of a snapshot are sent, one at a time (§5.1) */
#pragma once

#include "state/quorum.hpp"

#include <raft.h>

#include <cstdint>

namespace libraft {

/* Does this echo confirm a later round than any before it? */
enum class Echo : bool { kNone, kLater };

struct Peer {
    raft_id id;
    const char *address;        /* in the configuration */
    Ballot ballot;              /* empty: does not vote */
    raft_index match;           /* its log agrees, durably, up to this index */
    raft_index next;            /* next entry to send */
    raft_index sent;            /* highest index that any message of this term covered */
    raft_time contact;          /* when it was last heard from; at first, when it became a peer */
    uint64_t round;             /* latest round that it echoed */
    raft_index snapshot_index;  /* the snapshot that is being sent to it */
    uint64_t snapshot_offset;   /* where the next chunk begins */
    raft_time snapshot_sent_at; /* when the last chunk was sent */
    uint32_t window;            /* limit on entries in flight, beside the caller's */
    uint16_t features;
    uint16_t capacity;
    bool reports_capacity;
    bool features_known; /* its features of now, not those of an earlier time */
    bool answered;       /* in this term */
    uint8_t mode;        /* raft_progress_mode: the state in the diagram above */
    uint8_t role;
    uint8_t catch_up; /* raft_catch_up_status */
    bool self;
    bool granted;          /* its vote, or pre-vote, in the election under way */
    bool departing;        /* only in the configuration before the latest */
    bool demotion_pending; /* just demoted to spare, and not told yet that this is committed */

    bool votes() const { return !ballot.empty(); }

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

    /* A term of this leader begins; its log ends at `last`, and `stored` is durable. */
    void begin_term(raft_index last, raft_index stored, raft_time now) {
        mode = RAFT_PROGRESS_PROBE;
        match = self ? stored : 0;
        next = last + 1;
        sent = 0;
        window = UINT32_MAX;
        round = 0;
        contact = now;
        answered = false;
    }
    /* Look for the point where the logs agree, beginning with entry `from`. */
    void probe_from(raft_index from) {
        mode = RAFT_PROGRESS_PROBE;
        next = from > match ? from : match + 1;
    }
    /* The logs agree up to next - 1. */
    void pipeline() { mode = RAFT_PROGRESS_PIPELINE; }
    /* The log is needed from `from` on, not the snapshot. What was sent beyond the match index
     * before the snapshot may be lost. */
    void pipeline_from(raft_index from) {
        mode = RAFT_PROGRESS_PIPELINE;
        next = from;
    }
    /* An entry that it needs was compacted. */
    void install_snapshot() { mode = RAFT_PROGRESS_SNAPSHOT; }
    /* The leader stops replicating to it. */
    void stop() {
        demotion_pending = false;
        mode = RAFT_PROGRESS_PROBE;
    }

    /* The peer answered an AppendEntries or a chunk. */
    Echo heard(raft_time now, const raft_append_entries_result &r) {
        contact = now;
        answered = true;
        if (r.version >= 1) {
            note_features(r.features, r.capacity);
        } else {
            note_features(0, 0);
        }
        if (r.version < 3 || r.round <= round) {
            return Echo::kNone;
        }
        round = r.round;
        return Echo::kLater;
    }
    void note_features(uint16_t announced, uint16_t left) {
        features = announced;
        features_known = true;
        capacity = left;
        reports_capacity = (announced & RAFT_FEATURE_CAPACITY) != 0;
    }

    /* A rejection closes the window: many such answers may be on their way, and each of them
     * must not cause a resend of everything. Each acknowledgement doubles it. */
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
