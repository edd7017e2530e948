// SPDX-License-Identifier: MIT

package raftcore

import "fmt"

// name returns the name of a value, or its number if it has none.
func name[T ~int | ~uint32](names map[T]string, value T) string {
	if text, ok := names[value]; ok {
		return text
	}
	return fmt.Sprintf("%d", value)
}

var roleNames = map[Role]string{Standby: "standby", Voter: "voter", Spare: "spare",
	VoterOutgoing: "outgoing voter", VoterIncoming: "incoming voter",
	VoterToStandby: "voter to standby", VoterToSpare: "voter to spare"}

// String returns the name of the role.
func (r Role) String() string { return name(roleNames, r) }

var stateNames = map[State]string{Unavailable: "unavailable", Follower: "follower",
	Candidate: "candidate", Leader: "leader"}

// String returns the name of the state.
func (s State) String() string { return name(stateNames, s) }

var modeNames = map[ProgressMode]string{ProgressNone: "none", ProgressProbe: "probe",
	ProgressPipeline: "pipeline", ProgressSnapshot: "snapshot"}

// String returns the name of the mode.
func (m ProgressMode) String() string { return name(modeNames, m) }

var entryNames = map[EntryType]string{Command: "command", Barrier: "barrier", Change: "change"}

// String returns the name of the type.
func (t EntryType) String() string { return name(entryNames, t) }

var messageNames = map[MessageType]string{TypeAppendEntries: "AppendEntries",
	TypeAppendEntriesResult: "AppendEntriesResult", TypeRequestVote: "RequestVote",
	TypeRequestVoteResult: "RequestVoteResult", TypeInstallSnapshot: "InstallSnapshot",
	TypeTimeoutNow: "TimeoutNow"}

// String returns the name of the type.
func (t MessageType) String() string { return name(messageNames, t) }

var catchUpNames = map[CatchUpStatus]string{CatchUpNone: "none", CatchUpRunning: "running",
	CatchUpAborted: "aborted", CatchUpFinished: "finished"}

// String returns the name of the status.
func (s CatchUpStatus) String() string { return name(catchUpNames, s) }
