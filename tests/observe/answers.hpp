/* SPDX-License-Identifier: MIT */
/* The answers of every accessor, as values that outlive the raft. raft_errmsg() is left out: it
 * describes the last step, not the state. */
#pragma once

#include "../driver/types.hpp"
#include "record.hpp"

namespace observe {

/* Accessors that take the raft alone: member, type, function, the flags of an update that announce
 * a change. */
#define OBSERVE_ACCESSORS(X)                                                                \
    X(term, raft_term, raft_current_term, RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR) \
    X(vote, raft_id, raft_voted_for, RAFT_UPDATE_VOTED_FOR)                                 \
    X(state, int, raft_state, RAFT_UPDATE_STATE)                                            \
    X(commit, raft_index, raft_commit_index, RAFT_UPDATE_COMMIT_INDEX)                      \
    X(timeout, raft_time, raft_timeout, RAFT_UPDATE_TIMEOUT)                                \
    X(last, raft_index, raft_last_index, 0)                                                 \
    X(first, raft_index, raft_first_index, 0)                                               \
    X(stored, raft_index, raft_last_stored, 0)                                              \
    X(snapshot, raft_index, raft_snapshot_index, 0)                                         \
    X(oldest, raft_index, raft_oldest_snapshot_index, 0)                                    \
    X(role, int, raft_role, 0)                                                              \
    X(transferee, raft_id, raft_transferee, RAFT_UPDATE_TRANSFER)

/* What a leader knows of one member. */
struct Peer {
    int mode = -1; /* -1: not a leader's member */
    int catch_up = RAFT_CATCH_UP_NONE;
    raft_index match = 0;
    raft_index next = 0;
    raft_time contact = 0;
    unsigned features = 0;
    unsigned capacity = 0;
    raft_index snapshot = 0; /* that is being sent */
    unsigned long long offset = 0;
    unsigned long long losses = 0;
    bool operator==(const Peer &) const = default;
};

/* The answers about one index. */
struct Position {
    raft_index index = 0;
    raft_term term = 0;
    int code = 0; /* of raft_configuration_at() */
    raft_index conf_index = 0;
    bool operator==(const Position &) const = default;
};

struct Answers {
#define OBSERVE_DECLARE(name, type, function, flags) type name = {};
    OBSERVE_ACCESSORS(OBSERVE_DECLARE)
#undef OBSERVE_DECLARE
    raft_id leader = 0;
    const char *leader_address = nullptr; /* interned */
    raft_index conf_index = 0;
    driver::Configuration conf; /* in force at the last index */
    std::vector<Peer> peers;    /* a leader's, as conf.members; else empty */
    /* Answers that contradict each other or the header, in words. */
    std::string contradiction;
    /* Asked for by ask_log(): ascending, from before the log to after it. */
    std::vector<Position> positions;
    std::vector<std::pair<raft_index, driver::Configuration>> earlier; /* in force there */

    Answers() = default;
    /* All answers, about at most so many indexes. */
    explicit Answers(struct raft *r, raft_index indexes = 64) {
        ask(r);
        ask_others(r);
        ask_log(r, indexes);
    }
    /* About the raft, its last configuration and the members of that. It copies nothing that has
     * not changed, because the simulator asks in every step. */
    void ask(struct raft *r);
    /* About IDs from 0 to 9 that are not members. */
    void ask_others(const struct raft *r);
    void ask_log(const struct raft *r, raft_index indexes);

    bool operator==(const Answers &) const = default;
    bool leads() const { return state == RAFT_LEADER; }
    const Peer &peer(raft_id id) const;

private:
    void ask_configuration(const struct raft *r);
    void ask_peer(const struct raft *r, raft_id id, Peer *peer);
    void require(bool consistent, const char *what);
};

void record(Record *record, const Answers &answers);
std::string text(const Answers &answers);
/* The first answer that differs, in words; empty: there is none. */
std::string difference(const Answers &a, const Answers &b);
/* The flags that the update of an event of this type must have set if one was asked before the step
 * and one after it; without ENTRIES, SNAPSHOT, MESSAGES and READS, which no accessor tells. */
unsigned flags_between(const Answers &before, const Answers &after, unsigned event);

} // namespace observe
