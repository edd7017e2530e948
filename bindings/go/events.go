// SPDX-License-Identifier: MIT

package raftcore

// #include "shim.h"
import "C"

import (
	"math"
	"unsafe"
)

// Event is something that happened: one of the structs below. The fields are those of raft.h.
type Event interface {
	// Type returns the event's type in raft.h.
	Type() EventType
	// fill writes the union of the event; all memory that it points to is in the arena.
	fill(union unsafe.Pointer, a *arena) error
}

// Start loads what is on disk. It is the first event. On an empty disk, leave all fields 0.
type Start struct {
	Term, VotedFor uint64
	Snapshot       *Snapshot // nil: none
	StartIndex     uint64    // Index of the first of Entries.
	Entries        []Entry   // Of other types than Change, Payload is not read.
}

// Receive says that a message arrived. Its server is the sender.
type Receive struct{ Message *Message }

// PersistedEntries says that all entries up to Index are durable. Prefer Stored.
type PersistedEntries struct{ Index uint64 }

// PersistedSnapshot says that a chunk of a snapshot is durable. Index 0: it could not be written.
type PersistedSnapshot struct {
	Index, Term, Offset uint64
	Last                bool
}

// ConfigurationApplied is RAFT_CONFIGURATION, which has no effect.
type ConfigurationApplied struct{ Index uint64 }

// SnapshotTaken is RAFT_SNAPSHOT: a snapshot of the state machine at Index is durable. At least the
// last Trailing entries are kept.
type SnapshotTaken struct {
	Index    uint64
	Trailing uint32
}

// Timeout says that Raft.Timeout has passed.
type Timeout struct{}

// Submit replicates entries. Only a leader accepts it: a follower returns ErrNotLeader and forwards
// nothing.
type Submit struct{ Entries []Entry }

// CatchUp brings a standby or spare up to date. 0: cancel.
type CatchUp struct{ ServerID uint64 }

// Transfer transfers leadership. 0: to the most up-to-date voter.
type Transfer struct{ ServerID uint64 }

// Bootstrap creates a cluster.
type Bootstrap struct{ Configuration []Server }

// Reconfigure changes the members. Configuration has all of them, not only those that change.
type Reconfigure struct {
	Configuration []Server
	Force         bool
}

// Read requests a linearizable read. The answer is a ReadResult with the same ID.
type Read struct {
	ID    uint64
	Lease bool
}

// Unreachable says that a message to this server could not be delivered.
type Unreachable struct{ ServerID uint64 }

// Stored says that all entries up to Index are durable. Write is the ticket of the update.
type Stored struct{ Index, Write uint64 }

// Recover continues after a majority was lost. It is unsafe: see raft.h.
type Recover struct{ Configuration []Server }

// Sent says that only the entries up to Index were sent to this server.
type Sent struct{ ServerID, Index uint64 }

// Campaign starts an election now.
type Campaign struct{}

// Wake says that the leader may be gone.
type Wake struct{}

// Type returns RAFT_START.
func (Start) Type() EventType { return C.RAFT_START }

// Type returns RAFT_RECEIVE.
func (Receive) Type() EventType { return C.RAFT_RECEIVE }

// Type returns RAFT_PERSISTED_ENTRIES.
func (PersistedEntries) Type() EventType { return C.RAFT_PERSISTED_ENTRIES }

// Type returns RAFT_PERSISTED_SNAPSHOT.
func (PersistedSnapshot) Type() EventType { return C.RAFT_PERSISTED_SNAPSHOT }

// Type returns RAFT_CONFIGURATION.
func (ConfigurationApplied) Type() EventType { return C.RAFT_CONFIGURATION }

// Type returns RAFT_SNAPSHOT.
func (SnapshotTaken) Type() EventType { return C.RAFT_SNAPSHOT }

// Type returns RAFT_TIMEOUT.
func (Timeout) Type() EventType { return C.RAFT_TIMEOUT }

// Type returns RAFT_SUBMIT.
func (Submit) Type() EventType { return C.RAFT_SUBMIT }

// Type returns RAFT_CATCH_UP.
func (CatchUp) Type() EventType { return C.RAFT_CATCH_UP }

// Type returns RAFT_TRANSFER.
func (Transfer) Type() EventType { return C.RAFT_TRANSFER }

// Type returns RAFT_BOOTSTRAP.
func (Bootstrap) Type() EventType { return C.RAFT_BOOTSTRAP }

// Type returns RAFT_RECONFIGURE.
func (Reconfigure) Type() EventType { return C.RAFT_RECONFIGURE }

