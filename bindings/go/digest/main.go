// SPDX-License-Identifier: MIT

// The digest program in Go: see bindings/digest/README.md.
//
//	digest TRANSCRIPT       write the transcript
//	digest --bench STEPS    print the time of a step
package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	raft "libraft.example/raftcore"
)

const forever = 100000 // turns

var (
	servers []*server
	network []packet
	now     uint64
	command int
)

type packet struct {
	from, to uint64
	raw      []byte
}

func check(ok bool, why string) {
	if !ok {
		panic(why)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func up() (result []*server) {
	for _, s := range servers {
		if s.running && !s.cut {
			result = append(result, s)
		}
	}
	return result
}

// leader returns the leader of the highest term; nil: none.
func leader() (best *server) {
	for _, s := range up() {
		if s.raft.State() == raft.Leader &&
			(best == nil || s.raft.CurrentTerm() > best.raft.CurrentTerm()) {
			best = s
		}
	}
	return best
}

func (s *server) committed() bool { return s.raft.CommitIndex() == s.raft.LastIndex() }

// leads is the condition that by, or any server if it is nil, leads and has committed everything.
func leads(by *server) func() bool {
	return func() bool {
		s := leader()
		return s != nil && (by == nil || s == by) && s.committed()
	}
}

func level(s *server) func() bool {
	return func() bool {
		for _, x := range up() {
			if x.applied != s.raft.LastIndex() {
				return false
			}
		}
		return true
	}
}

func quiet() bool { return len(network) == 0 }

// nextDue returns the running server with the earliest deadline.
func nextDue() (next *server, due uint64) {
	due = math.MaxUint64
	for _, s := range servers {
		if s.running {
			if deadline, _ := s.raft.Timeout(); deadline < due {
				next, due = s, deadline
			}
		}
	}
	return next, due
}

func asleep() bool {
	_, due := nextDue()
	return quiet() && due == math.MaxInt64
}

func pump(until func() bool) {
	for i := 0; i < forever; i++ {
		if until() {
			return
		}
		if len(network) > 0 {
			p := network[0]
			network = network[1:]
			to := servers[p.to-1]
			if !to.running || to.cut || servers[p.from-1].cut {
				line("d", p.from, p.to)
				continue
			}
			m, err := raft.Decode(p.raw)
			must(err)
			must(to.step(raft.Receive{Message: m}))
			continue
		}
		s, due := nextDue()
		check(due != math.MaxInt64, "no deadline")
		if due > now {
			now = due
		}
		must(s.step(raft.Timeout{}))
	}
	panic("the condition never holds")
}

func load(s *server, rounds int) {
	for i := 0; i < rounds; i++ {
		must(s.submit(10))
		pump(quiet)
	}
	pump(level(s))
}

func refused(err error, code raft.Code) { check(errors.Is(err, code), "not refused") }

func voters(n int, last raft.Role) (result []raft.Server) {
	for i := 1; i <= n; i++ {
		result = append(result, raft.Server{ID: uint64(i), Address: strconv.Itoa(i), Role: raft.Voter})
	}
	result[n-1].Role = last
	return result
}

func other(s *server) *server {
	if s.id == 1 {
		return servers[1]
	}
	return servers[0]
}

func scenario() {
	line("x start")
	for id := uint64(1); id <= 3; id++ {
		newServer(id)
	}
	must(servers[0].step(raft.Bootstrap{Configuration: voters(3, raft.Voter)}))
	pump(leads(nil))
	l := leader()
	f := other(l)
	line("x submit", l.id)
	load(l, 100)
	line("x errors")
	refused(f.submit(1), raft.ErrNotLeader)
	refused(l.submit(0), raft.ErrInvalid)
	refused(l.step(raft.Transfer{ServerID: 9}), raft.ErrBadID)
	refused(f.step(raft.Campaign{}), raft.ErrBusy)
	add(l)
	line("x lag", f.id)
	f.cut = true
	load(l, 10)
	for _, s := range servers {
		if s != f {
			s.takeSnapshot()
		}
	}
	f.cut = false
	pump(level(l))
	line("x installed", f.raft.SnapshotIndex())
	line("x replace")
	l.cut = true
	must(l.step(raft.Read{ID: 101}))
	must(l.submit(3))
	pump(leads(nil))
	n := leader()
	must(n.submit(5))
	pump(n.committed)
	l.cut = false
	pump(level(n))
	line("x read", n.id)
	for id := uint64(102); id <= 103; id++ {
		n.reads = nil
		must(n.step(raft.Read{ID: id, Lease: id == 103}))
		pump(func() bool { return len(n.reads) > 0 && n.applied >= n.reads[len(n.reads)-1].Index })
		line("x", id, len(n.state))
	}
	line("x transfer")
	must(n.step(raft.Transfer{ServerID: f.id}))
	pump(leads(f))
	line("x restart", n.id)
	n.stop()
	n.start()
	pump(level(f))
	moreEvents(f)
	line("x sent")
	f.limit = 4
	load(f, 3)
	f.limit = 0
	for _, s := range servers {
		lineProgress(f, s.id)
	}
	sleepAndWake(f)
	recoverAt(other(f))
	for _, s := range servers {
		line("z", s.id, s.applied, len(s.state))
		must(s.raft.Close())
	}
}

func add(l *server) {
	line("x add")
	newServer(4)
	must(l.step(raft.Reconfigure{Configuration: voters(4, raft.Standby)}))
	pump(l.committed)
	must(l.step(raft.CatchUp{ServerID: 4}))
	pump(func() bool {
		status, err := l.raft.CatchUp(4)
		must(err)
		return status == raft.CatchUpFinished
	})
	must(l.step(raft.Reconfigure{Configuration: voters(4, raft.Voter)}))
	pump(l.committed)
	pump(level(l))
}

func moreEvents(l *server) {
	line("x events")
	must(l.step(raft.Unreachable{ServerID: 4}))
	lineProgress(l, 4)
	must(l.step(raft.ConfigurationApplied{Index: 1}))
	must(l.step(raft.PersistedEntries{Index: l.raft.LastStored()}))
	must(l.step(raft.CatchUp{}))
	one := []raft.Server{{ID: 1, Address: "1", Role: 99}}
	refused(l.step(raft.Reconfigure{Configuration: one}), raft.ErrBadRole)
	pump(level(l))
}

func sleepAndWake(l *server) {
	line("x sleep")
	for _, s := range servers {
		must(s.raft.SetIdleTimeout(500))
	}
	pump(asleep)
	line("x asleep", now)
	must(other(l).step(raft.Wake{}))
	pump(asleep)
	line("x wake")
	must(l.submit(1))
	pump(level(l))
	for _, s := range servers {
		must(s.raft.SetIdleTimeout(0))
	}
}

func recoverAt(s *server) {
	line("x recover", s.id)
	for _, x := range servers {
		if x != s {
			x.stop()
		}
	}
	self := []raft.Server{{ID: s.id, Address: s.address, Role: raft.Voter}}
	must(s.step(raft.Recover{Configuration: self}))
	pump(leads(s))
	must(s.submit(1))
	pump(level(s))
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "--bench":
		steps, err := strconv.Atoi(os.Args[2])
		must(err)
		bench(steps)
	case len(os.Args) == 2:
		scenario()
		must(os.WriteFile(os.Args[1], out.Bytes(), 0o666))
	default:
		fmt.Fprintln(os.Stderr, "usage: digest TRANSCRIPT | --bench STEPS")
		os.Exit(2)
	}
}
