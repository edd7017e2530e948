/* SPDX-License-Identifier: MIT */
/* Conditions that depend on how the library is used: event loops, transports, disks and operators.
 * They are drawn from a generator of their own: a run without any of them is the same as if they
 * did not exist. */
#pragma once

#include "../driver/random.hpp"
#include "types.hpp"

namespace sim {

struct Plan;

/* Each is in a part of the runs: name and text of the option --conditions. */
#define SIM_CONDITIONS(X)                                                                          \
    X(FLOODS, "floods")                   /* events each millisecond, handled before timers */     \
    X(REPORTED_LOSS, "reported-loss")     /* messages are lost, and each loss is reported */       \
    X(TWO_CONNECTIONS, "two-connections") /* entries and snapshots on a slow one */                \
    X(TRIMMED, "trimmed")                 /* messages are bounded in bytes, with RAFT_SENT */      \
    X(LATE_ENTRIES, "late-entries")       /* entries are read, and messages sent, later */         \
    X(SLOW_CHUNKS, "slow-chunks")         /* chunk writes take several election timeouts */        \
    X(LAG, "lag")                         /* a snapshot takes longer than the snapshot interval */ \
    X(TIMEOUTS, "timeouts")               /* election timeouts change while servers run */         \
    X(FEATURES, "features")               /* features change; servers become older ones */         \
    X(MOVES, "moves")                     /* servers move; messages to the old address are lost */ \
    X(CAMPAIGNS, "campaigns")             /* RAFT_CAMPAIGN */                                      \
    X(PREFERENCES, "preferences")         /* election delays; voters that never lead */            \
    X(EAGER_COMMIT, "eager-commit")                                                                \
    X(GIVE_UP, "give-up")           /* transfers and catch-ups are given up */                     \
    X(UNREAD_START, "unread-start") /* RAFT_START without payloads */                              \
    X(READ_BURSTS, "read-bursts")   /* many reads in one millisecond */                            \
    X(DATA_LOSS, "data-loss")       /* disks are emptied or set back; only in own runs */          \
    X(SLEEP, "sleep")               /* idle timeouts, pauses of the clients, RAFT_WAKE */

enum ConditionBit : unsigned {
#define X(name, text) CB_##name,
    SIM_CONDITIONS(X) CB_COUNT
#undef X
};
enum Condition : unsigned {
#define X(name, text) C_##name = 1U << CB_##name,
    SIM_CONDITIONS(X)
#undef X
};

std::string names_of_conditions(unsigned conditions);
/* A list of names with commas, or "none". */
bool parse_conditions(const char *text, unsigned *conditions);

struct Callers {
    bool has(Condition c) const { return (conditions & c) != 0; }

    unsigned conditions = 0;
    uint64_t bandwidth = 0;     /* of the slow connection, bytes a second; 0: there is none */
    unsigned entry_bytes = 0;   /* largest modelled payload */
    unsigned message_bytes = 0; /* limit on the entries of a message; 0: none */
    unsigned flight_bytes = 0;  /* limit on the entries in flight to a server */
    Time late_entries_max = 0;
    Time chunk_write_max = 0;
    Time interval = 0;                    /* between acts of the operator; 0: there are none */
    unsigned delay[kMaxServers + 1] = {}; /* election delays */

    /* SLEEP */
    unsigned idle[kMaxServers + 1] = {}; /* idle timeouts */
    Time awake_max = 0;                  /* how long clients ask for something between pauses */
    Time pause_max = 0;
    Time detection_max = 0; /* until a host notices that another one failed; 0: it never does */

    bool never_leads(raft_id id) const { return delay[id] == UINT32_MAX; }
};

/* Choose them for a seed, and change what else the conditions need. */
void choose_callers(Plan &plan, uint64_t seed);
/* The same with these conditions. */
void choose_callers(Plan &plan, uint64_t seed, unsigned conditions);

} // namespace sim
