// SPDX-License-Identifier: MIT

package raftcore_test

import (
	"fmt"
	"log"

	raft "libraft.example/raftcore"
)

// node is a server with its log, which a real program has on disk, and its state machine.
type node struct {
	raft    *raft.Raft
	address string
	log     []raft.Entry // log[i] is entry i + 1
	applied uint64
}

type packet struct {
	to  uint64
	raw []byte
}

var (
	nodes   = map[uint64]*node{}
	network []packet
	now     uint64
)

// step processes an event and carries out the update.
func (n *node) step(event raft.Event) {
	u, err := n.raft.Step(event, now)
	if err != nil {
		log.Fatal(err)
	}
	if u.MustSave() {
		// Save n.raft.CurrentTerm() and n.raft.VotedFor() before a message leaves.
	}
	if u.Entries != nil {
		n.log = append(n.log[:u.Entries.Index-1], u.Entries.Batch...)
	}
	for i := range u.Messages {
		m := &u.Messages[i]
		if a, ok := m.Body.(*raft.AppendEntries); ok {
			a.Entries = n.log[a.PrevLogIndex : a.PrevLogIndex+uint64(a.NEntries)]
		}
		raw, err := raft.Encode(m, n.raft.ID(), n.address)
		if err != nil {
			log.Fatal(err)
		}
		network = append(network, packet{m.ServerID, raw})
	}
	for n.applied < n.raft.CommitIndex() {
		entry := n.log[n.applied]
		n.applied++
		if entry.Type == raft.Command {
			fmt.Printf("server %d applied %s\n", n.raft.ID(), entry.Payload)
		}
	}
	if u.Entries != nil && len(u.Entries.Batch) > 0 {
		n.step(raft.Stored{Index: uint64(len(n.log)), Write: u.Entries.Write})
	}
}

// turn delivers a message. If there is none, it advances the clock to the next deadline.
func turn() {
	if len(network) > 0 {
		p := network[0]
		network = network[1:]
		m, err := raft.Decode(p.raw)
		if err != nil {
			log.Fatal(err)
		}
		nodes[p.to].step(raft.Receive{Message: m})
		return
	}
	next := nodes[1]
	for id := uint64(2); id <= 3; id++ {
		first, _ := next.raft.Timeout()
		if deadline, _ := nodes[id].raft.Timeout(); deadline < first {
			next = nodes[id]
		}
	}
	if deadline, _ := next.raft.Timeout(); deadline > now {
		now = deadline
	}
	next.step(raft.Timeout{})
}

// Three servers in one process.
func Example() {
	members := []raft.Server{{ID: 1, Address: "one", Role: raft.Voter},
		{ID: 2, Address: "two", Role: raft.Voter}, {ID: 3, Address: "three", Role: raft.Voter}}
	for _, s := range members {
		r, err := raft.New(s.ID, s.Address)
		if err != nil {
			log.Fatal(err)
		}
		defer r.Close()
		nodes[s.ID] = &node{raft: r, address: s.Address}
		nodes[s.ID].step(raft.Start{})
		nodes[s.ID].step(raft.Bootstrap{Configuration: members})
	}
	var leader *node
	for leader == nil {
		turn()
		for _, n := range nodes {
			if n.raft.State() == raft.Leader {
				leader = n
			}
		}
	}
	fmt.Printf("server %d leads term %d\n", leader.raft.ID(), leader.raft.CurrentTerm())
	leader.step(raft.Submit{Entries: []raft.Entry{{Payload: []byte("red")}}})
	for nodes[1].applied < 3 || nodes[2].applied < 3 || nodes[3].applied < 3 {
		turn()
	}
	// Output:
	// server 2 leads term 2
	// server 2 applied red
	// server 1 applied red
	// server 3 applied red
}
