// SPDX-License-Identifier: MIT

package raftcore_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"reflect"
	"strings"
	"testing"

	raft "libraft.example/raftcore"
)

// A vector of docs/reference/wire-vectors.txt. Its fields are the lines as they are in the file.
type vector struct {
	raw                   []byte
	fields                string
	malformed, decodeOnly bool
}

func vectors(t testing.TB) (result []vector) {
	text, err := os.ReadFile("../../docs/reference/wire-vectors.txt")
	must(t, err)
	for _, block := range strings.Split(string(text), "\n\n") {
		var v vector
		for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
			name, value, _ := strings.Cut(line, " ")
			switch name {
			case "#", "":
			case "bytes":
				raw, err := hex.DecodeString(strings.ReplaceAll(value, " ", ""))
				must(t, err)
				v.raw = append(v.raw, raw...)
			case "malformed":
				v.malformed = true
			case "decode-only":
				v.decodeOnly = true
			default:
				v.fields += strings.TrimSpace(line) + "\n"
			}
		}
		if v.raw != nil {
			result = append(result, v)
		}
	}
	if len(result) < 30 {
		t.Fatalf("%d vectors", len(result))
	}
	return result
}

// Names of raft.h that do not follow from those of Go.
var renamed = map[string]string{"candidate_i_d": "candidate_id", "configuration_index": "conf_index"}

// snake writes a name of Go as raft.h does.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	if other, ok := renamed[b.String()]; ok {
		return other
	}
	return b.String()
}

// fields returns the lines of a message, from its Go value, by reflection.
func fields(m *raft.Message) map[string]bool {
	lines := map[string]bool{}
	add := func(format string, args ...any) {
		lines[strings.TrimSpace(fmt.Sprintf(format, args...))] = true
	}
	add("type %d", m.Body.Type())
	add("server_id %d", m.ServerID)
	add("server_address %s", m.ServerAddress)
	v := reflect.ValueOf(m.Body).Elem()
	for i := 0; i < v.NumField(); i++ {
		name := snake(v.Type().Field(i).Name)
		switch value := v.Field(i).Interface().(type) {
		case bool:
			n := 0
			if value {
				n = 1
			}
			add("%s %d", name, n)
		case []byte:
			add("%s %x", name, value)
		case []raft.Entry:
			for _, e := range value {
				add("entry %d %d %x", e.Term, e.Type, e.Payload)
			}
		case []raft.Server:
			for _, s := range value {
				add("server %d %d %s", s.ID, s.Role, s.Address)
			}
		default:
			add("%s %v", name, value)
		}
	}
	return lines
}

func TestVectors(t *testing.T) {
	refused := 0
	for _, v := range vectors(t) {
		m, err := raft.Decode(v.raw)
		if v.malformed {
			if refused++; !errors.Is(err, raft.ErrWire) {
				t.Errorf("%x: %v", v.raw, err)
			}
			continue
		}
		must(t, err)
		have := fields(m)
		for _, line := range strings.Split(strings.TrimSpace(v.fields), "\n") {
			if !have[line] {
				t.Errorf("%x: no %q in %v", v.raw, line, have)
			}
		}
		if v.decodeOnly {
			continue
		}
		raw, err := raft.Encode(m, m.ServerID, m.ServerAddress)
		if err != nil || !bytes.Equal(raw, v.raw) {
			t.Errorf("%x became %x, %v", v.raw, raw, err)
		}
	}
	if refused < 10 {
		t.Errorf("%d malformed vectors", refused)
	}
}

func TestReadMessage(t *testing.T) {
	var stream, again bytes.Buffer
	for _, v := range vectors(t) {
		if !v.malformed && !v.decodeOnly {
			stream.Write(v.raw)
		}
	}
	whole := stream.Bytes()
	for r := bytes.NewReader(whole); ; {
		m, err := raft.ReadMessage(r)
		if err == io.EOF {
			break
		}
		must(t, err)
		raw, err := raft.Encode(m, m.ServerID, m.ServerAddress)
		must(t, err)
		again.Write(raw)
	}
	if !bytes.Equal(again.Bytes(), whole) {
		t.Error("the stream changed")
	}
	for head, wanted := range map[string]error{"\x10\x00\x00\x00": raft.ErrWire,
		"\x01\x00\x00\x04": raft.ErrWire, "\x20\x00\x00\x00": io.ErrUnexpectedEOF} {
		if _, err := raft.ReadMessage(strings.NewReader(head)); !errors.Is(err, wanted) {
			t.Errorf("%x: %v", head, err)
		}
	}
}

// decodeHostile decodes any bytes; what decodes must encode and decode to the same.
func decodeHostile(t testing.TB, raw []byte) bool {
	m, err := raft.Decode(raw)
	if err != nil {
		if !errors.Is(err, raft.ErrWire) {
			t.Fatalf("%x: %v", raw, err)
		}
		return false
	}
	if _, unknown := m.Body.(*raft.UnknownMessage); !unknown {
		again, err := raft.Encode(m, m.ServerID, m.ServerAddress)
		must(t, err)
		other, err := raft.Decode(again)
		must(t, err)
		if !reflect.DeepEqual(m, other) {
			t.Fatalf("%x: %v became %v", raw, m, other)
		}
	}
	return true
}

func TestHostileBytes(t *testing.T) {
	random, all, refused := rand.New(rand.NewSource(1)), vectors(t), 0
	for i := 0; i < 20000; i++ {
		raw := append([]byte(nil), all[random.Intn(len(all))].raw...)
		for j := 0; j < 1+random.Intn(3); j++ {
			raw[4+random.Intn(len(raw)-4)] = []byte{0, 1, 255, 82}[random.Intn(4)]
		}
		if !decodeHostile(t, raw) {
			refused++
		}
	}
	if refused < 1000 {
		t.Errorf("only %d were refused", refused)
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) { decodeHostile(t, raw) })
}
