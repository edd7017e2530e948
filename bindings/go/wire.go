// SPDX-License-Identifier: MIT

package raftcore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// MaxMessage is the length of the longest message that ReadMessage accepts and Encode makes.
const MaxMessage = 64 << 20

// ErrWire says that bytes are not a message. Close the connection.
var ErrWire = errors.New("raftcore: malformed bytes")

const (
	wireFormat  = 0x52
	headSize    = 17
	configStart = 9 // bytes of an encoded configuration in front of the servers
)

var le = binary.LittleEndian

// The highest version of each type that is known.
var wireVersions = [...]uint8{TypeAppendEntries: 2, TypeAppendEntriesResult: 3, TypeRequestVote: 2,
	TypeRequestVoteResult: 2, TypeInstallSnapshot: 1, TypeTimeoutNow: 0}

// coder encodes or decodes: each field is either appended to out or taken from in.
type coder struct {
	in       []byte
	out      []byte
	decoding bool
	version  uint8
	bad      string // not empty: what is wrong
}

func (c *coder) fail(why string) {
	if c.bad == "" {
		c.bad = why
	}
	c.in = nil
}

// take returns the next n bytes, or nil if there are not so many.
func (c *coder) take(n uint64) []byte {
	if n > uint64(len(c.in)) || c.bad != "" {
		c.fail("a message is cut off")
		return nil
	}
	b := c.in[:n:n]
	c.in = c.in[n:]
	return b
}

func (c *coder) u64(v *uint64) {
	if !c.decoding {
		c.out = le.AppendUint64(c.out, *v)
	} else if b := c.take(8); b != nil {
		*v = le.Uint64(b)
	}
}

func (c *coder) u32(v *uint32) {
	if !c.decoding {
		c.out = le.AppendUint32(c.out, *v)
	} else if b := c.take(4); b != nil {
		*v = le.Uint32(b)
	}
}

func (c *coder) u16(v *uint16) {
	if !c.decoding {
		c.out = le.AppendUint16(c.out, *v)
	} else if b := c.take(2); b != nil {
		*v = le.Uint16(b)
	}
}

func (c *coder) u8(v *uint8) {
	if !c.decoding {
		c.out = append(c.out, *v)
	} else if b := c.take(1); b != nil {
		*v = b[0]
	}
}

func (c *coder) boolean(v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	if c.u8(&n); n > 1 {
		c.fail("a boolean that is neither 0 nor 1")
	}
	*v = n == 1
}

func (c *coder) bytes(v *[]byte) {
	if uint64(len(*v)) > MaxMessage {
		c.fail("more bytes than a message can have")
		return
	}
	n := uint32(len(*v))
	c.u32(&n)
	if !c.decoding {
		c.out = append(c.out, *v...)
	} else if b := c.take(uint64(n)); len(b) > 0 {
		*v = b
	}
}

func (c *coder) entries(v *[]Entry) {
	n := uint32(len(*v))
	if c.u32(&n); c.decoding {
		if uint64(n)*13 > uint64(len(c.in)) {
			c.fail("more entries than there are bytes")
			return
		}
		if n > 0 {
			*v = make([]Entry, n)
		}
	}
	for i := range *v {
		e := &(*v)[i]
		kind := uint8(e.Type)
		if e.Type > math.MaxUint8 {
			c.fail("a type of an entry above 255")
		} else if kind == 0 && !c.decoding {
			kind = uint8(Command)
		}
		c.u64(&e.Term)
		c.u8(&kind)
		c.bytes(&e.Payload)
		e.Type = EntryType(kind)
	}
}

func (c *coder) configuration(v *[]Server) {
	var raw []byte
	var err error
	if !c.decoding {
		if raw, err = EncodeConfiguration(*v); err != nil {
			c.fail(err.Error())
		}
	}
	if c.bytes(&raw); c.decoding && c.bad == "" {
		if *v, err = DecodeConfiguration(raw); err != nil {
			c.fail(err.Error())
		}
	}
}

