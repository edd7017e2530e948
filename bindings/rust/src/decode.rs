// SPDX-License-Identifier: MIT
//! Updates of C as values that own what they hold.

use crate::codes::{Code, EntryType, Role};
use crate::sys;
use crate::types::*;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_uint};

/// # Safety
/// NULL, or `n` valid elements.
unsafe fn slice<'a, T>(first: *const T, n: c_uint) -> &'a [T] {
    if n == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(first, n as usize)
    }
}

/// # Safety
/// NULL, or a string of C.
pub unsafe fn text(address: *const c_char) -> CString {
    if address.is_null() {
        CString::default()
    } else {
        CStr::from_ptr(address).to_owned()
    }
}

/// # Safety
/// A configuration of the library.
pub unsafe fn servers(c: &sys::raft_configuration) -> Vec<Server> {
    let array = slice(c.servers, c.n);
    array
        .iter()
        .map(|s| Server { id: s.id, address: text(s.address), role: Role(s.role) })
        .collect()
}

/// The entries that an event brought, to which cookies refer.
fn given(event: &Event) -> &[Entry] {
    match event {
        Event::Submit(entries) => entries,
        Event::Receive(Message { body: Body::AppendEntries(m), .. }) => &m.entries,
        _ => &[],
    }
}

unsafe fn entry(c: &sys::raft_entry, sources: &[Entry]) -> Entry {
    let payload = if c.cookie != 0 {
        sources[c.cookie - 1].payload.clone()
    } else if c.buf.len == 0 {
        Bytes::from(&[][..])
    } else {
        Bytes::from(std::slice::from_raw_parts(c.buf.base as *const u8, c.buf.len))
    };
    Entry { term: c.term, kind: EntryType(c.r#type), payload, cookie: c.cookie }
}

/// # Safety
/// The update of a step of this event that succeeded, before the next step.
pub unsafe fn update(c: &sys::raft_update, event: &Event) -> Update {
    let mut u = Update { flags: c.flags, ..Update::default() };
    if u.has(sys::RAFT_UPDATE_ENTRIES) {
        let (e, sources) = (&c.entries, given(event));
        let batch = slice(e.batch, e.n).iter().map(|x| entry(x, sources)).collect();
        u.entries = Some(EntriesToWrite { index: e.index, batch, write: e.write });
    }
    if u.has(sys::RAFT_UPDATE_SNAPSHOT) {
        let (s, m) = (&c.snapshot, &c.snapshot.metadata);
        let chunk = match event {
            Event::Receive(Message { body: Body::InstallSnapshot(i), .. }) => i.data.clone(),
            _ => None,
        };
        let metadata = Snapshot {
            index: m.index,
            term: m.term,
            configuration: servers(&m.configuration),
            configuration_index: m.configuration_index,
        };
        u.snapshot = Some(ChunkToWrite { metadata, offset: s.offset, chunk, last: s.last });
    }
    if u.has(sys::RAFT_UPDATE_MESSAGES) {
        let batch = slice(c.messages.batch, c.messages.n);
        u.messages = batch.iter().map(|m| message(m)).collect();
    }
    if u.has(sys::RAFT_UPDATE_READS) {
        u.reads = slice(c.reads.batch, c.reads.n)
            .iter()
            .map(|r| ReadResult { id: r.id, index: r.index, status: Code(r.status) })
            .collect();
    }
    u
}

unsafe fn message(c: &sys::raft_message) -> Message {
    let body = match c.r#type {
        sys::RAFT_APPEND_ENTRIES => {
            let m = &c.u.append_entries;
            Body::AppendEntries(AppendEntries {
                version: m.version,
                term: m.term,
                prev_log_index: m.prev_log_index,
                prev_log_term: m.prev_log_term,
                leader_commit: m.leader_commit,
                n_entries: m.n_entries,
                entries: Vec::new(),
                round: m.round,
                sleep: m.sleep,
            })
        }
        sys::RAFT_APPEND_ENTRIES_RESULT => {
            let m = &c.u.append_entries_result;
            Body::AppendEntriesResult(AppendEntriesResult {
                version: m.version,
                term: m.term,
                rejected: m.rejected,
                last_log_index: m.last_log_index,
                features: m.features,
                capacity: m.capacity,
                round: m.round,
                snapshot_index: m.snapshot_index,
                snapshot_offset: m.snapshot_offset,
            })
        }
        sys::RAFT_REQUEST_VOTE => {
            let m = &c.u.request_vote;
            Body::RequestVote(RequestVote {
                version: m.version,
                term: m.term,
                candidate_id: m.candidate_id,
                last_log_index: m.last_log_index,
                last_log_term: m.last_log_term,
                disrupt_leader: m.disrupt_leader,
                pre_vote: m.pre_vote,
            })
        }
        sys::RAFT_REQUEST_VOTE_RESULT => {
            let m = &c.u.request_vote_result;
            Body::RequestVoteResult(RequestVoteResult {
                version: m.version,
                term: m.term,
                vote_granted: m.vote_granted,
                pre_vote: m.pre_vote,
                features: m.features,
                capacity: m.capacity,
            })
        }
        sys::RAFT_INSTALL_SNAPSHOT => {
            let m = &c.u.install_snapshot;
            Body::InstallSnapshot(InstallSnapshot {
                version: m.version,
                term: m.term,
                last_index: m.last_index,
                last_term: m.last_term,
                configuration: servers(&m.conf),
                configuration_index: m.conf_index,
                data: None,
                offset: m.offset,
                last: m.last,
            })
        }
        sys::RAFT_TIMEOUT_NOW => {
            let m = &c.u.timeout_now;
            Body::TimeoutNow(TimeoutNow {
                version: m.version,
                term: m.term,
                last_log_index: m.last_log_index,
                last_log_term: m.last_log_term,
            })
        }
        other => Body::Unknown(other as u8),
    };
    Message { server_id: c.server_id, server_address: text(c.server_address), body }
}
