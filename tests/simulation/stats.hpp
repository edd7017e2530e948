/* SPDX-License-Identifier: MIT */
/* Counts of what happened in a simulation. Plain data, because processes share it. */
#pragma once

#include <cstdint>

namespace sim {

/* Faults: each must occur in at least 5 % of runs. */
#define SIM_FAULTS(X)                                                               \
    X(CRASH, "crash")                                                               \
    X(CRASH_TORN, "crash that kept a part of the unsynced writes")                  \
    X(CRASH_MIDWAY, "crash while an update was being carried out")                  \
    X(CRASH_ALL, "crash of all servers")                                            \
    X(PARTITION, "symmetric partition")                                             \
    X(PARTITION_ONE_WAY, "one-way partition")                                       \
    X(LOSS, "message lost")                                                         \
    X(DUPLICATE, "message duplicated")                                              \
    X(REORDER, "message overtaken")                                                 \
    X(LONG_DELAY, "message delayed beyond an election timeout")                     \
    X(UNREACHABLE, "transport reports a server unreachable")                        \
    X(DISK_SLOW, "slow disk")                                                       \
    X(DISK_STALL, "stalled disk")                                                   \
    X(LATE_ACK, "late acknowledgement of a write")                                  \
    X(STALE_ACK, "acknowledgement of entries replaced meanwhile")                   \
    X(PARTIAL_ACK, "acknowledgement of a part of a write")                          \
    X(CHUNK_FAIL, "write of a snapshot chunk failed")                               \
    X(CHUNK_LOST, "snapshot chunk lost by the network")                             \
    X(CLOCK_JUMP, "clock jumped forwards")                                          \
    X(CLOCK_BACK, "clock jumped backwards")                                         \
    X(CLOCK_STALL, "clock stalled")                                                 \
    X(CLOCK_DRIFT, "clock ran fast or slow")                                        \
    X(TIMER_LATE, "timer fired late")                                               \
    X(TIMER_EARLY, "timer fired early")                                             \
    X(NOMEM, "allocation failed in a step")                                         \
    X(NOMEM_INIT, "allocation failed in raft_init")                                 \
    X(SETTER_WITHOUT_MEMORY, "setter called while allocations fail")                \
    X(SETTING, "setting changed on a running server")                               \
    X(NOSPACE, "submission refused for lack of capacity")                           \
    X(OLD_MESSAGE, "message of an older version")                                   \
    X(UPGRADE, "server upgraded")                                                   \
    X(CHANGE_ADD, "server added or promoted")                                       \
    X(CHANGE_REMOVE, "server removed or demoted")                                   \
    X(CHANGE_JOINT, "joint change begun")                                           \
    X(CHANGE_SUBMITTED, "change submitted as an entry")                             \
    X(CHANGE_ADDRESS, "address of a member changed")                                \
    X(MOVED, "server restarted at another address")                                 \
    X(LOST_MAJORITY, "majority lost for good")                                      \
    X(MINORITY_LOST, "leader lost for good while its snapshot was being installed") \
    X(TRANSFER, "leadership transfer begun")                                        \
    X(CATCH_UP, "catch-up begun")                                                   \
    X(SNAPSHOT, "snapshot taken")                                                   \
    X(BAD_REQUEST, "illegal request refused")                                       \
    X(FLOOD, "events each millisecond, handled before timers")                      \
    X(LOSS_REPORTED, "loss reported that lost entries or a snapshot")               \
    X(SLOW_CONNECTION, "entries slower than heartbeats on another connection")      \
    X(TRIM, "message trimmed, with RAFT_SENT")                                      \
    X(LATE_ENTRIES, "message sent late, with entries read then")                    \
    X(SLOW_CHUNK, "write of a chunk longer than an election timeout")               \
    X(LAG, "server that needs a snapshot while new ones are taken")                 \
    X(RAISED, "election timeouts raised while servers run")                         \
    X(LOWERED, "election timeouts lowered while servers run")                       \
    X(FEATURES, "features of a running server changed")                             \
    X(DOWNGRADE, "server restarted as an older version")                            \
    X(MOVED_OFF, "server restarted at an address that no other knows")              \
    X(MOVED_MAJORITY, "majority restarted at addresses that no other knows")        \
    X(OLD_ADDRESS, "message to an old address")                                     \
    X(CAMPAIGN_ASKED, "server asked to campaign")                                   \
    X(NEVER_LEADS, "voter that never leads")                                        \
    X(DELAYED, "election delay changed")                                            \
    X(EAGER_COMMIT, "eager commit turned on or off")                                \
    X(GIVE_UP, "transfer or catch-up given up")                                     \
    X(UNREAD_START, "start without payloads of commands")                           \
    X(UNRECORDED, "start from a snapshot without a configuration index")            \
    X(READ_BURST, "many reads in one millisecond")                                  \
    X(EMPTIED, "disk emptied")                                                      \
    X(SET_BACK, "disk set back")                                                    \
    X(WAKE, "RAFT_WAKE on a random server")                                         \
    X(DETECTED, "failed host noticed, with RAFT_WAKE")                              \
    X(SLEEP_SETTING, "setting changed without which a server does not sleep")

#define SIM_REACHED(X)                                                        \
    X(STEP, "steps")                                                          \
    X(FAST_PATH, "steps on the fast path")                                    \
    X(FAST_PATH_COMPARED, "of these, compared with the general path")         \
    X(CLONE_STEP, "steps after a failed one, compared with a clone")          \
    X(MESSAGE, "messages delivered")                                          \
    X(ELECTION, "elections won")                                              \
    X(CAMPAIGN, "campaigns begun")                                            \
    X(STEP_DOWN, "leaders that stepped down")                                 \
    X(TRUNCATION, "truncations")                                              \
    X(LOST_COMMITTED, "entries replaced on their leader but committed later") \
    X(COMMIT, "entries committed")                                            \
    X(INSTALL_CHUNK, "snapshot chunks received")                              \
    X(INSTALL_RESUMED, "installations resumed in the middle")                 \
    X(INSTALL, "snapshots installed")                                         \
    X(INSTALL_WITHIN, "snapshots installed that end within the old log")      \
    X(START_DISCARD, "restarts that discarded a log older than the snapshot") \
    X(CHANGE_DONE, "configurations committed")                                \
    X(SOLE_VOTER, "sole voters that restarted before others knew the change") \
    X(JOINT_LEFT, "joint configurations left")                                \
    X(JOINT_INHERITED, "joint configurations inherited by a new leader")      \
    X(CONF_ROLLBACK, "configurations rolled back")                            \
    X(TRANSFER_DONE, "transfers that succeeded")                              \
    X(CATCH_UP_FINISHED, "catch-ups finished")                                \
    X(CATCH_UP_ABORTED, "catch-ups aborted")                                  \
    X(WRITE_OK, "writes acknowledged")                                        \
    X(WRITE_UNKNOWN, "writes with unknown fate")                              \
    X(READ_QUORUM, "quorum reads served")                                     \
    X(READ_LEASE, "lease reads served")                                       \
    X(READ_LEASE_AT_ONCE, "lease reads answered at once")                     \
    X(READ_LOST, "reads lost with their leader")                              \
    X(BUSY, "submissions refused: too many uncommitted")                      \
    X(NOT_LEADER, "requests refused: not leader")                             \
    X(CANT_CHANGE, "changes refused: not now")                                \
    X(NO_CONNECTION, "changes refused: too few servers in contact")           \
    X(USED_ID, "changes refused: an ID was used before")                      \
    X(FORCED, "changes forced")                                               \
    X(SENT_AGAIN, "messages to servers that were sent entries again")         \
    X(LATE_DROPPED, "late messages dropped: their term is over")              \
    X(LATE_GONE, "late messages dropped: their entries were compacted")       \
    X(LOSS_COUNTED, "losses of data that a leader counted")                   \
    X(RECOVERED, "clusters recovered")                                        \
    X(RECOVERED_KEPT, "survivors that kept their log through a recovery")     \
    X(RECOVER_LOST, "committed entries lost with the majority")               \
    X(FOLLOWER_ASLEEP, "followers that fell asleep")                          \
    X(LEADER_ASLEEP, "leaders that fell asleep")                              \
    X(GROUP_ASLEEP, "times that all members slept, before the faults ended")  \
    X(LEFT_OUT, "silent members without which a group fell asleep")           \
    X(WOKEN, "servers that woke up")                                          \
    X(DIED_ASLEEP, "leaders that failed while they slept")                    \
    X(ALL_RESTED, "groups that rested for a minute without a step")           \
    X(LONE_WAKE, "elections after RAFT_WAKE on one voter")                    \
    X(REMOVED_LEADER, "leaders that removed themselves")                      \
    X(SECONDS, "simulated seconds")

enum Stat : unsigned {
#define X(name, text) S_##name,
    SIM_FAULTS(X) S_FAULTS_END,
    S_REACHED_BEGIN = S_FAULTS_END - 1,
    SIM_REACHED(X) S_COUNT
#undef X
};

struct Stats {
    uint64_t n[S_COUNT] = {};
    uint64_t runs[S_COUNT] = {}; /* the number of runs in which it happened */
    uint64_t total_runs = 0;

    void add(Stat s, uint64_t by = 1) { n[s] += by; }
    /* Add one simulation. */
    void absorb(const Stats &simulation);
    /* Add another total. */
    void merge(const Stats &total);
    void print() const;
    /* The number of faults that occurred in fewer than so many percent of the runs, and of other
     * events in fewer than a fifth of that; prints their names. */
    unsigned rare(unsigned percent) const;
};

} // namespace sim