// body encodes or decodes the fields, in the order of raft.h.
func (c *coder) body(body Body) {
	v := c.version
	switch m := body.(type) {
	case *AppendEntries:
		c.u64s(&m.Term, &m.PrevLogIndex, &m.PrevLogTerm, &m.LeaderCommit)
		c.entries(&m.Entries)
		if v >= 1 {
			c.u64(&m.Round)
		}
		if v >= 2 {
			c.boolean(&m.Sleep)
		}
	case *AppendEntriesResult:
		c.u64s(&m.Term, &m.Rejected, &m.LastLogIndex)
		if v >= 1 {
			c.u16(&m.Features)
			c.u16(&m.Capacity)
		}
		if v >= 3 {
			c.u64s(&m.Round, &m.SnapshotIndex, &m.SnapshotOffset)
		}
	case *RequestVote:
		c.u64s(&m.Term, &m.CandidateID, &m.LastLogIndex, &m.LastLogTerm)
		if v >= 1 {
			c.boolean(&m.DisruptLeader)
			c.boolean(&m.PreVote)
		}
	case *RequestVoteResult:
		c.u64(&m.Term)
		c.boolean(&m.VoteGranted)
		if v >= 2 {
			c.boolean(&m.PreVote)
			c.u16(&m.Features)
			c.u16(&m.Capacity)
		}
	case *InstallSnapshot:
		c.u64s(&m.Term, &m.LastIndex, &m.LastTerm)
		c.configuration(&m.Configuration)
		c.u64(&m.ConfigurationIndex)
		c.bytes(&m.Data)
		if v >= 1 {
			c.u64(&m.Offset)
			c.boolean(&m.Last)
		} else if c.decoding {
			m.Last = true
		}
	case *TimeoutNow:
		c.u64s(&m.Term, &m.LastLogIndex, &m.LastLogTerm)
	}
}

func (c *coder) u64s(values ...*uint64) {
	for _, v := range values {
		c.u64(v)
	}
}

// newBody returns an empty body and the field for its version; nil for an unknown type.
func newBody(kind MessageType) (Body, *uint8) {
	switch kind {
	case TypeAppendEntries:
		m := &AppendEntries{}
		return m, &m.Version
	case TypeAppendEntriesResult:
		m := &AppendEntriesResult{}
		return m, &m.Version
	case TypeRequestVote:
		m := &RequestVote{}
		return m, &m.Version
	case TypeRequestVoteResult:
		m := &RequestVoteResult{}
		return m, &m.Version
	case TypeInstallSnapshot:
		m := &InstallSnapshot{}
		return m, &m.Version
	case TypeTimeoutNow:
		m := &TimeoutNow{}
		return m, &m.Version
	}
	return nil, nil
}

func versionOf(body Body) (uint8, bool) {
	switch m := body.(type) {
	case *AppendEntries:
		return m.Version, true
	case *AppendEntriesResult:
		return m.Version, true
	case *RequestVote:
		return m.Version, true
	case *RequestVoteResult:
		return m.Version, true
	case *InstallSnapshot:
		return m.Version, true
	case *TimeoutNow:
		return m.Version, true
	}
	return 0, false
}

// Encode returns the bytes of a message, which the documentation describes under "Messages as
// bytes". sender and address are the ID and the address of the server that sends it.
func Encode(m *Message, sender uint64, address string) ([]byte, error) {
	version, ok := versionOf(m.Body)
	if !ok {
		return nil, fmt.Errorf("raftcore: cannot encode a message of the type %T", m.Body)
	}
	if len(address) > math.MaxUint16 || strings.IndexByte(address, 0) >= 0 {
		return nil, errors.New("raftcore: an address with a zero byte, or a long one")
	}
	kind := m.Body.Type()
	if known := wireVersions[kind]; version > known {
		version = known
	}
	c := coder{version: version, out: make([]byte, 4, 128)}
	c.out = append(c.out, wireFormat, byte(kind), version)
	c.out = le.AppendUint64(c.out, sender)
	c.out = le.AppendUint16(c.out, uint16(len(address)))
	c.out = append(c.out, address...)
	if c.body(m.Body); c.bad == "" && len(c.out) > MaxMessage {
		c.bad = "longer than MaxMessage"
	}
	if c.bad != "" {
		return nil, errors.New("raftcore: cannot encode a message: " + c.bad)
	}
	le.PutUint32(c.out, uint32(len(c.out)))
	return c.out, nil
}

