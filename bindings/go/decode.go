// SPDX-License-Identifier: MIT

package raftcore

// #include "shim.h"
import "C"

import "unsafe"

// decode copies an update. The arena knows what came with the event.
func decode(c *C.struct_raft_update, a *arena) *Update {
	u := &Update{Flags: UpdateFlag(c.flags)}
	if u.Has(UpdateEntries) {
		u.Entries = &EntriesToWrite{uint64(c.entries.index),
			decodeEntries(c.entries.batch, int(c.entries.n), a.sources), uint64(c.entries.write)}
	}
	if u.Has(UpdateSnapshot) {
		m := &c.snapshot.metadata
		u.Snapshot = &ChunkToWrite{Snapshot{uint64(m.index), uint64(m.term), servers(&m.configuration),
			uint64(m.configuration_index)}, uint64(c.snapshot.offset),
			a.data, bool(c.snapshot.last)}
	}
	if u.Has(UpdateMessages) {
		u.Messages = make([]Message, c.messages.n)
		for i := range u.Messages {
			m := &unsafe.Slice(c.messages.batch, len(u.Messages))[i]
			u.Messages[i] = Message{uint64(m.server_id), C.GoString(m.server_address), decodeBody(m)}
		}
	}
	if u.Has(UpdateReads) {
		u.Reads = make([]ReadResult, c.reads.n)
		for i := range u.Reads {
			read := &unsafe.Slice(c.reads.batch, len(u.Reads))[i]
			u.Reads[i] = ReadResult{uint64(read.id), uint64(read.index), Code(read.status)}
		}
	}
	return u
}

func decodeEntries(first *C.struct_raft_entry, n int, sources []Entry) []Entry {
	if n == 0 {
		return nil
	}
	entries := make([]Entry, n)
	array := unsafe.Slice(first, n)
	for i := range array {
		c, e := &array[i], &entries[i]
		e.Cookie = uint64(*cookie(c))
		if e.Cookie != 0 {
			source := &sources[e.Cookie-1]
			e.Payload, e.Context = source.Payload, source.Context
		} else if c.buf.len > 0 {
			e.Payload = append([]byte(nil), unsafe.Slice((*byte)(c.buf.base), c.buf.len)...)
		}
		e.Term, e.Type = uint64(c.term), EntryType(c._type)
	}
	return entries
}

func servers(c *C.struct_raft_configuration) []Server {
	result := make([]Server, c.n)
	for i := range result {
		s := &unsafe.Slice(c.servers, len(result))[i]
		result[i] = Server{uint64(s.id), C.GoString(s.address), Role(s.role)}
	}
	return result
}

func decodeBody(c *C.struct_raft_message) Body {
	union := unsafe.Pointer(&c.anon0)
	switch c._type {
	case C.RAFT_APPEND_ENTRIES:
		m := (*C.struct_raft_append_entries)(union)
		return &AppendEntries{Version: uint8(m.version), Term: uint64(m.term),
			PrevLogIndex: uint64(m.prev_log_index), PrevLogTerm: uint64(m.prev_log_term),
			LeaderCommit: uint64(m.leader_commit), NEntries: uint32(m.n_entries),
			Round: uint64(m.round), Sleep: bool(m.sleep)}
	case C.RAFT_APPEND_ENTRIES_RESULT:
		m := (*C.struct_raft_append_entries_result)(union)
		return &AppendEntriesResult{uint8(m.version), uint64(m.term), uint64(m.rejected),
			uint64(m.last_log_index), uint16(m.features), uint16(m.capacity), uint64(m.round),
			uint64(m.snapshot_index), uint64(m.snapshot_offset)}
	case C.RAFT_REQUEST_VOTE:
		m := (*C.struct_raft_request_vote)(union)
		return &RequestVote{uint8(m.version), uint64(m.term), uint64(m.candidate_id),
			uint64(m.last_log_index), uint64(m.last_log_term), bool(m.disrupt_leader), bool(m.pre_vote)}
	case C.RAFT_REQUEST_VOTE_RESULT:
		m := (*C.struct_raft_request_vote_result)(union)
		return &RequestVoteResult{uint8(m.version), uint64(m.term), bool(m.vote_granted),
			bool(m.pre_vote), uint16(m.features), uint16(m.capacity)}
	case C.RAFT_INSTALL_SNAPSHOT:
		m := (*C.struct_raft_install_snapshot)(union)
		return &InstallSnapshot{Version: uint8(m.version), Term: uint64(m.term),
			LastIndex: uint64(m.last_index), LastTerm: uint64(m.last_term),
			Configuration: servers(&m.conf), ConfigurationIndex: uint64(m.conf_index),
			Offset: uint64(m.offset), Last: bool(m.last)}
	case C.RAFT_TIMEOUT_NOW:
		m := (*C.struct_raft_timeout_now)(union)
		return &TimeoutNow{uint8(m.version), uint64(m.term), uint64(m.last_log_index),
			uint64(m.last_log_term)}
	default:
		return &UnknownMessage{MessageType(c._type)}
	}
}
