// SPDX-License-Identifier: MIT

package raftcore

// #include "shim.h"
import "C"

// Role is the role of a server in a configuration.
type Role int

// Roles. The last four exist only during a change by joint consensus.
const (
	Standby        Role = C.RAFT_STANDBY
	Voter          Role = C.RAFT_VOTER
	Spare          Role = C.RAFT_SPARE
	VoterOutgoing  Role = C.RAFT_VOTER_OUTGOING
	VoterIncoming  Role = C.RAFT_VOTER_INCOMING
	VoterToStandby Role = C.RAFT_VOTER_TO_STANDBY
	VoterToSpare   Role = C.RAFT_VOTER_TO_SPARE
)

// EntryType is the type of a log entry.
type EntryType uint32

// Types of entries.
const (
	Command EntryType = C.RAFT_COMMAND // A command for the state machine.
	Barrier EntryType = C.RAFT_BARRIER // No operation.
	Change  EntryType = C.RAFT_CHANGE  // A configuration: see DecodeConfiguration.
)

// UpdateFlag is a bit of Update.Flags: what a step changed.
type UpdateFlag uint32

// Bits of Update.Flags.
const (
	UpdateCurrentTerm   UpdateFlag = C.RAFT_UPDATE_CURRENT_TERM
	UpdateVotedFor      UpdateFlag = C.RAFT_UPDATE_VOTED_FOR
	UpdateEntries       UpdateFlag = C.RAFT_UPDATE_ENTRIES
	UpdateSnapshot      UpdateFlag = C.RAFT_UPDATE_SNAPSHOT
	UpdateMessages      UpdateFlag = C.RAFT_UPDATE_MESSAGES
	UpdateState         UpdateFlag = C.RAFT_UPDATE_STATE
	UpdateCommitIndex   UpdateFlag = C.RAFT_UPDATE_COMMIT_INDEX
	UpdateTimeout       UpdateFlag = C.RAFT_UPDATE_TIMEOUT
	UpdateConfiguration UpdateFlag = C.RAFT_UPDATE_CONFIGURATION
	UpdateReads         UpdateFlag = C.RAFT_UPDATE_READS
	UpdateLeader        UpdateFlag = C.RAFT_UPDATE_LEADER
	UpdateCatchUp       UpdateFlag = C.RAFT_UPDATE_CATCH_UP
	UpdateTransfer      UpdateFlag = C.RAFT_UPDATE_TRANSFER
)

// EventType is the type of an event.
type EventType uint32

// MessageType is the type of a message.
type MessageType uint32

// Types of messages.
const (
	TypeAppendEntries       MessageType = C.RAFT_APPEND_ENTRIES
	TypeAppendEntriesResult MessageType = C.RAFT_APPEND_ENTRIES_RESULT
	TypeRequestVote         MessageType = C.RAFT_REQUEST_VOTE
	TypeRequestVoteResult   MessageType = C.RAFT_REQUEST_VOTE_RESULT
	TypeInstallSnapshot     MessageType = C.RAFT_INSTALL_SNAPSHOT
	TypeTimeoutNow          MessageType = C.RAFT_TIMEOUT_NOW
)

// Feature is a feature that a server announces in its answers.
type Feature uint32

// Features, and AllFeatures: those for which Encode carries the fields.
const (
	FeatureCapacity   Feature = C.RAFT_FEATURE_CAPACITY
	FeatureRounds     Feature = C.RAFT_FEATURE_ROUNDS
	FeatureChunks     Feature = C.RAFT_FEATURE_CHUNKS
	FeatureJoint      Feature = C.RAFT_FEATURE_JOINT
	FeatureSleep      Feature = C.RAFT_FEATURE_SLEEP
	FeatureNeverLeads Feature = C.RAFT_FEATURE_NEVER_LEADS
	AllFeatures       Feature = FeatureRounds | FeatureChunks | FeatureJoint | FeatureSleep
)

// State is the state of a server.
type State int

// States. A closed raft is Unavailable.
const (
	Unavailable State = C.RAFT_UNAVAILABLE
	Follower    State = C.RAFT_FOLLOWER
	Candidate   State = C.RAFT_CANDIDATE
	Leader      State = C.RAFT_LEADER
)

// ProgressMode says how a leader replicates to a member.
type ProgressMode int

// Modes of replication.
const (
	ProgressNone     ProgressMode = C.RAFT_PROGRESS_NONE
	ProgressProbe    ProgressMode = C.RAFT_PROGRESS_PROBE
	ProgressPipeline ProgressMode = C.RAFT_PROGRESS_PIPELINE
	ProgressSnapshot ProgressMode = C.RAFT_PROGRESS_SNAPSHOT
)

// CatchUpStatus is the status of a catch-up.
type CatchUpStatus int

// Status of a catch-up.
const (
	CatchUpNone     CatchUpStatus = C.RAFT_CATCH_UP_NONE
	CatchUpRunning  CatchUpStatus = C.RAFT_CATCH_UP_RUNNING
	CatchUpAborted  CatchUpStatus = C.RAFT_CATCH_UP_ABORTED
	CatchUpFinished CatchUpStatus = C.RAFT_CATCH_UP_FINISHED
)

// TraceType is the type of a trace record.
type TraceType int

// Types of trace records.
const (
	TraceEvent         TraceType = C.RAFT_TRACE_EVENT
	TraceReceived      TraceType = C.RAFT_TRACE_RECEIVED
	TraceSent          TraceType = C.RAFT_TRACE_SENT
	TraceTerm          TraceType = C.RAFT_TRACE_TERM
	TraceVote          TraceType = C.RAFT_TRACE_VOTE
	TraceState         TraceType = C.RAFT_TRACE_STATE
	TraceLeader        TraceType = C.RAFT_TRACE_LEADER
	TraceEntries       TraceType = C.RAFT_TRACE_ENTRIES
	TraceSnapshot      TraceType = C.RAFT_TRACE_SNAPSHOT
	TraceCommit        TraceType = C.RAFT_TRACE_COMMIT
	TraceConfiguration TraceType = C.RAFT_TRACE_CONFIGURATION
	TraceRead          TraceType = C.RAFT_TRACE_READ
	TraceCatchUp       TraceType = C.RAFT_TRACE_CATCH_UP
	TraceTransfer      TraceType = C.RAFT_TRACE_TRANSFER
	TraceDataLoss      TraceType = C.RAFT_TRACE_DATA_LOSS
	TraceAsleep        TraceType = C.RAFT_TRACE_ASLEEP
	TraceAwake         TraceType = C.RAFT_TRACE_AWAKE
)
