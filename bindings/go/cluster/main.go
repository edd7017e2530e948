// SPDX-License-Identifier: MIT

// A server in Go: see bindings/cluster/README.md.
//
//	cluster ID ADDRESS ADDRESS ADDRESS
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	raft "libraft.example/raftcore"
)

var begin = time.Now()

func now() uint64 { return uint64(time.Since(begin).Milliseconds()) }

type node struct {
	raft      *raft.Raft
	address   string
	addresses []string
	log       []raft.Entry
	applied   uint64
	commands  int
	digest    uint64
	links     map[uint64]net.Conn
}

// step processes an event and carries out the update. Only the main goroutine calls it.
func (n *node) step(event raft.Event) error {
	u, err := n.raft.Step(event, now())
	if err != nil {
		return err
	}
	var then []raft.Event
	if u.Entries != nil {
		n.log = append(n.log[:u.Entries.Index-1], u.Entries.Batch...)
		if len(u.Entries.Batch) > 0 {
			then = append(then, raft.Stored{Index: uint64(len(n.log)), Write: u.Entries.Write})
		}
	}
	for i := range u.Messages {
		if err := n.send(&u.Messages[i]); err != nil {
			then = append(then, raft.Unreachable{ServerID: u.Messages[i].ServerID})
		}
	}
	for ; n.applied < n.raft.CommitIndex(); n.applied++ {
		if entry := &n.log[n.applied]; entry.Type == raft.Command {
			n.commands++
			for _, b := range entry.Payload {
				n.digest = (n.digest ^ uint64(b)) * 0x100000001b3
			}
		}
	}
	for _, next := range then {
		if err := n.step(next); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) send(m *raft.Message) error {
	if a, ok := m.Body.(*raft.AppendEntries); ok {
		a.Entries = n.log[a.PrevLogIndex : a.PrevLogIndex+uint64(a.NEntries)]
	}
	raw, err := raft.Encode(m, n.raft.ID(), n.address)
	if err != nil {
		return err
	}
	link := n.links[m.ServerID]
	if link == nil {
		if link, err = net.DialTimeout("tcp", n.addresses[m.ServerID-1], time.Second); err != nil {
			return err
		}
		n.links[m.ServerID] = link
		raw = append([]byte("P"), raw...)
	}
	if err = link.SetWriteDeadline(time.Now().Add(time.Second)); err == nil {
		_, err = link.Write(raw)
	}
	if err != nil {
		link.Close()
		delete(n.links, m.ServerID)
	}
	return err
}

// answer returns the answer to a line of a client.
func (n *node) answer(line string) string {
	word, argument, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "submit":
		err = n.step(raft.Submit{Entries: []raft.Entry{{Payload: []byte(argument)}}})
	case "transfer":
		id, _ := strconv.ParseUint(argument, 10, 64)
		err = n.step(raft.Transfer{ServerID: id})
	}
	if err != nil {
		return "no\n"
	}
	leads := 0
	if n.raft.State() == raft.Leader {
		leads = 1
	}
	return fmt.Sprintf("%d %d %016x\n", leads, n.commands, n.digest)
}

// serve reads from a connection and leaves all work to the main goroutine.
func (n *node) serve(c net.Conn, work chan<- func()) {
	defer c.Close()
	in := bufio.NewReader(c)
	kind, err := in.ReadByte()
	for err == nil && kind == 'P' {
		var m *raft.Message
		if m, err = raft.ReadMessage(in); err == nil {
			work <- func() {
				if err := n.step(raft.Receive{Message: m}); err != nil {
					log.Print(err)
				}
			}
		}
	}
	for err == nil {
		var line string
		if line, err = in.ReadString('\n'); err == nil {
			work <- func() { fmt.Fprint(c, n.answer(strings.TrimSpace(line))) }
		}
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	id, err := strconv.ParseUint(os.Args[1], 10, 64)
	must(err)
	n := &node{addresses: os.Args[2:], address: os.Args[1+id], digest: 0xcbf29ce484222325,
		links: map[uint64]net.Conn{}}
	n.raft, err = raft.New(id, n.address)
	must(err)
	must(n.raft.SetSeed(uint32(id)))
	must(n.raft.SetHeartbeatTimeout(50))
	must(n.raft.SetElectionTimeout(300))
	must(n.raft.SetFeatures(raft.FeatureRounds | raft.FeatureChunks | raft.FeatureJoint))
	var members []raft.Server
	for i, address := range n.addresses {
		members = append(members, raft.Server{ID: uint64(i + 1), Address: address, Role: raft.Voter})
	}
	listener, err := net.Listen("tcp", n.address)
	must(err)
	must(n.step(raft.Start{}))
	must(n.step(raft.Bootstrap{Configuration: members}))
	work := make(chan func())
	go func() {
		for {
			c, err := listener.Accept()
			must(err)
			go n.serve(c, work)
		}
	}()
	for {
		deadline, _ := n.raft.Timeout()
		wait := time.Until(begin.Add(time.Duration(deadline) * time.Millisecond))
		select {
		case f := <-work:
			f()
		case <-time.After(wait):
		}
		if deadline, _ := n.raft.Timeout(); now() >= deadline {
			must(n.step(raft.Timeout{}))
		}
	}
}
