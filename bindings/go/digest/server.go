// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	raft "libraft.example/raftcore"
)

const chunk = 1000

var (
	every, _ = strconv.Atoi(os.Getenv("RAFT_GC"))
	taken    int // steps
)

type server struct {
	raft         *raft.Raft
	id           uint64
	address      string
	running, cut bool
	limit        uint32
	// On disk.
	term, vote, first uint64
	log               []raft.Entry
	snapshot          *raft.Snapshot
	data              []byte
	incoming          *raft.Snapshot
	incomingData      []byte
	// The state machine, and the answers to reads.
	applied uint64
	state   []byte
	reads   []raft.ReadResult
}

func newServer(id uint64) {
	s := &server{id: id, address: strconv.FormatUint(id, 10), first: 1}
	servers = append(servers, s)
	s.start()
}

func (s *server) start() {
	var err error
	s.running, s.applied, s.state, s.reads = true, 0, nil, nil
	s.raft, err = raft.New(s.id, s.address)
	must(err)
	must(s.raft.SetSeed(uint32(s.id * 1000)))
	must(s.raft.SetFeatures(raft.AllFeatures))
	must(s.raft.SetMaxMessageEntries(50))
	s.raft.SetCapacity(uint16(s.id * 100))
	if s.id == 1 {
		must(s.raft.SetTracer(trace))
	}
	must(s.step(raft.Start{Term: s.term, VotedFor: s.vote, Snapshot: s.snapshot,
		StartIndex: s.first, Entries: s.log}))
}

func (s *server) stop() {
	must(s.raft.Close())
	s.running = false
}

func (s *server) step(event raft.Event) error {
	taken++
	collect := every > 0 && taken%every == 0
	if collect {
		runtime.GC()
	}
	update, err := s.raft.Step(event, now)
	var failed *raft.Error
	if errors.As(err, &failed) {
		s.lineUpdate(event, failed.Code, 0, failed.Text)
		return err
	}
	if collect {
		runtime.GC()
	}
	s.lineUpdate(event, 0, update.Flags)
	s.carryOut(event, update)
	return nil
}

func (s *server) lineUpdate(event raft.Event, code raft.Code, flags raft.UpdateFlag, why ...any) {
	r := s.raft
	leader, address := r.Leader()
	if address == "" {
		address = "-"
	}
	timeout, _ := r.Timeout()
	role, ok := r.Role()
	if !ok {
		role = -1
	}
	line("u", append([]any{s.id, now, event.Type(), int(code), flags, r.CurrentTerm(), r.VotedFor(),
		r.State(), r.CommitIndex(), timeout, r.LastIndex(), r.FirstIndex(), r.LastStored(),
		r.SnapshotIndex(), role, leader, address, r.Transferee()}, why...)...)
}

func (s *server) carryOut(event raft.Event, u *raft.Update) {
	var cuts, acks []raft.Event
	if u.MustSave() {
		s.term, s.vote = s.raft.CurrentTerm(), s.raft.VotedFor()
	}
	if e := u.Entries; e != nil {
		line("e", e.Index, len(e.Batch), e.Write)
		if len(s.log) == 0 {
			s.first = e.Index
		}
		s.log = s.log[:e.Index-s.first]
		for _, x := range e.Batch {
			line("", x.Term, x.Type, x.Cookie, hexadecimal(x.Payload))
			s.log = append(s.log, x)
		}
		if n := uint64(len(e.Batch)); n > 0 {
			acks = append(acks, raft.Stored{Index: e.Index + n - 1, Write: e.Write})
		}
	}
	if u.Snapshot != nil {
		acks = append(acks, s.writeChunk(u.Snapshot))
	}
	for i := range u.Messages {
		cuts = append(cuts, s.send(&u.Messages[i])...)
	}
	for _, r := range u.Reads {
		line("r", r.ID, r.Index, int(r.Status))
		s.reads = append(s.reads, r)
	}
	if _, ok := event.(raft.PersistedSnapshot); ok {
		s.install()
	}
	if u.Has(raft.UpdateCommitIndex) {
		s.apply()
	}
	for _, next := range append(cuts, acks...) {
		must(s.step(next))
	}
}

func (s *server) writeChunk(c *raft.ChunkToWrite) raft.Event {
	m := c.Metadata
	line("s", m.Index, m.Term, m.ConfigurationIndex, show(m.Configuration), c.Offset, c.Last,
		hexadecimal(c.Chunk))
	if c.Offset == 0 {
		s.incoming, s.incomingData = &m, nil
	}
	check(uint64(len(s.incomingData)) == c.Offset, "offset of a chunk")
	s.incomingData = append(s.incomingData, c.Chunk...)
	return raft.PersistedSnapshot{Index: m.Index, Term: m.Term, Offset: c.Offset, Last: c.Last}
}

func (s *server) install() {
	have := uint64(0)
	if s.snapshot != nil {
		have = s.snapshot.Index
	}
	if s.raft.SnapshotIndex() != have {
		s.snapshot, s.data = s.incoming, s.incomingData
		s.log, s.first = nil, s.snapshot.Index+1
	}
}

func (s *server) send(m *raft.Message) (cut []raft.Event) {
	lineMessage(m)
	switch b := m.Body.(type) {
	case *raft.AppendEntries:
		n := b.NEntries
		if s.limit > 0 && n > s.limit {
			n = s.limit
			cut = append(cut, raft.Sent{ServerID: m.ServerID, Index: b.PrevLogIndex + uint64(n)})
		}
		at := b.PrevLogIndex + 1 - s.first
		b.Entries = s.log[at : at+uint64(n)]
	case *raft.InstallSnapshot:
		check(b.LastIndex == s.snapshot.Index, "an old snapshot")
		b.Data = s.data[b.Offset:]
		if b.Last = len(b.Data) <= chunk; !b.Last {
			b.Data = b.Data[:chunk]
		}
	}
	raw, err := raft.Encode(m, s.id, s.address)
	must(err)
	network = append(network, packet{s.id, m.ServerID, raw})
	return cut
}

func (s *server) apply() {
	for s.applied < s.raft.CommitIndex() {
		i := s.applied + 1
		if i < s.first || i >= s.first+uint64(len(s.log)) {
			check(s.snapshot != nil && s.snapshot.Index >= i, "no snapshot")
			s.state, s.applied = append([]byte(nil), s.data...), s.snapshot.Index
			continue
		}
		if e := &s.log[i-s.first]; e.Type == raft.Command {
			s.state = append(append(s.state, e.Payload...), '\n')
		}
		s.applied = i
	}
}

func (s *server) takeSnapshot() {
	configuration, index, err := s.raft.ConfigurationAt(s.applied)
	must(err)
	s.snapshot = &raft.Snapshot{Index: s.applied, Term: s.raft.TermOf(s.applied),
		Configuration: configuration, ConfigurationIndex: index}
	s.data = append([]byte(nil), s.state...)
	must(s.step(raft.SnapshotTaken{Index: s.applied, Trailing: 5}))
	first := s.raft.FirstIndex()
	s.log, s.first = append([]raft.Entry(nil), s.log[first-s.first:]...), first
}

func (s *server) submit(n int) error {
	entries := make([]raft.Entry, n)
	for i := range entries {
		if command%500 != 499 {
			entries[i].Payload = []byte(fmt.Sprint("cmd-", command))
		}
		command++
	}
	return s.step(raft.Submit{Entries: entries})
}
