// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"syscall"

	raft "libraft.example/raftcore"
)

// nanoseconds returns the processor time of this process.
func nanoseconds() float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func bench(steps int) {
	r, err := raft.New(1, "1")
	must(err)
	defer r.Close()
	step := func(event raft.Event, now uint64) *raft.Update {
		u, err := r.Step(event, now)
		must(err)
		return u
	}
	step(raft.Start{}, 0)
	step(raft.Bootstrap{Configuration: voters(1, raft.Voter)}, 0)
	for r.State() != raft.Leader || r.CommitIndex() != r.LastIndex() {
		if r.LastStored() != r.LastIndex() {
			step(raft.PersistedEntries{Index: r.LastIndex()}, 0)
		} else {
			deadline, _ := r.Timeout()
			step(raft.Timeout{}, deadline)
		}
	}
	sum := uint64(0)
	begin := nanoseconds()
	for i := 0; i < steps; i++ {
		sum += uint64(step(raft.Unreachable{ServerID: 99}, 5000).Flags)
	}
	fmt.Printf("null %.1f\n", (nanoseconds()-begin)/float64(steps))
	begin = nanoseconds()
	for i := 0; i < steps/2; i++ {
		payload := []byte("0123456789abcde\x00")
		e := step(raft.Submit{Entries: []raft.Entry{{Payload: payload}}}, 5000).Entries
		sum += uint64(len(e.Batch[0].Payload))
		step(raft.Stored{Index: e.Index, Write: e.Write}, 5000)
		sum += r.CommitIndex()
	}
	fmt.Printf("submit %.1f\n", (nanoseconds()-begin)/float64(steps))
	check(sum > 0, "nothing happened")
}
