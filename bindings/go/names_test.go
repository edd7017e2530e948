// SPDX-License-Identifier: MIT

package raftcore_test

import (
	"fmt"
	"testing"

	raft "libraft.example/raftcore"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{raft.Standby, "standby"}, {raft.Voter, "voter"}, {raft.Spare, "spare"},
		{raft.VoterToSpare, "voter to spare"}, {raft.Role(99), "99"},
		{raft.Unavailable, "unavailable"}, {raft.Leader, "leader"}, {raft.State(-1), "-1"},
		{raft.ProgressPipeline, "pipeline"}, {raft.Command, "command"}, {raft.Change, "change"},
		{raft.EntryType(0), "0"}, {raft.TypeTimeoutNow, "TimeoutNow"},
		{raft.CatchUpFinished, "finished"},
	} {
		if have := c.value.String(); have != c.want {
			t.Errorf("%d has the name %q instead of %q", c.value, have, c.want)
		}
	}
}

// A Code of 0 is a non-nil error, so success needs a method.
func TestReadResult(t *testing.T) {
	if err := (raft.ReadResult{ID: 1, Index: 2}).Err(); err != nil {
		t.Errorf("a read that may be served has the error %v", err)
	}
	wants := raft.ReadResult{Status: raft.ErrLeadershipLost}.Err()
	if wants != raft.ErrLeadershipLost {
		t.Errorf("a read that failed has the error %v", wants)
	}
}