// Type returns RAFT_READ.
func (Read) Type() EventType { return C.RAFT_READ }

// Type returns RAFT_UNREACHABLE.
func (Unreachable) Type() EventType { return C.RAFT_UNREACHABLE }

// Type returns RAFT_STORED.
func (Stored) Type() EventType { return C.RAFT_STORED }

// Type returns RAFT_RECOVER.
func (Recover) Type() EventType { return C.RAFT_RECOVER }

// Type returns RAFT_SENT.
func (Sent) Type() EventType { return C.RAFT_SENT }

// Type returns RAFT_CAMPAIGN.
func (Campaign) Type() EventType { return C.RAFT_CAMPAIGN }

// Type returns RAFT_WAKE.
func (Wake) Type() EventType { return C.RAFT_WAKE }

func (e Start) fill(union unsafe.Pointer, a *arena) (err error) {
	to := (*C.struct_raft_event_start)(union)
	to.term, to.voted_for = C.raft_term(e.Term), C.raft_id(e.VotedFor)
	to.start_index = C.raft_index(e.StartIndex)
	if s := e.Snapshot; s != nil {
		m := (*C.struct_raft_snapshot_metadata)(a.alloc(C.sizeof_struct_raft_snapshot_metadata))
		m.index, m.term = C.raft_index(s.Index), C.raft_term(s.Term)
		m.configuration_index = C.raft_index(s.ConfigurationIndex)
		if err = a.configuration(&m.configuration, s.Configuration); err != nil {
			return err
		}
		to.metadata = m
	}
	to.entries, to.n_entries, err = a.entries(e.Entries)
	return err
}

func (e Receive) fill(union unsafe.Pointer, a *arena) error {
	m := e.Message
	if m == nil || m.Body == nil {
		return &Error{ErrInvalid, "a message is nil"}
	}
	address, err := a.text(m.ServerAddress)
	if err != nil {
		return err
	}
	to := (*C.struct_raft_message)(a.alloc(C.sizeof_struct_raft_message))
	to._type, to.server_id, to.server_address = uint32(m.Body.Type()), C.raft_id(m.ServerID), address
	(*C.struct_raft_event_receive)(union).message = to
	return fillBody(unsafe.Pointer(&to.anon0), m.Body, a)
}

func (e PersistedEntries) fill(union unsafe.Pointer, _ *arena) error {
	(*C.struct_raft_event_persisted_entries)(union).index = C.raft_index(e.Index)
	return nil
}

func (e PersistedSnapshot) fill(union unsafe.Pointer, _ *arena) error {
	to := (*C.struct_raft_event_persisted_snapshot)(union)
	to.metadata.index, to.metadata.term = C.raft_index(e.Index), C.raft_term(e.Term)
	to.offset, to.last = C.ulonglong(e.Offset), C.bool(e.Last)
	return nil
}

func (e ConfigurationApplied) fill(union unsafe.Pointer, _ *arena) error {
	(*C.struct_raft_event_configuration)(union).index = C.raft_index(e.Index)
	return nil
}

func (e SnapshotTaken) fill(union unsafe.Pointer, _ *arena) error {
	to := (*C.struct_raft_event_snapshot)(union)
	to.metadata.index, to.trailing = C.raft_index(e.Index), C.uint(e.Trailing)
	return nil
}

func (Timeout) fill(unsafe.Pointer, *arena) error { return nil }

func (e Submit) fill(union unsafe.Pointer, a *arena) (err error) {
	to := (*C.struct_raft_event_submit)(union)
	to.entries, to.n, err = a.entries(e.Entries)
	return err
}

func (e CatchUp) fill(union unsafe.Pointer, _ *arena) error {
	(*C.struct_raft_event_catch_up)(union).server_id = C.raft_id(e.ServerID)
	return nil
}

func (e Transfer) fill(union unsafe.Pointer, _ *arena) error {
	(*C.struct_raft_event_transfer)(union).server_id = C.raft_id(e.ServerID)
	return nil
}

func (e Bootstrap) fill(union unsafe.Pointer, a *arena) error {
	return a.configuration(&(*C.struct_raft_event_bootstrap)(union).conf, e.Configuration)
}

func (e Reconfigure) fill(union unsafe.Pointer, a *arena) error {
	to := (*C.struct_raft_event_reconfigure)(union)
	to.force = C.bool(e.Force)
	return a.configuration(&to.conf, e.Configuration)
}

