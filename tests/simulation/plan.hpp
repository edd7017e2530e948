/* SPDX-License-Identifier: MIT */
/* The parameters of a simulation, which its seed decides before it begins. */
#pragma once

#include "../driver/random.hpp"
#include "callers.hpp"
#include "types.hpp"

#include <algorithm>

namespace sim {

/* Negative tests: each breaks one part of the environment, and the simulator must report the
 * violation that follows. */
#define SIM_BROKEN(X)                                                                             \
    X(NONE, "none")                                                                               \
    X(EARLY_ACK, "early-ack")           /* acknowledges before it is durable */                   \
    X(LATE_VOTE, "late-vote")           /* sends before term and vote are durable */              \
    X(KEEP_TRUNCATED, "keep-truncated") /* ignores that entries were replaced */                  \
    X(STALE_ACK, "stale-ack") /* RAFT_PERSISTED_ENTRIES although acknowledgements are late */     \
    X(WRONG_ENTRIES, "wrong-entries")   /* attaches another entry's payload */                    \
    X(FORGED_VOTE, "forged-vote")       /* the network turns refusals into votes */               \
    X(FORGED_ACK, "forged-ack")         /* the network inflates acknowledgements */               \
    X(FORGED_TERM, "forged-term")       /* the network changes the term of a leader */            \
    X(EARLY_APPLY, "early-apply")       /* applies what is not committed */                       \
    X(LOCAL_READ, "local-read")         /* reads without RAFT_READ */                             \
    X(EARLY_READ, "early-read")         /* serves reads before they are answered */               \
    X(DRIFTING_LEASE, "drifting-lease") /* trusts leases under wild clocks */                     \
    X(EMPTY_SNAPSHOT, "empty-snapshot") /* restores an empty state from a snapshot */             \
    X(LOST_FLAG, "lost-flag")           /* an update loses a flag */                              \
    X(EXTRA_FLAG, "extra-flag")         /* an update gains a flag */                              \
    X(FAILURE_CHANGES_STATE, "failure-changes-state") /* a failed step changes the state */       \
    X(FORGOTTEN_ENTRY, "forgotten-entry") /* a restart forgets the last durable entry */          \
    X(FORGOTTEN_TERM, "forgotten-term")   /* a restart forgets its term and vote */               \
    X(FAILURE_CHANGES_FUTURE, "failure-changes-future") /* a failed step changes later steps */   \
    X(WRONG_FAST_PATH, "wrong-fast-path")               /* the fast path loses a message */       \
    X(SECOND_LEADER, "second-leader")           /* a candidate is elected in another's term */    \
    X(OLD_TERM_COMMIT, "old-term-commit")       /* a leader commits by counting in a new term */  \
    X(EARLY_COMMIT, "early-commit")             /* a leader commits before a quorum stored */     \
    X(WRONG_ADDRESS, "wrong-address")           /* a server has a wrong address of its leader */  \
    X(RECOVER_STALE, "recover-stale")           /* the wrong survivor is recovered */             \
    X(RECOVER_TWO, "recover-two")               /* two survivors are recovered */                 \
    X(RETURNING_MAJORITY, "returning-majority") /* the lost majority comes back */                \
    X(REWRITTEN_LOG, "rewritten-log")           /* a leader replaces its own last entry */        \
    X(FALLING_COMMIT, "falling-commit")         /* a commit index falls */                        \
    X(ABSENT_ENTRIES, "absent-entries")         /* a message names entries that do not exist */   \
    X(ABSENT_SNAPSHOT, "absent-snapshot")   /* a message names a snapshot that does not exist */  \
    X(UNANNOUNCED, "unannounced")           /* an update has a member that no flag announces */   \
    X(TIMEOUT_DUE, "timeout-due")           /* the timeout is due already when a step ends */     \
    X(UNEXPECTED_NOMEM, "unexpected-nomem") /* RAFT_NOMEM where no allocation failed */           \
    X(CORRUPT_LOG, "corrupt-log")           /* a disk returns another term */                     \
    X(MESSAGE_STORM, "message-storm")       /* the network multiplies every message */            \
    X(SHORT_RUN, "short-run")               /* the simulation ends early */                       \
    X(IDLE_FOLLOWER, "idle-follower")       /* a server that should campaign does not */          \
    X(EARLY_STEP_DOWN, "early-step-down")   /* a leader steps down although a quorum answers */   \
    X(PERMANENT_PARTITION, "permanent-partition") /* the network never heals */                   \
    X(LOST_MAJORITY, "lost-majority")       /* a majority is lost for good, without a recovery */ \
    X(IGNORED_TIMER, "ignored-timer")       /* input is handled, and the timer never looked at */ \
    X(WRONG_SENT, "wrong-sent")             /* entries are left out after RAFT_SENT */            \
    X(LATE_TERM, "late-term")               /* late messages leave although their term is over */ \
    X(DELETED_SNAPSHOT, "deleted-snapshot") /* older snapshots are deleted at once */             \
    X(REPEATED_CHUNK, "repeated-chunk")     /* a chunk is sent twice */                           \
    X(REPEATED_HEARTBEAT, "repeated-heartbeat") /* a heartbeat is sent nine times */              \
    X(RESENT_ENTRIES, "resent-entries")         /* heartbeats bring entries again */              \
    X(FALSE_LOSS, "false-loss")                 /* a leader counts a loss that never was */       \
    X(LOST_QUORUM, "lost-quorum")               /* data is lost that a majority needs */          \
    X(CONFIGURED_ADDRESS, "configured-address") /* answers go to the configured address */        \
    X(LOST_CHUNKS, "lost-chunks")               /* the network loses all snapshots */             \
    X(UNSET_DELAY, "unset-delay")               /* the election delay is not set */               \
    X(UNSET_TIMEOUT, "unset-timeout")           /* a changed election timeout is not set */       \
    X(SUDDEN_DOWNGRADE, "sudden-downgrade")     /* a server becomes older without silence */      \
    X(NO_WAKE, "no-wake")                       /* nobody notices that a sleeping leader died */  \
    X(SLEEPLESS, "sleepless")                   /* a member has no idle timeout */                \
    X(RESTLESS, "restless")                     /* a sleeping server repeats its answers */       \
    X(WAKING_ECHO, "waking-echo")               /* who wakes up echoes the latest round */        \
    X(WAKING_VOTE, "waking-vote")               /* a sleeping server grants the first vote */     \
    X(LIGHT_SLEEP, "light-sleep")               /* a server that sleeps has a deadline */         \
    X(SILENT_LEADER, "silent-leader")           /* a leader that wakes up does not tell all */

enum class Broken {
#define X(name, text) name,
    SIM_BROKEN(X)
#undef X
};

const char *name_of(Broken s);
bool parse(const char *text, Broken *s);

/* Kinds of faults that the simulator injects. */
enum Fault : unsigned {
    F_CRASH = 1 << 0,
    F_PARTITION = 1 << 1,
    F_ONE_WAY = 1 << 2,
    F_DISK_SLOW = 1 << 3,
    F_DISK_STALL = 1 << 4,
    F_CLOCK_JUMP = 1 << 5,
    F_CLOCK_BACK = 1 << 6,
    F_CLOCK_STALL = 1 << 7,
    F_CLOCK_DRIFT = 1 << 8,
    F_CAPACITY = 1 << 9,
    F_CRASH_ALL = 1 << 10,
    F_ISOLATE_LEADER = 1 << 11,
    F_OVERWRITE = 1 << 12,
    F_KINDS = 13
};

struct ServerPlan {
    unsigned codec;
    unsigned features; /* announced with the latest codec */
    /* Term and vote are written to the queue; messages wait until they are durable. */
    bool held_messages;
    bool tickets; /* RAFT_STORED, else RAFT_PERSISTED_ENTRIES */
    int drift_ppm;
    unsigned election_timeout;
};

/* Settings that may be changed while a server runs. */
struct Tuning {
    unsigned heartbeat, snapshot_timeout, catch_up_rounds, catch_up_duration;
    unsigned inflight, message_entries, uncommitted, capacity_threshold;
    bool pre_vote;
};

struct Plan {
    /* `conditions`: null: those of the seed. */
    explicit Plan(uint64_t seed, Broken broken, const unsigned *conditions);

