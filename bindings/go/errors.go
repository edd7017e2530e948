// SPDX-License-Identifier: MIT

package raftcore

// #cgo pkg-config: raft-core
// #include "shim.h"
import "C"

import "fmt"

// Code is an error code of the library. It is an error itself, for errors.Is.
type Code int

// The codes that the library returns.
const (
	ErrNoMemory         Code = C.RAFT_NOMEM            // Out of memory: step the event again later.
	ErrBadID            Code = C.RAFT_BADID            // An ID is 0, unknown, or cannot be used here.
	ErrDuplicateID      Code = C.RAFT_DUPLICATEID      // Two servers have the same ID.
	ErrDuplicateAddress Code = C.RAFT_DUPLICATEADDRESS // Two servers have the same address.
	ErrBadRole          Code = C.RAFT_BADROLE          // A role is unknown or not allowed here.
	ErrMalformed        Code = C.RAFT_MALFORMED        // A message, entry or configuration is invalid.
	ErrNotLeader        Code = C.RAFT_NOTLEADER        // This server does not lead.
	ErrLeadershipLost   Code = C.RAFT_LEADERSHIPLOST   // Status of a read: ask the new leader.
	ErrCantBootstrap    Code = C.RAFT_CANTBOOTSTRAP    // This server is not pristine.
	ErrCantChange       Code = C.RAFT_CANTCHANGE       // The members cannot be changed now.
	ErrCorrupt          Code = C.RAFT_CORRUPT          // Stored data is inconsistent.
	ErrTooBig           Code = C.RAFT_TOOBIG           // A number or configuration is too large.
	ErrNoConnection     Code = C.RAFT_NOCONNECTION     // A server was not heard from lately.
	ErrBusy             Code = C.RAFT_BUSY             // In progress, or a limit is reached.
	ErrNotFound         Code = C.RAFT_NOTFOUND         // No other voter, or no configuration.
	ErrInvalid          Code = C.RAFT_INVALID          // An argument or event is invalid.
	ErrNoSpace          Code = C.RAFT_NOSPACE          // Too few voters report enough capacity.
)

var codeNames = map[Code]string{
	ErrNoMemory: "out of memory", ErrBadID: "bad server ID", ErrDuplicateID: "duplicate ID",
	ErrDuplicateAddress: "duplicate address", ErrBadRole: "bad role", ErrMalformed: "malformed",
	ErrNotLeader: "not leader", ErrLeadershipLost: "leadership lost",
	ErrCantBootstrap: "cannot bootstrap", ErrCantChange: "cannot change members",
	ErrCorrupt: "corrupt", ErrTooBig: "too big", ErrNoConnection: "no connection",
	ErrBusy: "busy", ErrNotFound: "not found", ErrInvalid: "invalid", ErrNoSpace: "no space",
}

// Error returns the name of the code in words.
func (c Code) Error() string {
	if name, ok := codeNames[c]; ok {
		return "raft: " + name
	}
	return fmt.Sprintf("raft: error %d", int(c))
}

// Error says why a call failed. The call changed nothing.
type Error struct {
	Code Code
	Text string // What exactly is wrong; may be empty.
}

// Error returns the text, or the name of the code if there is none.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code.Error()
	}
	return "raft: " + e.Text
}

// Is reports whether target is the code of this error, for errors.Is.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && code == e.Code
}
