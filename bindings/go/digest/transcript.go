// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/hex"
	"fmt"

	raft "libraft.example/raftcore"
)

var out bytes.Buffer // the transcript

// line writes a line: its words, separated by spaces.
func line(first string, words ...any) {
	out.WriteString(first)
	for _, word := range words {
		if b, ok := word.(bool); ok {
			word = 0
			if b {
				word = 1
			}
		}
		verb := " %v"
		if _, ok := word.(fmt.Stringer); ok {
			verb = " %d" // the number, not the name
		}
		fmt.Fprintf(&out, verb, word)
	}
	out.WriteByte('\n')
}

func hexadecimal(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return hex.EncodeToString(b)
}

func show(servers []raft.Server) string {
	text := ""
	for i, s := range servers {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf("%d:%s:%d", s.ID, s.Address, s.Role)
	}
	if text == "" {
		return "-"
	}
	return text
}

func trace(t raft.TraceRecord) {
	line("t", t.Server, t.Type, t.Code, t.Time, t.Peer, t.Term, t.Index, t.Text)
}

func lineMessage(m *raft.Message) {
	words := []any{m.Body.Type(), m.ServerID, m.ServerAddress}
	switch b := m.Body.(type) {
	case *raft.AppendEntries:
		words = append(words, b.Version, b.Term, b.PrevLogIndex, b.PrevLogTerm, b.LeaderCommit,
			b.NEntries, b.Round, b.Sleep)
	case *raft.AppendEntriesResult:
		words = append(words, b.Version, b.Term, b.Rejected, b.LastLogIndex, b.Features, b.Capacity,
			b.Round, b.SnapshotIndex, b.SnapshotOffset)
	case *raft.RequestVote:
		words = append(words, b.Version, b.Term, b.CandidateID, b.LastLogIndex, b.LastLogTerm,
			b.DisruptLeader, b.PreVote)
	case *raft.RequestVoteResult:
		words = append(words, b.Version, b.Term, b.VoteGranted, b.PreVote, b.Features, b.Capacity)
	case *raft.InstallSnapshot:
		words = append(words, b.Version, b.Term, b.LastIndex, b.LastTerm, b.ConfigurationIndex,
			show(b.Configuration), b.Offset)
	case *raft.TimeoutNow:
		words = append(words, b.Version, b.Term, b.LastLogIndex, b.LastLogTerm)
	}
	line("m", words...)
}

func lineProgress(l *server, id uint64) {
	p, err := l.raft.Progress(id)
	must(err)
	line("p", id, p.Mode, p.Features, p.Capacity, p.Match, p.Next, p.LastContact, p.SnapshotIndex,
		p.SnapshotOffset, p.DataLosses)
}
