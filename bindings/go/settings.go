// SPDX-License-Identifier: MIT

package raftcore

// #include "shim.h"
import "C"

// The settings: the comments of the functions raft_set_* in raft.h say more. Read Timeout after a
// change while the server runs.

// set calls a setter.
func (r *Raft) set(setter func(*C.struct_raft) C.int) error {
	if r.stepping {
		return &Error{ErrBusy, "a setter in the tracer"}
	}
	return r.check(setter(r.raft()))
}

func flag(enabled bool) C.uint {
	if enabled {
		return 1
	}
	return 0
}

// SetSeed seeds the generator of election timeouts.
func (r *Raft) SetSeed(seed uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_seed(c, C.uint(seed))
	})
}

// SetElectionTimeout sets the minimum election timeout; default 1000.
func (r *Raft) SetElectionTimeout(msecs uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_election_timeout(c, C.uint(msecs))
	})
}

// SetHeartbeatTimeout sets the interval of heartbeats; default 100.
func (r *Raft) SetHeartbeatTimeout(msecs uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_heartbeat_timeout(c, C.uint(msecs))
	})
}

// SetInstallSnapshotTimeout sets when a chunk is sent again; default 30000.
func (r *Raft) SetInstallSnapshotTimeout(msecs uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_install_snapshot_timeout(c, C.uint(msecs))
	})
}

// SetPreVote enables pre-votes; default true.
func (r *Raft) SetPreVote(enabled bool) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_pre_vote(c, flag(enabled))
	})
}

// SetMaxCatchUpRounds limits the rounds of a catch-up; default 10.
func (r *Raft) SetMaxCatchUpRounds(rounds uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_max_catch_up_rounds(c, C.uint(rounds))
	})
}

// SetMaxCatchUpRoundDuration limits one round of a catch-up; default 5000.
func (r *Raft) SetMaxCatchUpRoundDuration(msecs uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_max_catch_up_round_duration(c, C.uint(msecs))
	})
}

// SetMaxInflightEntries limits the unacknowledged entries of a member; default 1024.
func (r *Raft) SetMaxInflightEntries(n uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_max_inflight_entries(c, C.uint(n))
	})
}

// SetMaxMessageEntries limits the entries of a message; 0, the default: no limit.
func (r *Raft) SetMaxMessageEntries(n uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_max_message_entries(c, C.uint(n))
	})
}

// SetMaxUncommittedEntries limits a leader's uncommitted entries; 0, the default: no limit.
func (r *Raft) SetMaxUncommittedEntries(n uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_max_uncommitted_entries(c, C.uint(n))
	})
}

// SetElectionDelay sets a time to wait before a campaign; math.MaxUint32: never lead.
func (r *Raft) SetElectionDelay(msecs uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_election_delay(c, C.uint(msecs))
	})
}

// SetEagerCommit lets a leader announce commits at once; default false.
func (r *Raft) SetEagerCommit(enabled bool) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_eager_commit(c, flag(enabled))
	})
}

// SetIdleTimeout lets the group sleep when it rests for so long; 0, the default: never.
func (r *Raft) SetIdleTimeout(msecs uint32) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_idle_timeout(c, C.uint(msecs))
	})
}

// SetCapacityThreshold sets the capacity that a majority must report; default 0.
func (r *Raft) SetCapacityThreshold(min uint16) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_capacity_threshold(c, C.ushort(min))
	})
}

// SetFeatures declares which message fields the codec carries; for Encode, AllFeatures.
func (r *Raft) SetFeatures(mask Feature) error {
	return r.set(func(c *C.struct_raft) C.int {
		return C.raft_set_features(c, C.uint(mask))
	})
}