func (e Read) fill(union unsafe.Pointer, _ *arena) error {
	to := (*C.struct_raft_event_read)(union)
	to.id, to.lease = C.ulonglong(e.ID), C.bool(e.Lease)
	return nil
}

func (e Unreachable) fill(union unsafe.Pointer, _ *arena) error {
	(*C.struct_raft_event_unreachable)(union).server_id = C.raft_id(e.ServerID)
	return nil
}

func (e Stored) fill(union unsafe.Pointer, _ *arena) error {
	to := (*C.struct_raft_event_stored)(union)
	to.index, to.write = C.raft_index(e.Index), C.ulonglong(e.Write)
	return nil
}

func (e Recover) fill(union unsafe.Pointer, a *arena) error {
	return a.configuration(&(*C.struct_raft_event_recover)(union).conf, e.Configuration)
}

func (e Sent) fill(union unsafe.Pointer, _ *arena) error {
	to := (*C.struct_raft_event_sent)(union)
	to.server_id, to.index = C.raft_id(e.ServerID), C.raft_index(e.Index)
	return nil
}

func (Campaign) fill(unsafe.Pointer, *arena) error { return nil }

func (Wake) fill(unsafe.Pointer, *arena) error { return nil }

// fillBody writes the union of a message.
func fillBody(union unsafe.Pointer, body Body, a *arena) (err error) {
	switch m := body.(type) {
	case *AppendEntries:
		to := (*C.struct_raft_append_entries)(union)
		to.version, to.term = C.uchar(m.Version), C.raft_term(m.Term)
		to.prev_log_index = C.raft_index(m.PrevLogIndex)
		to.prev_log_term = C.raft_term(m.PrevLogTerm)
		to.leader_commit = C.raft_index(m.LeaderCommit)
		to.round, to.sleep = C.ulonglong(m.Round), C.bool(m.Sleep)
		to.entries, to.n_entries, err = a.entries(m.Entries)
	case *AppendEntriesResult:
		to := (*C.struct_raft_append_entries_result)(union)
		to.version, to.term = C.uchar(m.Version), C.raft_term(m.Term)
		to.rejected = C.raft_index(m.Rejected)
		to.last_log_index = C.raft_index(m.LastLogIndex)
		to.features, to.capacity = C.ushort(m.Features), C.ushort(m.Capacity)
		to.round, to.snapshot_index = C.ulonglong(m.Round), C.raft_index(m.SnapshotIndex)
		to.snapshot_offset = C.ulonglong(m.SnapshotOffset)
	case *RequestVote:
		to := (*C.struct_raft_request_vote)(union)
		to.version, to.term = C.uchar(m.Version), C.raft_term(m.Term)
		to.candidate_id = C.raft_id(m.CandidateID)
		to.last_log_index, to.last_log_term = C.raft_index(m.LastLogIndex), C.raft_index(m.LastLogTerm)
		to.disrupt_leader, to.pre_vote = C.bool(m.DisruptLeader), C.bool(m.PreVote)
	case *RequestVoteResult:
		to := (*C.struct_raft_request_vote_result)(union)
		to.version, to.term = C.uchar(m.Version), C.raft_term(m.Term)
		to.vote_granted, to.pre_vote = C.bool(m.VoteGranted), C.bool(m.PreVote)
		to.features, to.capacity = C.ushort(m.Features), C.ushort(m.Capacity)
	case *InstallSnapshot:
		to := (*C.struct_raft_install_snapshot)(union)
		to.version, to.term = C.uchar(m.Version), C.raft_term(m.Term)
		to.last_index, to.last_term = C.raft_index(m.LastIndex), C.raft_term(m.LastTerm)
		to.conf_index, to.offset = C.raft_index(m.ConfigurationIndex), C.ulonglong(m.Offset)
		to.last, a.data = C.bool(m.Last), m.Data
		to.data.base, to.data.len = a.bytes(m.Data), C.size_t(len(m.Data))
		err = a.configuration(&to.conf, m.Configuration)
	case *TimeoutNow:
		to := (*C.struct_raft_timeout_now)(union)
		to.version, to.term = C.uchar(m.Version), C.raft_term(m.Term)
		to.last_log_index, to.last_log_term = C.raft_index(m.LastLogIndex), C.raft_term(m.LastLogTerm)
	case *UnknownMessage:
		if m.Kind >= TypeAppendEntries && m.Kind <= TypeTimeoutNow || m.Kind > math.MaxInt32 {
			return &Error{ErrInvalid, "an UnknownMessage of a known type"}
		}
	default:
		return &Error{ErrInvalid, "a message of an unknown Go type"}
	}
	return err
}
