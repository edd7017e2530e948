// SPDX-License-Identifier: MIT

package raftcore

// #include "shim.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"unsafe"
)

// Raft is one server of a cluster. Close it after use. The memory of one that is collected is also
// freed.
type Raft struct {
	c        *C.struct_shim_handle // nil: closed
	arena    arena
	capacity uint16
	stepping bool
	tracer   func(TraceRecord)
	panicked any
}

// Version returns the version of the library: 10000 * major + 100 * minor + patch.
func Version() int { return int(C.raft_version(nil)) }

// New makes a server. Set what is to be set, and step Start.
func New(id uint64, address string) (*Raft, error) {
	if strings.IndexByte(address, 0) >= 0 {
		return nil, &Error{ErrInvalid, "a zero byte in an address"}
	}
	if have, want := Version(), C.RAFT_VERSION; have < want || have/10000 != want/10000 {
		return nil, &Error{ErrInvalid, fmt.Sprintf("version %d of libraft-core is loaded, %d is needed",
			have, want)}
	}
	r := &Raft{c: (*C.struct_shim_handle)(C.calloc(1, C.sizeof_struct_shim_handle))}
	name := C.CString(address)
	defer C.free(unsafe.Pointer(name))
	if code := C.raft_init(&r.c.raft, C.raft_id(id), name); code != 0 {
		C.shim_free(r.c)
		return nil, &Error{Code: Code(code)}
	}
	runtime.SetFinalizer(r, (*Raft).release)
	return r, nil
}

func (r *Raft) release() {
	if r.c != nil {
		C.shim_free(r.c)
		r.c = nil
		r.arena.free()
	}
}

// Close releases what the raft holds. Afterwards, steps fail with ErrInvalid, and getters return 0.
// Closing twice is harmless. In the raft's own tracer it fails with ErrBusy.
func (r *Raft) Close() error {
	if r.stepping {
		return &Error{ErrBusy, "Close in the tracer"}
	}
	r.release()
	runtime.SetFinalizer(r, nil)
	return nil
}

// raft is NULL after Close, which every function of the library allows.
func (r *Raft) raft() *C.struct_raft {
	if r.c == nil {
		return nil
	}
	return &r.c.raft
}

// check makes an error of a code.
func (r *Raft) check(code C.int) error {
	if code == 0 {
		return nil
	}
	text := ""
	if r.c != nil {
		text = C.GoString(C.raft_errmsg(&r.c.raft))
	}
	return &Error{Code(code), text}
}

// SetCapacity sets the disk capacity that is free for log entries, in a unit of the caller's
// choice. It goes into all events from now on: see SetCapacityThreshold.
func (r *Raft) SetCapacity(capacity uint16) { r.capacity = capacity }

// Step processes an event. now is the time in milliseconds, read for this event from a clock that
// also counts the time during which the machine is suspended. If it returns an error, the step had
// no effect.
func (r *Raft) Step(event Event, now uint64) (*Update, error) {
	if r.c == nil {
		return nil, &Error{ErrInvalid, "the raft is closed"}
	}
	if event == nil {
		return nil, &Error{ErrInvalid, "the event is nil"}
	}
	if r.stepping {
		return nil, &Error{ErrBusy, "Step in the tracer"}
	}
	r.stepping = true
	defer r.stepped()
	e := &r.c.event
	*e = C.struct_raft_event{}
	e.time, e._type, e.capacity = C.raft_time(now), uint32(event.Type()), C.ushort(r.capacity)
	if err := event.fill(unsafe.Pointer(&e.anon0), &r.arena); err != nil {
		return nil, err
	}
	if code := C.shim_step(r.c); code != 0 {
		return nil, r.check(code)
	}
	update := decode(&r.c.update, &r.arena)
	if r.c.n_records > 0 {
		r.trace()
	}
	return update, nil
}

// stepped ends a step; its update has been copied.
func (r *Raft) stepped() {
	r.stepping = false
	r.arena.reset()
}

// SetTracer sets a function that gets the trace records of each step just before Step returns; nil:
// no more. It may use getters of the raft; Step, Close and setters fail with ErrBusy there. A panic
// in it does not stop the step, whose update must be carried out: see TracerPanic.
//
// A raft whose tracer refers to it is not collected unless the program refers to neither.
func (r *Raft) SetTracer(tracer func(TraceRecord)) error {
	if r.stepping {
		return &Error{ErrBusy, "SetTracer in the tracer"}
	}
	if r.c == nil {
		return &Error{ErrInvalid, "the raft is closed"}
	}
	enabled := C.int(0)
	if tracer != nil {
		enabled = 1
	}
	err := r.check(C.shim_trace(r.c, enabled))
	if err == nil {
		r.tracer = tracer
	}
	return err
}

// TracerPanic returns the value of the last panic in the tracer; nil: there was none.
func (r *Raft) TracerPanic() any { return r.panicked }

// trace hands the records of a step to the tracer.
func (r *Raft) trace() {
	records := make([]TraceRecord, r.c.n_records)
	for i := range records {
		c := &unsafe.Slice(r.c.records, len(records))[i]
		records[i] = TraceRecord{TraceType(c._type), int(c.info.code), uint64(c.info.time),
			uint64(c.info.server), uint64(c.info.peer), uint64(c.info.term), uint64(c.info.index),
			C.GoString(c.info.text)}
	}
	for _, record := range records {
		r.traceOne(record)
	}
}

