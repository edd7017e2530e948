// SPDX-License-Identifier: MIT

package raftcore_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	raft "libraft.example/raftcore"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func step(t testing.TB, r *raft.Raft, event raft.Event, now uint64) *raft.Update {
	t.Helper()
	u, err := r.Step(event, now)
	must(t, err)
	return u
}

// newLeader returns a server that is the only voter and leads.
func newLeader(t testing.TB) *raft.Raft {
	t.Helper()
	r, err := raft.New(1, "one")
	must(t, err)
	step(t, r, raft.Start{}, 0)
	one := []raft.Server{{ID: 1, Address: "one", Role: raft.Voter}}
	step(t, r, raft.Bootstrap{Configuration: one}, 0)
	for r.State() != raft.Leader || r.CommitIndex() != r.LastIndex() {
		if r.LastStored() != r.LastIndex() {
			step(t, r, raft.PersistedEntries{Index: r.LastIndex()}, 0)
		} else {
			deadline, _ := r.Timeout()
			step(t, r, raft.Timeout{}, deadline)
		}
	}
	return r
}

func wants(t *testing.T, err error, code raft.Code) {
	t.Helper()
	var e *raft.Error
	if !errors.Is(err, code) || !errors.As(err, &e) || e.Code != code {
		t.Errorf("%v instead of %v", err, code)
	}
}

func TestErrors(t *testing.T) {
	_, err := raft.New(0, "one")
	wants(t, err, raft.ErrBadID)
	_, err = raft.New(1, "a\x00b")
	wants(t, err, raft.ErrInvalid)
	r, err := raft.New(1, "one")
	must(t, err)
	_, err = r.Step(raft.Timeout{}, 0)
	wants(t, err, raft.ErrInvalid)
	if errors.Is(err, raft.ErrBusy) || err.Error() == "raft: invalid" {
		t.Errorf("no text, or another code: %v", err)
	}
	step(t, r, raft.Start{}, 0)
	_, err = r.Step(raft.Submit{Entries: []raft.Entry{{}}}, 0)
	wants(t, err, raft.ErrNotLeader)
	_, err = r.Step(nil, 0)
	wants(t, err, raft.ErrInvalid)
	_, err = r.Step(raft.Receive{}, 0)
	wants(t, err, raft.ErrInvalid)
	_, err = r.Step(raft.Bootstrap{Configuration: []raft.Server{{ID: 1, Address: "\x00"}}}, 0)
	wants(t, err, raft.ErrInvalid)
	_, err = r.MatchIndex(1)
	wants(t, err, raft.ErrNotLeader)
	_, _, err = r.ConfigurationAt(5)
	wants(t, err, raft.ErrNotFound)
	wants(t, r.SetElectionTimeout(0), raft.ErrInvalid)
	if _, ok := r.Role(); ok {
		t.Error("a role without a configuration")
	}
	must(t, r.Close())
	must(t, r.Close())
	_, err = r.Step(raft.Timeout{}, 0)
	wants(t, err, raft.ErrInvalid)
	wants(t, r.SetSeed(1), raft.ErrInvalid)
	wants(t, r.SetTracer(nil), raft.ErrInvalid)
	if _, ok := r.Role(); ok || r.State() != raft.Unavailable || r.CommitIndex() != 0 || r.ID() != 0 {
		t.Error("a closed raft has a state")
	}
}

func TestEntriesComeBack(t *testing.T) {
	r := newLeader(t)
	defer r.Close()
	done := make(chan int)
	given := []raft.Entry{{Payload: []byte("mine"), Context: done}, {}}
	for _, event := range []raft.Event{raft.Submit{Entries: given}, &raft.Submit{Entries: given}} {
		batch := step(t, r, event, 5000).Entries.Batch
		if len(batch) != 2 || &batch[0].Payload[0] != &given[0].Payload[0] ||
			batch[0].Context != any(done) || batch[1].Cookie != 2 ||
			batch[0].Term != r.CurrentTerm() || batch[0].Type != raft.Command {
			t.Errorf("other entries: %v", batch)
		}
	}
}

// An update must not change when the library uses its memory again.
func TestUpdatesStay(t *testing.T) {
	r, err := raft.New(1, "one")
	must(t, err)
	defer r.Close()
	step(t, r, raft.Start{}, 0)
	var servers []raft.Server
	for i := 1; i <= 5; i++ {
		address := fmt.Sprint("address-", i)
		servers = append(servers, raft.Server{ID: uint64(i), Address: address, Role: raft.Voter})
	}
	first := step(t, r, raft.Bootstrap{Configuration: servers}, 0)
	step(t, r, raft.Stored{Index: 1, Write: first.Entries.Write}, 0)
	updates, texts, messages := []*raft.Update{first}, []string{fmt.Sprintf("%#v", first)}, 0
	for i := 0; i < 50; i++ {
		deadline, _ := r.Timeout()
		u := step(t, r, raft.Timeout{}, deadline)
		messages += len(u.Messages)
		updates = append(updates, u)
		texts = append(texts, fmt.Sprintf("%#v", u))
		runtime.GC()
	}
	have, _, err := r.ConfigurationAt(1)
	must(t, err)
	must(t, r.Close())
	for i := range updates {
		if text := fmt.Sprintf("%#v", updates[i]); text != texts[i] {
			t.Errorf("update %d changed", i)
		}
	}
	decoded, err := raft.DecodeConfiguration(first.Entries.Batch[0].Payload)
	must(t, err)
	if messages == 0 || !reflect.DeepEqual(have, servers) || !reflect.DeepEqual(decoded, servers) {
		t.Errorf("%d messages, %v, %v", messages, have, decoded)
	}
}

