// SPDX-License-Identifier: MIT

package raftcore_test

import (
	"errors"
	"testing"

	"libraft.example/raftcore"
)

// startOne has the lines that README.md shows.
func startOne(now uint64) error {
	r, err := raftcore.New(1, "10.0.0.1:9000")
	if err != nil {
		return err
	}
	defer r.Close()
	update, err := r.Step(raftcore.Start{}, now)
	if err != nil {
		return err
	}
	if update.MustSave() {
		return errors.New("an empty server has nothing to save")
	}
	return nil
}

func TestReadme(t *testing.T) {
	if err := startOne(0); err != nil {
		t.Fatal(err)
	}
}