func (r *Raft) traceOne(record TraceRecord) {
	defer func() {
		if value := recover(); value != nil {
			r.panicked = value
		}
	}()
	r.tracer(record)
}

// ID returns this server's ID; 0 after Close.
func (r *Raft) ID() uint64 {
	if r.c == nil {
		return 0
	}
	return uint64(r.c.raft.id)
}

// State returns the state; Unavailable after Close.
func (r *Raft) State() State {
	defer runtime.KeepAlive(r)
	return State(C.raft_state(r.raft()))
}

// CurrentTerm returns the current term.
func (r *Raft) CurrentTerm() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_current_term(r.raft()))
}

// VotedFor returns the server that got this server's vote in the current term; 0: none.
func (r *Raft) VotedFor() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_voted_for(r.raft()))
}

// Leader returns the leader of the current term; 0 and "": this server does not know it.
func (r *Raft) Leader() (id uint64, address string) {
	defer runtime.KeepAlive(r)
	var leader C.raft_id
	var text *C.char
	C.raft_leader(r.raft(), &leader, &text)
	return uint64(leader), C.GoString(text)
}

// Timeout returns when to step Timeout, which may lie in the past. ok is false if there is no
// deadline.
func (r *Raft) Timeout() (deadline uint64, ok bool) {
	defer runtime.KeepAlive(r)
	deadline = uint64(C.raft_timeout(r.raft()))
	return deadline, deadline != math.MaxInt64
}

// CommitIndex returns the index up to which entries are committed.
func (r *Raft) CommitIndex() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_commit_index(r.raft()))
}

// LastIndex returns the index of the last entry in the log, durable or not.
func (r *Raft) LastIndex() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_last_index(r.raft()))
}

// FirstIndex returns the index of the oldest entry that a message can ask for.
func (r *Raft) FirstIndex() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_first_index(r.raft()))
}

// LastStored returns the highest index that is known to be durable here.
func (r *Raft) LastStored() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_last_stored(r.raft()))
}

// SnapshotIndex returns the last entry that the latest snapshot covers; 0: no snapshot.
func (r *Raft) SnapshotIndex() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_snapshot_index(r.raft()))
}

// OldestSnapshotIndex returns the same of the oldest snapshot that a message can ask for.
func (r *Raft) OldestSnapshotIndex() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_oldest_snapshot_index(r.raft()))
}

// TermOf returns the term of an entry; 0: not known.
func (r *Raft) TermOf(index uint64) uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_term_of(r.raft(), C.raft_index(index)))
}

// Transferee returns the server to which leadership is being transferred; 0: none.
func (r *Raft) Transferee() uint64 {
	defer runtime.KeepAlive(r)
	return uint64(C.raft_transferee(r.raft()))
}

// Role returns this server's role in the latest configuration. ok is false if it is not a member.
func (r *Raft) Role() (role Role, ok bool) {
	defer runtime.KeepAlive(r)
	c := C.raft_role(r.raft())
	if c < 0 {
		return 0, false
	}
	return Role(c), true
}

// ConfigurationAt returns the configuration in force at an index, and the index of the entry that
// set it, or ErrNotFound.
func (r *Raft) ConfigurationAt(index uint64) ([]Server, uint64, error) {
	defer runtime.KeepAlive(r)
	// In memory of C: the library stores pointers to C there.
	var a arena
	defer a.free()
	conf := (*C.struct_raft_configuration)(a.alloc(C.sizeof_struct_raft_configuration))
	var at C.raft_index
	code := C.raft_configuration_at(r.raft(), C.raft_index(index), conf, &at)
	if code != 0 {
		return nil, 0, &Error{Code: Code(code)}
	}
	return servers(conf), uint64(at), nil
}

// MatchIndex returns the index up to which a member's log is known to match.
func (r *Raft) MatchIndex(id uint64) (uint64, error) {
	defer runtime.KeepAlive(r)
	var index C.raft_index
	if code := C.raft_match_index(r.raft(), C.raft_id(id), &index); code != 0 {
		return 0, &Error{Code: Code(code)}
	}
	return uint64(index), nil
}

// Progress returns what this leader knows of a member.
func (r *Raft) Progress(id uint64) (Peer, error) {
	defer runtime.KeepAlive(r)
	var p C.struct_raft_peer
	if code := C.raft_progress(r.raft(), C.raft_id(id), &p); code != 0 {
		return Peer{}, &Error{Code: Code(code)}
	}
	return Peer{ProgressMode(p.mode), uint16(p.features), uint16(p.capacity), uint64(p.match),
		uint64(p.next), uint64(p.last_contact), uint64(p.snapshot_index), uint64(p.snapshot_offset),
		uint64(p.data_losses)}, nil
}

// CatchUp returns the status of a member's catch-up.
func (r *Raft) CatchUp(id uint64) (CatchUpStatus, error) {
	defer runtime.KeepAlive(r)
	var status C.int
	if code := C.raft_catch_up(r.raft(), C.raft_id(id), &status); code != 0 {
		return 0, &Error{Code: Code(code)}
	}
	return CatchUpStatus(status), nil
}