// The same for entries that the library created.
func TestCreatedEntriesStay(t *testing.T) {
	r := newLeader(t)
	defer r.Close()
	var updates []*raft.Update
	members := func(i int) []raft.Server {
		return []raft.Server{{ID: 1, Address: "one", Role: raft.Voter},
			{ID: 10 + uint64(i), Address: fmt.Sprint("address-", i), Role: raft.Spare}}
	}
	for i := 0; i < 9; i++ {
		u := step(t, r, raft.Reconfigure{Configuration: members(i)}, 5000)
		step(t, r, raft.Stored{Index: u.Entries.Index, Write: u.Entries.Write}, 5000)
		updates = append(updates, u)
	}
	for i, u := range updates {
		have, err := raft.DecodeConfiguration(u.Entries.Batch[0].Payload)
		if err != nil || !reflect.DeepEqual(have, members(i)) {
			t.Errorf("entry %d became %v, %v", i, have, err)
		}
	}
}

func TestTracer(t *testing.T) {
	r, err := raft.New(1, "one")
	must(t, err)
	defer r.Close()
	var records []raft.TraceRecord
	must(t, r.SetTracer(func(record raft.TraceRecord) {
		records = append(records, record)
		if r.State() != raft.Follower {
			t.Error("no state in the tracer")
		}
		_, err := r.Step(raft.Timeout{}, 0)
		wants(t, err, raft.ErrBusy)
		wants(t, r.Close(), raft.ErrBusy)
		wants(t, r.SetSeed(1), raft.ErrBusy)
		wants(t, r.SetTracer(nil), raft.ErrBusy)
		panic("of the tracer")
	}))
	u := step(t, r, raft.Start{}, 0)
	if len(records) == 0 || records[0].Type != raft.TraceEvent || records[0].Server != 1 ||
		records[0].Text == "" || u == nil || r.TracerPanic() != "of the tracer" {
		t.Errorf("%v, %v, panic %v", records, u, r.TracerPanic())
	}
	must(t, r.SetTracer(nil))
	n := len(records)
	step(t, r, raft.Timeout{}, 0)
	if len(records) != n {
		t.Error("records without a tracer")
	}
}

func TestManyEntries(t *testing.T) {
	r := newLeader(t)
	defer r.Close()
	entries := make([]raft.Entry, 5000) // more memory than the arena keeps
	for i := range entries {
		entries[i].Payload = make([]byte, i%100)
	}
	e := step(t, r, raft.Submit{Entries: entries}, 5000).Entries
	step(t, r, raft.Stored{Index: r.LastIndex(), Write: e.Write}, 5000)
	if len(e.Batch) != 5000 || len(e.Batch[4999].Payload) != 99 || r.CommitIndex() != r.LastIndex() {
		t.Errorf("%d entries, %d committed", len(e.Batch), r.CommitIndex())
	}
}

// Rafts in different goroutines, which are collected without Close.
func TestGoroutinesAndCollection(t *testing.T) {
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 20; j++ {
				r := newLeader(t)
				must(t, r.SetTracer(func(raft.TraceRecord) {}))
				for k := 0; k < 20; k++ {
					step(t, r, raft.Submit{Entries: []raft.Entry{{Payload: make([]byte, 100)}}}, 5000)
				}
				runtime.GC()
			}
		}()
	}
	group.Wait()
}

// residentMiB returns how much memory the process has.
func residentMiB(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	var size, resident int
	_, err = fmt.Sscan(string(text), &size, &resident)
	must(t, err)
	return resident * os.Getpagesize() >> 20
}

// Rafts that are not closed are freed when they are collected.
func TestCollectedRaftsAreFreed(t *testing.T) {
	before := residentMiB(t)
	for i := 0; i < 60000; i++ {
		r, err := raft.New(1, "one")
		must(t, err)
		step(t, r, raft.Start{}, 0)
		if i%1000 == 999 {
			runtime.GC()
			time.Sleep(time.Millisecond) // for the goroutine that runs finalizers
		}
	}
	if grown := residentMiB(t) - before; grown > 25 {
		t.Errorf("%d MiB more", grown)
	} else {
		t.Logf("%d MiB more", grown)
	}
}

func TestUnknownMessage(t *testing.T) {
	r := newLeader(t)
	defer r.Close()
	m := &raft.Message{ServerID: 2, ServerAddress: "two", Body: &raft.UnknownMessage{Kind: 200}}
	if u := step(t, r, raft.Receive{Message: m}, 5000); u.Flags != 0 {
		t.Errorf("flags %d", u.Flags)
	}
	for _, kind := range []raft.MessageType{raft.TypeAppendEntries, math.MaxUint32} {
		m.Body = &raft.UnknownMessage{Kind: kind}
		_, err := r.Step(raft.Receive{Message: m}, 5000)
		wants(t, err, raft.ErrInvalid)
	}
}
