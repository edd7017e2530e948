/* SPDX-License-Identifier: MIT */
/* The bounds of a search, and the faults that negative tests inject. */
#pragma once

#include <raft.h>

#include <cstdint>

namespace model {

constexpr unsigned kServers = 3;
constexpr unsigned kMostReads = 2;

/* Errors of a caller or of the library, for negative tests. A property must then be broken. */
enum class Fault {
    kNone,
    kForgetVote,
    kForgetTerm,
    kLoseAcknowledged,
    kReadAtOnce,    /* treats a read as answered when it is asked for */
    kWrongFastPath, /* the fast path leaves another deadline than the general one */
    kRecoverStale,  /* recovers the wrong survivor */
    kLoseOnlyCopy,  /* a server loses entries that others lack */
};

/* Sets of servers are bit sets: 7 is servers 1, 2 and 3. Numbers of events are totals. */
struct Bounds {
    const char *name;
    unsigned servers = 3;     /* that exist */
    unsigned voters = 7;      /* of them in the first configuration */
    unsigned standbys = 0;    /* likewise */
    unsigned term;            /* highest, see terms_until() */
    unsigned entries;         /* longest log */
    unsigned messages = 2;    /* most in flight at once */
    unsigned crashes = 0;     /* each with a restart */
    unsigned submissions = 0; /* of one entry */
    unsigned duplicates = 0;  /* messages that are delivered and stay in flight */
    unsigned changes = 0;     /* of the membership */
    unsigned next_voters = 0; /* after the change */
    unsigned transfers = 0;
    unsigned timeouts = 0; /* of leaders; with pre-votes, of all servers: no term bounds them */
    bool pre_vote = false;
    unsigned losses = 7; /* messages to these servers get lost, too */
    unsigned commits;    /* entries that must be committed in some state */
    unsigned snapshots = 0;
    unsigned cuts = 0;         /* messages whose last entry does not leave */
    unsigned unreachables = 0; /* reports that a server cannot be reached */
    unsigned campaigns = 0;    /* that the caller asks for */
    unsigned settings = 0;     /* changes of a setting */
    unsigned wipes = 0;        /* restarts without the end of the log, or with none */
    unsigned reads = 0;        /* at most kMostReads */
    unsigned wakes = 0;        /* RAFT_WAKE, on any server */
    unsigned sleep = 0; /* a group that rests sleeps; of so many states in which a leader sleeps,
                           the future of one is judged */
    unsigned never_lead = 0;                /* servers that never lead */
    unsigned lost = 0;                      /* these servers are lost for good, once */
    unsigned features = RAFT_FEATURE_JOINT; /* that all servers announce */
};

/* How many terms have begun up to this one, if one at most is counted for a recovery, which skips
 * 2^20. */
inline unsigned terms_until(raft_term term) {
    return static_cast<unsigned>((term >> 20) + (term & ((1U << 20) - 1)));
}

} // namespace model