    unsigned servers;
    Configuration initial;
    unsigned bootstrapped; /* how many of the initial voters bootstrap */
    ServerPlan server[kMaxServers + 1];
    unsigned newest_codec = kOurs; /* of servers that are upgraded */
    bool bounded_clocks;           /* so leases may be trusted */

    Tuning tuning;
    unsigned setting_ppm; /* how often a setting changes */

    Time delay_min, delay_max, long_delay;
    unsigned loss_ppm, duplicate_ppm, long_delay_ppm, unreachable_percent;
    Time disk_min, disk_max;

    unsigned faults;
    Time fault_interval;
    unsigned nomem_ppm, chunk_fail_percent, late_ack_percent, partial_ack_percent;
    unsigned timer_late_percent, timer_early_ppm, crash_midway_ppm;
    Time late_ack_max;
    Time admin_interval; /* between requests of the operator; 0: there are none */
    bool upgrades;
    Time disaster;             /* when a majority is lost for good; 0: never */
    bool loses_minority;       /* at the end, a minority is lost for good */
    unsigned disturb_percent;  /* how often a crash or partition hits a critical phase */
    raft_index snapshot_every; /* entries; 0: never */
    unsigned trailing;
    unsigned padding, chunk_max;
    unsigned clients;
    Time think;
    Callers callers;

    unsigned max_election_timeout() const;
    unsigned max_heartbeat() const {
        return std::max(tuning.heartbeat, max_election_timeout() / 4);
    }
    std::string describe() const;
};

} // namespace sim
