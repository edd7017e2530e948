// SPDX-License-Identifier: MIT

package raftcore

// #include "shim.h"
import "C"

import (
	"math"
	"strings"
	"unsafe"
)

// arena is memory of C for what one event points to. It is used again for the next event.
type arena struct {
	block      unsafe.Pointer
	size, used uintptr
	full       []unsafe.Pointer // blocks that were too small
	sources    []Entry          // the entries of the event, to which cookies refer
	data       []byte           // the chunk of a snapshot in the event
}

const arenaKept = 64 << 10 // A larger block is freed after its event.

// reset makes the arena empty.
func (a *arena) reset() {
	for _, p := range a.full {
		C.free(p)
	}
	a.full, a.used, a.sources, a.data = nil, 0, nil, nil
	if a.size > arenaKept {
		C.free(a.block)
		a.block, a.size = nil, 0
	}
}

func (a *arena) free() {
	a.reset()
	C.free(a.block)
	a.block, a.size = nil, 0
}

// alloc returns zeroed memory that is aligned for every struct of the library.
func (a *arena) alloc(n uintptr) unsafe.Pointer {
	n = (n + 15) &^ 15
	if n > a.size-a.used {
		if a.block != nil {
			a.full = append(a.full, a.block)
		}
		a.size = 2*a.size + 1024
		if a.size < n {
			a.size = n
		}
		a.block, a.used = C.malloc(C.size_t(a.size)), 0 // does not return if memory runs out
	}
	p := unsafe.Add(a.block, a.used)
	a.used += n
	b := unsafe.Slice((*byte)(p), n)
	for i := range b {
		b[i] = 0
	}
	return p
}

// bytes copies bytes; nil if there are none.
func (a *arena) bytes(b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	p := a.alloc(uintptr(len(b)))
	copy(unsafe.Slice((*byte)(p), len(b)), b)
	return p
}

// text copies a string and adds the zero byte.
func (a *arena) text(s string) (*C.char, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, &Error{ErrInvalid, "a zero byte in an address"}
	}
	p := a.alloc(uintptr(len(s)) + 1)
	copy(unsafe.Slice((*byte)(p), len(s)), s)
	return (*C.char)(p), nil
}

func (a *arena) configuration(to *C.struct_raft_configuration, servers []Server) error {
	if len(servers) == 0 {
		return nil
	}
	if len(servers) > math.MaxInt32 {
		return &Error{ErrTooBig, "too many servers"}
	}
	to.servers = (*C.struct_raft_server)(a.alloc(uintptr(len(servers)) * C.sizeof_struct_raft_server))
	to.n = C.uint(len(servers))
	array := unsafe.Slice(to.servers, len(servers))
	for i := range servers {
		address, err := a.text(servers[i].Address)
		if err != nil {
			return err
		}
		array[i].id, array[i].address = C.raft_id(servers[i].ID), address
		array[i].role = C.int(servers[i].Role)
	}
	return nil
}

// entries makes an array of entries. The library reads payloads of Change entries only; the others
// remain where they are, and are found again by the cookie, which is the position, from 1.
func (a *arena) entries(entries []Entry) (*C.struct_raft_entry, C.uint, error) {
	if len(entries) == 0 {
		return nil, 0, nil
	}
	if len(entries) > math.MaxInt32 {
		return nil, 0, &Error{ErrTooBig, "too many entries"}
	}
	first := (*C.struct_raft_entry)(a.alloc(uintptr(len(entries)) * C.sizeof_struct_raft_entry))
	array := unsafe.Slice(first, len(entries))
	for i := range entries {
		from, to := &entries[i], &array[i]
		kind := from.Type
		if kind == 0 {
			kind = Command
		}
		to.term, to._type = C.raft_term(from.Term), uint32(kind)
		if kind == Change {
			to.buf.base, to.buf.len = a.bytes(from.Payload), C.size_t(len(from.Payload))
		}
		*cookie(to) = uintptr(i + 1)
	}
	a.sources = entries
	return first, C.uint(len(entries)), nil
}

// cookie is the field of that name. Never read `batch`: the garbage collector ends the program if
// it finds a small integer in a pointer.
func cookie(e *C.struct_raft_entry) *uintptr { return (*uintptr)(unsafe.Pointer(&e.anon0)) }