// Decode returns the message that b contains, whose server is the sender. Payloads and snapshot
// bytes are parts of b. The error is an ErrWire. The body of a message of an unknown type is an
// *UnknownMessage.
func Decode(b []byte) (*Message, error) {
	if len(b) < headSize || uint64(le.Uint32(b)) != uint64(len(b)) || b[4] != wireFormat {
		return nil, fmt.Errorf("%w: no head, or another length", ErrWire)
	}
	kind, version := MessageType(b[5]), b[6]
	c := coder{in: b[headSize:], decoding: true, version: version}
	address := c.take(uint64(le.Uint16(b[15:])))
	if bytes.IndexByte(address, 0) >= 0 {
		c.fail("a zero byte in the address of the sender")
	}
	m := &Message{ServerID: le.Uint64(b[7:]), ServerAddress: string(address)}
	body, to := newBody(kind)
	if body == nil {
		m.Body = &UnknownMessage{kind}
	} else {
		m.Body = body
		known := wireVersions[kind]
		if *to = version; version > known {
			*to = known
		}
		c.body(body)
		if len(c.in) > 0 && version <= known {
			c.fail("bytes behind the fields")
		}
	}
	if c.bad != "" {
		return nil, fmt.Errorf("%w: %s", ErrWire, c.bad)
	}
	if a, ok := m.Body.(*AppendEntries); ok {
		a.NEntries = uint32(len(a.Entries))
	}
	return m, nil
}

// ReadMessage reads the next message of a stream, such as a TCP connection. If it returns an error,
// close the connection. At the end of the stream the error is io.EOF.
func ReadMessage(r io.Reader) (*Message, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := le.Uint32(head[:])
	if n < headSize || n > MaxMessage {
		return nil, fmt.Errorf("%w: a message of %d bytes", ErrWire, n)
	}
	// Memory grows with what arrives, not with what the head announces.
	var b bytes.Buffer
	b.Write(head[:])
	if _, err := io.CopyN(&b, r, int64(n)-4); err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	} else if err != nil {
		return nil, err
	}
	return Decode(b.Bytes())
}

// EncodeConfiguration returns the payload of a Change entry.
func EncodeConfiguration(servers []Server) ([]byte, error) {
	b := append(make([]byte, 0, 64), 1)
	b = le.AppendUint64(b, uint64(len(servers)))
	for _, s := range servers {
		if strings.IndexByte(s.Address, 0) >= 0 || s.Role < 0 || s.Role > math.MaxUint8 {
			return nil, errors.New("raftcore: an address with a zero byte, or an unknown role")
		}
		b = le.AppendUint64(b, s.ID)
		b = append(append(b, s.Address...), 0, byte(s.Role))
	}
	return append(b, make([]byte, (8-len(b)%8)%8)...), nil
}

// DecodeConfiguration is the opposite of EncodeConfiguration. It does not check roles and IDs.
func DecodeConfiguration(b []byte) ([]Server, error) {
	if len(b)%8 != 0 || len(b) < configStart || b[0] != 1 {
		return nil, fmt.Errorf("%w: not a configuration", ErrWire)
	}
	n, b := le.Uint64(b[1:]), b[configStart:]
	if n > uint64(len(b))/10 {
		return nil, fmt.Errorf("%w: more servers than there are bytes", ErrWire)
	}
	servers := make([]Server, n)
	for i := range servers {
		end := -1
		if len(b) >= 10 {
			end = bytes.IndexByte(b[8:], 0) + 8
		}
		if end < 8 || end+1 >= len(b) {
			return nil, fmt.Errorf("%w: a server is cut off", ErrWire)
		}
		servers[i] = Server{le.Uint64(b), string(b[8:end]), Role(b[end+1])}
		b = b[end+2:]
	}
	if len(b) > 7 || len(bytes.Trim(b, "\x00")) > 0 {
		return nil, fmt.Errorf("%w: wrong padding of a configuration", ErrWire)
	}
	return servers, nil
}
