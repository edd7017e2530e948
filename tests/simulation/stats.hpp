/* SPDX-License-Identifier: MIT */
/* What happened in a world, counted. Plain data: it crosses processes. */
#pragma once

#include <cstdint>

namespace sim {

/* Faults: each must occur in at least 5 % of worlds. */
#define SIM_FAULTS(X)                                                          \
    X(CRASH, "crash")                                                          \
    X(CRASH_TORN, "crash that kept a part of the unsynced writes")             \
    X(CRASH_MIDWAY, "crash while an update was being carried out")             \
    X(CRASH_ALL, "crash of all servers")                                       \
    X(PARTITION, "symmetric partition")                                        \
    X(PARTITION_ONE_WAY, "one-way partition")                                  \
    X(LOSS, "message lost")                                                    \
    X(DUPLICATE, "message duplicated")                                         \
    X(REORDER, "message overtaken")                                            \
    X(LONG_DELAY, "message delayed beyond an election timeout")                \
    X(UNREACHABLE, "transport reports a server unreachable")                   \
    X(DISK_SLOW, "slow disk")                                                  \
    X(DISK_STALL, "stalled disk")                                              \
    X(LATE_ACK, "late acknowledgement of a write")                             \
    X(STALE_ACK, "acknowledgement of entries replaced meanwhile")              \
    X(PARTIAL_ACK, "acknowledgement of a part of a write")                     \
    X(CHUNK_FAIL, "write of a snapshot chunk failed")                          \
    X(CHUNK_LOST, "snapshot chunk lost by the network")                        \
    X(CLOCK_JUMP, "clock jumped forwards")                                     \
    X(CLOCK_BACK, "clock jumped backwards")                                    \
    X(CLOCK_STALL, "clock stalled")                                            \
    X(CLOCK_DRIFT, "clock ran fast or slow")                                   \
    X(TIMER_LATE, "timer fired late")                                          \
    X(TIMER_EARLY, "timer fired early")                                        \
    X(NOMEM, "allocation failed in a step")                                    \
    X(NOMEM_INIT, "allocation failed in raft_init")                            \
    X(NOMEM_SETTER, "allocation failed in a setter")                           \
    X(SETTING, "setting changed on a running server")                          \
    X(NOSPACE, "submission refused for want of capacity")                      \
    X(OLD_MESSAGE, "message of an older version")                              \
    X(UPGRADE, "server upgraded")                                              \
    X(CHANGE_ADD, "server added or promoted")                                  \
    X(CHANGE_REMOVE, "server removed or demoted")                              \
    X(CHANGE_JOINT, "joint change begun")                                      \
    X(CHANGE_SUBMITTED, "change submitted as an entry")                        \
    X(CHANGE_ADDRESS, "address of a member changed")                           \
    X(MOVED, "server restarted at another address")                            \
    X(LOST_MAJORITY, "majority lost for good")                                 \
    X(BEREAVED, "leader lost for good while its snapshot was being installed") \
    X(TRANSFER, "leadership transfer begun")                                   \
    X(CATCH_UP, "catch-up begun")                                              \
    X(SNAPSHOT, "snapshot taken")                                              \
    X(BAD_REQUEST, "illegal request refused")

#define SIM_REACHED(X)                                                             \
    X(STEP, "steps")                                                               \
    X(SHORT_WAY, "steps that took the short way")                                  \
    X(SHORT_WAY_COMPARED, "of these, compared with the long way")                  \
    X(TWIN_STEP, "steps compared with those of a server that did not fail before") \
    X(MESSAGE, "messages delivered")                                               \
    X(ELECTION, "elections won")                                                   \
    X(CAMPAIGN, "campaigns begun")                                                 \
    X(STEP_DOWN, "leaders that stepped down")                                      \
    X(TRUNCATION, "truncations")                                                   \
    X(LOST_COMMITTED, "entries replaced on their leader but committed later")      \
    X(COMMIT, "entries committed")                                                 \
    X(INSTALL_CHUNK, "snapshot chunks received")                                   \
    X(INSTALL_RESUMED, "installations resumed in the middle")                      \
    X(INSTALL, "snapshots installed")                                              \
    X(INSTALL_WITHIN, "snapshots installed that end within a log of another term") \
    X(START_DISCARD, "restarts that discarded a log behind its snapshot")          \
    X(CHANGE_DONE, "configurations committed")                                     \
    X(HEIR, "only voters that restarted before anyone knew")                       \
    X(JOINT_LEFT, "joint configurations left")                                     \
    X(JOINT_INHERITED, "joint configurations inherited by a new leader")           \
    X(CONF_ROLLBACK, "configurations rolled back")                                 \
    X(TRANSFER_DONE, "transfers that succeeded")                                   \
    X(CATCH_UP_FINISHED, "catch-ups finished")                                     \
    X(CATCH_UP_ABORTED, "catch-ups aborted")                                       \
    X(WRITE_OK, "writes acknowledged")                                             \
    X(WRITE_UNKNOWN, "writes with unknown fate")                                   \
    X(READ_QUORUM, "quorum reads served")                                          \
    X(READ_LEASE, "lease reads served")                                            \
    X(READ_LEASE_AT_ONCE, "lease reads answered at once")                          \
    X(READ_LOST, "reads lost with their leader")                                   \
    X(BUSY, "submissions refused: too many uncommitted")                           \
    X(NOT_LEADER, "requests refused: not leader")                                  \
    X(CANT_CHANGE, "changes refused: not now")                                     \
    X(RECOVERED, "clusters recovered")                                             \
    X(RECOVERED_KEPT, "survivors that kept their log through a recovery")          \
    X(RECOVER_LOST, "committed entries lost with the majority")                    \
    X(REMOVED_LEADER, "leaders that removed themselves")                           \
    X(WORLD_SECONDS, "simulated seconds")

enum Stat : unsigned {
#define X(name, text) S_##name,
    SIM_FAULTS(X) S_FAULTS_END,
    S_REACHED_BEGIN = S_FAULTS_END - 1,
    SIM_REACHED(X) S_COUNT
#undef X
};

struct Stats {
    uint64_t n[S_COUNT] = {};
    uint64_t worlds[S_COUNT] = {}; /* in how many worlds it happened */
    uint64_t total_worlds = 0;

    void add(Stat s, uint64_t by = 1) { n[s] += by; }
    /* Count a finished world into this total. */
    void absorb(const Stats &world);
    /* Add another total. */
    void merge(const Stats &total);
    void print() const;
    /* How many kinds of fault occurred in fewer than so many percent of worlds, and of
     * what is reached in fewer than a fifth of that; names them. */
    unsigned rare(unsigned percent) const;
};

} // namespace sim
