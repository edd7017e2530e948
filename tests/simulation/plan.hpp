/* SPDX-License-Identifier: MIT */
/* What a world is like: everything that its seed decides before it begins. */
#pragma once

#include "../driver/random.hpp"
#include "types.hpp"

namespace sim {

/* Parts of the simulation broken on purpose, to see that the checks bite. */
#define SIM_SABOTAGES(X)                                                                       \
    X(NONE, "none")                                                                            \
    X(LYING_DISK, "lying-disk")               /* acknowledges before it is durable */          \
    X(LATE_VOTE, "late-vote")                 /* sends before term and vote are durable */     \
    X(KEEP_TRUNCATED, "keep-truncated")       /* ignores that entries were replaced */         \
    X(STALE_ACK, "stale-ack")                 /* event 3 although acknowledgements are late */ \
    X(WRONG_ENTRIES, "wrong-entries")         /* attaches another entry's payload */           \
    X(FORGED_VOTE, "forged-vote")             /* the network turns refusals into votes */      \
    X(FORGED_ACK, "forged-ack")               /* the network inflates acknowledgements */      \
    X(FORGED_TERM, "forged-term")             /* the network changes the term of a leader */   \
    X(EARLY_APPLY, "early-apply")             /* applies what is not committed */              \
    X(LOCAL_READ, "local-read")               /* reads without a barrier */                    \
    X(EARLY_READ, "early-read")               /* serves reads before they are answered */      \
    X(DRIFTING_LEASE, "drifting-lease")       /* trusts leases under wild clocks */            \
    X(EMPTY_SNAPSHOT, "empty-snapshot")       /* restores a snapshot as nothing */             \
    X(LOST_FLAG, "lost-flag")                 /* an update loses a flag */                     \
    X(EXTRA_FLAG, "extra-flag")               /* an update gains a flag */                     \
    X(DIRTY_FAILURE, "dirty-failure")         /* a failed step changes something */            \
    X(FORGOTTEN_ENTRY, "forgotten-entry")     /* a restart forgets the last durable entry */   \
    X(FORGOTTEN_TERM, "forgotten-term")       /* a restart forgets its term and vote */        \
    X(LATER_FAILURE, "later-failure")         /* a failed step changes what comes later */     \
    X(STRANGE_SHORT_WAY, "strange-short-way") /* a step's short way loses a message */         \
    X(SECOND_LEADER, "second-leader")         /* a candidate is elected in another's term */   \
    X(OLD_TERM_COMMIT, "old-term-commit")     /* a leader commits by counting in a new term */ \
    X(EAGER_COMMIT, "eager-commit")           /* a leader commits before a quorum stored */    \
    X(WRONG_ADDRESS, "wrong-address")         /* a server takes its leader to be elsewhere */  \
    X(RECOVER_STALE, "recover-stale")         /* the wrong survivor is recovered */            \
    X(RECOVER_TWO, "recover-two")             /* two survivors are recovered */                \
    X(UNDEAD, "undead")                       /* the lost majority comes back */               \
    X(REWRITTEN_LOG, "rewritten-log")         /* a leader replaces its own last entry */       \
    X(FALLING_COMMIT, "falling-commit")       /* a commit index falls */                       \
    X(ABSENT_ENTRIES, "absent-entries")       /* a message asks for entries not there */       \
    X(ABSENT_SNAPSHOT, "absent-snapshot")     /* a message asks for a snapshot not there */    \
    X(UNANNOUNCED, "unannounced")             /* an update has what no flag announces */       \
    X(TIMEOUT_DUE, "timeout-due")             /* a timeout is due when a step ends */          \
    X(SILENT_NOMEM, "silent-nomem")           /* RAFT_NOMEM where no allocation failed */      \
    X(SPOILT_LOG, "spoilt-log")               /* a disk gives back another term */             \
    X(STORM, "storm")                         /* the network triples every message */          \
    X(SHORT_LIFE, "short-life")               /* the world ends early */                       \
    X(IDLE_FOLLOWER, "idle-follower")         /* a server that should campaign does not */     \
    X(HASTY_LEADER, "hasty-leader")           /* a leader steps down though it is heard */     \
    X(ETERNAL_PARTITION, "eternal-partition") /* the network never heals */                    \
    X(DEAD_MAJORITY, "dead-majority")         /* a majority dies for good, unrecovered */

enum class Sabotage {
#define X(name, text) name,
    SIM_SABOTAGES(X)
#undef X
};

const char *name_of(Sabotage s);
bool parse(const char *text, Sabotage *s);

/* What goes wrong every now and then. */
enum Trouble : unsigned {
    T_CRASH = 1 << 0,
    T_PARTITION = 1 << 1,
    T_ONE_WAY = 1 << 2,
    T_DISK_SLOW = 1 << 3,
    T_DISK_STALL = 1 << 4,
    T_CLOCK_JUMP = 1 << 5,
    T_CLOCK_BACK = 1 << 6,
    T_CLOCK_STALL = 1 << 7,
    T_CLOCK_DRIFT = 1 << 8,
    T_CAPACITY = 1 << 9,
    T_CRASH_ALL = 1 << 10,
    T_ISOLATE_LEADER = 1 << 11,
    T_FLIP = 1 << 12,
    T_KINDS = 13
};

struct ServerPlan {
    unsigned vintage;
    unsigned features;  /* of the latest vintage */
    bool held_messages; /* term and vote are written like entries; messages wait for them */
    bool tickets;       /* RAFT_STORED, else RAFT_PERSISTED_ENTRIES */
    int drift_ppm;
    unsigned election_timeout;
};

/* What may be changed while a server runs. */
struct Tuning {
    unsigned heartbeat, snapshot_timeout, catch_up_rounds, catch_up_duration;
    unsigned inflight, message_entries, uncommitted, capacity_threshold;
    bool pre_vote;
};

struct Plan {
    explicit Plan(uint64_t seed, Sabotage sabotage);

    unsigned servers;
    Configuration initial;
    unsigned bootstrapped; /* how many of the initial voters bootstrap */
    ServerPlan server[kMaxServers + 1];
    bool bounded_clocks; /* leases may be trusted */

    Tuning tuning;
    unsigned setting_ppm; /* a setting changes with a step */

    Time delay_min, delay_max, long_delay;
    unsigned loss_ppm, duplicate_ppm, long_delay_ppm, unreachable_percent;
    Time disk_min, disk_max;

    unsigned troubles;
    Time trouble_interval;
    unsigned nomem_ppm, chunk_fail_percent, late_ack_percent, partial_ack_percent;
    unsigned timer_late_percent, timer_early_ppm, crash_midway_ppm;
    Time late_ack_max;
    Time churn_interval; /* 0: the membership stays */
    bool upgrades;
    Time disaster;             /* when a majority is lost for good; 0: never */
    bool bereaved;             /* when all is over, a minority is lost for good */
    unsigned upset_percent;    /* how often what is delicate is disturbed */
    raft_index snapshot_every; /* entries; 0: never */
    unsigned trailing;
    unsigned padding, chunk_max;
    unsigned clients;
    Time think;

    unsigned max_election_timeout() const;
    std::string describe() const;
};

} // namespace sim
