/* SPDX-License-Identifier: MIT */
/* The answers of every accessor, as values that outlive the raft. raft_errmsg() is left out: it
 * describes the last step, not the state. */
#pragma once

#include "record.hpp"

#include <raft.h>

#include <optional>
#include <string>
#include <vector>

namespace observe {

/* Accessors that take the raft alone: member, type, function, the flags of an update that tell of
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
    X(role, int, raft_role, 0)                                                              \
    X(transferee, raft_id, raft_transferee, RAFT_UPDATE_TRANSFER)

struct Member {
    raft_id id = 0;
    std::optional<std::string> address;
    int role = 0;
    bool operator==(const Member &) const = default;
};

struct Configuration {
    raft_index index = 0; /* of the entry that set it */
    std::vector<Member> members;
    bool operator==(const Configuration &) const = default;
    const Member *find(raft_id id) const;
};

/* The answers about one server. What an accessor that fails would have told stays at zero. */
struct Peer {
    raft_id id = 0;
    int match_code = 0;
    raft_index match = 0;
    int catch_up_code = 0;
    int catch_up = RAFT_CATCH_UP_NONE;
    int progress_code = 0;
    int mode = 0;
    unsigned features = 0;
    unsigned capacity = 0;
    raft_index progress_match = 0;
    raft_index next = 0;
    raft_time last_contact = 0;
    unsigned long long reserved = 0; /* all reserved words, or-ed */
    bool operator==(const Peer &) const = default;
};

/* The answers about one index. */
struct Position {
    raft_index index = 0;
    raft_term term = 0;
    int code = 0; /* of raft_configuration_at() */
    raft_index configuration_index = 0;
    bool operator==(const Position &) const = default;
};

/* Which servers and indexes are asked about. */
struct Scope {
    raft_id ids = 9;         /* IDs from 0 to this one, and all members of the configuration */
    raft_index indexes = 64; /* so many indexes back from the last one, and two after it */
};
inline constexpr Scope kAll = {9, ~0ULL};

struct Answers {
#define OBSERVE_DECLARE(name, type, function, flags) type name = {};
    OBSERVE_ACCESSORS(OBSERVE_DECLARE)
#undef OBSERVE_DECLARE
    raft_id leader = 0;
    std::optional<std::string> leader_address;
    std::vector<Position> positions;           /* ascending; the oldest is not before the log */
    std::vector<Configuration> configurations; /* those in force there, each once */
    /* Not listed are servers of which nothing is known: all three accessors answer RAFT_NOTLEADER
     * on a server that does not lead, RAFT_BADID for a server that is no member. */
    std::vector<Peer> peers;

    Answers() = default;
    explicit Answers(struct raft *r, Scope scope = {}) { ask(r, scope); }
    void ask(struct raft *r, Scope scope = {});

    bool operator==(const Answers &) const = default;
    bool leads() const { return state == RAFT_LEADER; }
    /* In force at the last index; NULL: none. */
    const Configuration *configuration() const;
    const Peer *find(raft_id id) const;
};

void record(Record *record, const Answers &answers);
std::string text(const Answers &answers);
/* The first answer that differs, in words; empty: there is none. */
std::string difference(const Answers &a, const Answers &b);
/* The flags that an update must have set if one was asked before the step and one after it; without
 * ENTRIES, SNAPSHOT, MESSAGES and READS, which no accessor tells. */
unsigned flags_between(const Answers &before, const Answers &after);

} // namespace observe
