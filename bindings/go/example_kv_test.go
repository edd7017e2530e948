// SPDX-License-Identifier: MIT

package raftcore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	raft "libraft.example/raftcore"
)

var (
	errLost = errors.New("another leader has replaced the entry")
	start   = time.Now()
)

// clock does not count the time while the machine is suspended: before a read uses a lease, take
// CLOCK_BOOTTIME (ClockGettime in golang.org/x/sys/unix).
func clock() uint64 { return uint64(time.Since(start).Milliseconds()) }

// kv is a server of a replicated map. All fields but inbox and net belong to its goroutine.
type kv struct {
	raft     *raft.Raft
	address  string
	inbox    chan func()
	net      *sync.Map // ID: *kv
	first    uint64    // index of log[0]
	log      []raft.Entry
	snapshot raft.Snapshot
	image    []byte // contents of the snapshot
	draft    []byte // what has come of the next one
	state    map[string]string
	applied  uint64
	reads    map[uint64]func(error)
	lastRead uint64
}

// [loop] run is the loop: events come from other servers, from clients and from the clock.
func (s *kv) run(ctx context.Context) {
	defer s.raft.Close()
	for {
		wait := time.Hour
		if deadline, ok := s.raft.Timeout(); ok {
			wait = time.Until(start.Add(time.Duration(deadline) * time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case f := <-s.inbox:
			f()
		case <-timer.C:
		}
		timer.Stop()
		for len(s.inbox) > 0 { // what has come is handled before the timeout
			(<-s.inbox)()
		}
		if deadline, ok := s.raft.Timeout(); ok && clock() >= deadline {
			s.must(raft.Timeout{})
		}
	}
}

// [loop end]

// must steps an event of which the library refuses none.
func (s *kv) must(event raft.Event) {
	if err := s.step(event); err != nil {
		log.Fatal(err)
	}
}

// [step] step processes an event and carries out the update.
func (s *kv) step(event raft.Event) error {
	u, err := s.raft.Step(event, clock())
	if err != nil {
		return err // nothing has changed
	}
	// 1. With a disk: if u.MustSave(), save s.raft.CurrentTerm() and s.raft.VotedFor().
	var then []raft.Event
	if e := u.Entries; e != nil { // 2. write entries
		s.truncate(e.Index)
		s.log = append(s.log, e.Batch...)
		if n := uint64(len(e.Batch)); n > 0 { // with a disk: step this after the sync
			then = append(then, raft.Stored{Index: e.Index + n - 1, Write: e.Write})
		}
	}
	if c := u.Snapshot; c != nil { // 3. write a chunk of a snapshot
		s.draft = append(s.draft[:c.Offset], c.Chunk...)
		m := c.Metadata
		if c.Last {
			s.snapshot, s.image, s.draft = m, s.draft, nil
		}
		then = append(then, raft.PersistedSnapshot{Index: m.Index, Term: m.Term, Offset: c.Offset,
			Last: c.Last})
	}
	for i := range u.Messages { // 4. send
		s.send(&u.Messages[i])
	}
	if u.Has(raft.UpdateCommitIndex) { // 5. apply
		s.apply()
	}
	for _, r := range u.Reads { // r.Index is applied
		s.reads[r.ID](r.Err())
		delete(s.reads, r.ID)
	}
	for _, event := range then {
		s.must(event)
	}
	return nil
}

// [step end]

// truncate drops the log from an index on, and tells those who wait for its entries.
func (s *kv) truncate(index uint64) {
	n := index - s.first
	for _, e := range s.log[n:] {
		if done, ok := e.Context.(chan error); ok {
			done <- errLost
		}
	}
	s.log = s.log[:n:n]
}

// send attaches entries or a part of the snapshot. A full inbox loses the message, as a network
// may.
func (s *kv) send(m *raft.Message) {
	switch body := m.Body.(type) {
	case *raft.AppendEntries:
		from := body.PrevLogIndex + 1 - s.first
		body.Entries = s.log[from : from+uint64(body.NEntries)]
	case *raft.InstallSnapshot:
		end := body.Offset + 64
		if end > uint64(len(s.image)) {
			end = uint64(len(s.image))
		}
		body.Data, body.Last = s.image[body.Offset:end], end == uint64(len(s.image))
	}
	raw, err := raft.Encode(m, s.raft.ID(), s.address)
	if err != nil {
		log.Fatal(err)
	}
	found, ok := s.net.Load(m.ServerID)
	if !ok {
		return
	}
	to := found.(*kv)
	select {
	case to.inbox <- func() {
		message, err := raft.Decode(raw)
		if err != nil {
			log.Fatal(err)
		}
		to.must(raft.Receive{Message: message})
	}:
	default:
	}
}

// apply brings the map to the commit index, and takes a snapshot of it from time to time.
func (s *kv) apply() {
	if s.snapshot.Index > s.applied { // a leader has sent it
		s.state = map[string]string{}
		if err := json.Unmarshal(s.image, &s.state); err != nil {
			log.Fatal(err)
		}
		s.truncate(s.first)
		s.applied, s.first = s.snapshot.Index, s.snapshot.Index+1
	}
	for s.applied < s.raft.CommitIndex() {
		e := &s.log[s.applied+1-s.first]
		s.applied++
		if e.Type == raft.Command {
			key, value, _ := strings.Cut(string(e.Payload), "=")
			s.state[key] = value
		}
		if done, ok := e.Context.(chan error); ok {
			done <- nil
			e.Context = nil
		}
	}
	if s.applied >= s.snapshot.Index+8 {
		s.compact()
	}
}

// [snapshot] compact takes a snapshot and drops the entries that no message can ask for.
func (s *kv) compact() {
	members, at, err := s.raft.ConfigurationAt(s.applied)
	if err != nil {
		log.Fatal(err)
	}
	image, err := json.Marshal(s.state)
	if err != nil {
		log.Fatal(err)
	}
	if s.raft.OldestSnapshotIndex() != s.raft.SnapshotIndex() {
		return // the last snapshot is being sent, and this program keeps only one
	}
	s.image, s.snapshot = image, raft.Snapshot{Index: s.applied, Term: s.raft.TermOf(s.applied),
		Configuration: members, ConfigurationIndex: at}
	s.must(raft.SnapshotTaken{Index: s.applied})
	first := s.raft.FirstIndex()
	s.log = append([]raft.Entry(nil), s.log[first-s.first:]...)
	s.first = first
}

// [snapshot end]

// [client] wait runs f in the goroutine of the server, and waits for what comes of it.
func (s *kv) wait(ctx context.Context, f func(done chan error)) error {
	done := make(chan error, 1)
	select {
	case s.inbox <- func() { f(done) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err() // the entry may still be committed
	}
}

// Set returns when the command is committed and applied.
func (s *kv) Set(ctx context.Context, key, value string) error {
	return s.wait(ctx, func(done chan error) {
		e := raft.Entry{Payload: []byte(key + "=" + value), Context: done}
		if err := s.step(raft.Submit{Entries: []raft.Entry{e}}); err != nil {
			done <- err
		}
	})
}

// Get is a linearizable read.
func (s *kv) Get(ctx context.Context, key string) (string, error) {
	var value string
	err := s.wait(ctx, func(done chan error) {
		s.lastRead++
		id := s.lastRead
		s.reads[id] = func(err error) {
			value = s.state[key]
			done <- err
		}
		if err := s.step(raft.Read{ID: id}); err != nil {
			delete(s.reads, id)
			done <- err
		}
	})
	if err != nil {
		return "", err
	}
	return value, nil
}

// [client end]

// [join] Join makes a server a standby and then a voter. Repeat it until it returns nil.
func (s *kv) Join(ctx context.Context, id uint64, address string) error {
	return s.wait(ctx, func(done chan error) {
		members, _, err := s.raft.ConfigurationAt(s.raft.LastIndex())
		if err != nil {
			done <- err
			return
		}
		role, at := raft.Standby, len(members)
		for i, m := range members {
			if m.ID == id {
				role, at = raft.Voter, i
			}
		}
		if at == len(members) {
			members = append(members, raft.Server{ID: id, Address: address})
		} else if members[at].Role == raft.Voter {
			done <- nil
			return
		} else if p, err := s.raft.Progress(id); err != nil || p.Match < s.raft.CommitIndex() {
			done <- raft.ErrBusy // it lacks entries, or this server does not lead
			return
		}
		members[at].Role = role
		if err := s.step(raft.Reconfigure{Configuration: members}); err != nil {
			done <- err
			return
		}
		done <- raft.ErrBusy // begun; not committed yet
	})
}

// [join end]

func newKV(net *sync.Map, id uint64, founders []raft.Server) *kv {
	s := &kv{address: fmt.Sprint("server-", id), inbox: make(chan func(), 1000), net: net, first: 1,
		state: map[string]string{}, reads: map[uint64]func(error){}}
	r, err := raft.New(id, s.address)
	if err != nil {
		log.Fatal(err)
	}
	s.raft = r
	for _, err := range []error{r.SetFeatures(raft.AllFeatures), r.SetHeartbeatTimeout(30),
		r.SetElectionTimeout(300)} {
		if err != nil {
			log.Fatal(err)
		}
	}
	net.Store(id, s)
	s.must(raft.Start{})
	if founders != nil {
		s.must(raft.Bootstrap{Configuration: founders})
	}
	return s
}

// A replicated map with a goroutine for each server: commands, reads, snapshots, a new member.
func Example_keyValueStore() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	var net sync.Map
	var running sync.WaitGroup
	var founders []raft.Server
	for id := uint64(1); id <= 3; id++ {
		founders = append(founders, raft.Server{ID: id, Address: fmt.Sprint("server-", id),
			Role: raft.Voter})
	}
	var servers []*kv
	begin := func(s *kv) {
		servers = append(servers, s)
		running.Add(1)
		go func() {
			defer running.Done()
			s.run(ctx)
		}()
	}
	for _, f := range founders {
		begin(newKV(&net, f.ID, founders))
	}
	// retry does something on one server after another, until the leader has done it.
	retry := func(f func(s *kv) error) {
		for {
			for _, s := range servers {
				err := f(s)
				if err == nil {
					return
				} else if ctx.Err() != nil {
					log.Fatal(err)
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	for i := 1; i <= 10; i++ {
		retry(func(s *kv) error { return s.Set(ctx, fmt.Sprint("key", i), fmt.Sprint(i*i)) })
	}
	retry(func(s *kv) error {
		value, err := s.Get(ctx, "key7")
		if err == nil {
			fmt.Println("key7 is", value)
		}
		return err
	})
	fourth := newKV(&net, 4, nil)
	begin(fourth)
	retry(func(s *kv) error { return s.Join(ctx, 4, fourth.address) })
	retry(func(*kv) error {
		return fourth.wait(ctx, func(done chan error) {
			role, member := fourth.raft.Role()
			if !member || role != raft.Voter || len(fourth.state) < 10 {
				done <- raft.ErrBusy
				return
			}
			fmt.Printf("server 4 is a %v, has %d keys, began with a snapshot: %t\n", role,
				len(fourth.state), fourth.snapshot.Index >= 8)
			done <- nil
		})
	})
	stop()
	running.Wait()
	// Output:
	// key7 is 49
	// server 4 is a voter, has 10 keys, began with a snapshot: true
}
