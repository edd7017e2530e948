// SPDX-License-Identifier: MIT

// Package raftcore is the Raft consensus algorithm as a state machine that performs no I/O: the
// binding of libraft-core for Go.
//
// A program passes each thing that happens to [Raft.Step] as an [Event], and carries out the
// [Update] that it returns: it saves the term and the vote, writes entries, sends messages, applies
// what is committed and sets a timer. The comments of raft.h are the reference. The names are the
// same: the event RAFT_STORED is the struct [Stored], raft_commit_index is [Raft.CommitIndex], and
// RAFT_NOTLEADER is [ErrNotLeader].
//
// # Memory
//
// Updates are Go values and stay valid. Nothing in them points to memory of C. The entries that
// come back in the update of a [Submit] or [Receive] have the payload slices and the Context of
// those in the event; payloads are not copied, so do not change them.
//
// # Goroutines
//
// Different rafts may be used by different goroutines. Calls on one raft must not overlap, except
// that several goroutines may call getters at once.
//
// # Errors
//
// A call that fails returns an [*Error] and changes nothing. Compare with [errors.Is]:
//
//	if errors.Is(err, raftcore.ErrNotLeader) { ... }
package raftcore
