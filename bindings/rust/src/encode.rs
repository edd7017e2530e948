// SPDX-License-Identifier: MIT
//! Events as structs of C. The arrays that they point to are in `Scratch`, payloads in the event.

use crate::codes::{Code, EntryType, Error};
use crate::sys;
use crate::types::{Body, Entry, Event, Message, Server};
use std::os::raw::{c_uint, c_void};
use std::ptr;

/// Arrays that an event points to. None of them grows after a pointer to it was taken.
#[derive(Default)]
pub struct Scratch {
    entries: Vec<sys::raft_entry>,
    servers: Vec<sys::raft_server>,
    metadata: Option<Box<sys::raft_snapshot_metadata>>,
    message: Option<Box<sys::raft_message>>,
}

fn count(n: usize) -> Result<c_uint, Error> {
    c_uint::try_from(n).map_err(|_| Error { code: Code::TOOBIG, text: "too many".into() })
}

impl Scratch {
    /// Entries; called once in an event. The library reads payloads of the type CHANGE only.
    fn entries(&mut self, entries: &[Entry]) -> Result<(*mut sys::raft_entry, c_uint), Error> {
        let n = count(entries.len())?;
        self.entries.clear();
        self.entries.extend(entries.iter().enumerate().map(|(i, e)| sys::raft_entry {
            term: e.term,
            r#type: e.kind.0,
            buf: if e.kind == EntryType::CHANGE { buffer(&e.payload) } else { buffer(&[]) },
            cookie: i + 1,
        }));
        let first = if n == 0 { ptr::null_mut() } else { self.entries.as_mut_ptr() };
        Ok((first, n))
    }

    /// Servers; called once in an event.
    fn servers(&mut self, servers: &[Server]) -> Result<sys::raft_configuration, Error> {
        let n = count(servers.len())?;
        self.servers.clear();
        self.servers.extend(servers.iter().map(|s| sys::raft_server {
            id: s.id,
            address: s.address.as_ptr(),
            role: s.role.0,
        }));
        let first = if n == 0 { ptr::null_mut() } else { self.servers.as_mut_ptr() };
        Ok(sys::raft_configuration { servers: first, n })
    }
}

/// C does not write there, though the pointer could.
fn buffer(bytes: &[u8]) -> sys::raft_buffer {
    let base = if bytes.is_empty() { ptr::null() } else { bytes.as_ptr() };
    sys::raft_buffer { base: base as *mut c_void, len: bytes.len() }
}

/// An event whose fields are zero.
pub fn zeroed() -> sys::raft_event {
    // SAFETY: numbers, null pointers and false.
    unsafe { std::mem::zeroed() }
}

fn empty_configuration() -> sys::raft_configuration {
    sys::raft_configuration { servers: ptr::null_mut(), n: 0 }
}

/// Fills a zeroed event. It points to `event` and `scratch`.
pub fn fill(c: &mut sys::raft_event, event: &Event, scratch: &mut Scratch) -> Result<(), Error> {
    c.r#type = event.kind();
    match event {
        Event::Start { term, voted_for, snapshot, start_index, entries } => {
            let mut metadata = ptr::null_mut();
            if let Some(s) = snapshot {
                let configuration = scratch.servers(&s.configuration)?;
                let boxed = scratch.metadata.insert(Box::new(sys::raft_snapshot_metadata {
                    index: s.index,
                    term: s.term,
                    configuration,
                    configuration_index: s.configuration_index,
                }));
                metadata = &mut **boxed as *mut _;
            }
            let (entries, n_entries) = scratch.entries(entries)?;
            c.u.start = sys::raft_event_start {
                term: *term,
                voted_for: *voted_for,
                metadata,
                start_index: *start_index,
                entries,
                n_entries,
            };
        }
        Event::Receive(message) => {
            let filled = fill_message(message, scratch)?;
            let boxed = scratch.message.insert(Box::new(filled));
            c.u.receive = sys::raft_event_receive { message: &mut **boxed as *mut _ };
        }
        Event::PersistedEntries { index } => {
            c.u.persisted_entries = sys::raft_event_persisted_entries { index: *index };
        }
        Event::PersistedSnapshot { index, term, offset, last } => {
            let metadata = sys::raft_snapshot_metadata {
                index: *index,
                term: *term,
                configuration: empty_configuration(),
                configuration_index: 0,
            };
            c.u.persisted_snapshot =
                sys::raft_event_persisted_snapshot { metadata, offset: *offset, last: *last };
        }
        Event::ConfigurationApplied { index } => {
            c.u.configuration =
                sys::raft_event_configuration { index: *index, conf: empty_configuration() };
        }
        Event::SnapshotTaken { index, trailing } => {
            let metadata = sys::raft_snapshot_metadata {
                index: *index,
                term: 0,
                configuration: empty_configuration(),
                configuration_index: 0,
            };
            c.u.snapshot = sys::raft_event_snapshot { metadata, trailing: *trailing };
        }
        Event::Timeout | Event::Campaign | Event::Wake => {}
        Event::Submit(entries) => {
            let (entries, n) = scratch.entries(entries)?;
            c.u.submit = sys::raft_event_submit { entries, n };
        }
        Event::CatchUp(id) => c.u.catch_up = sys::raft_event_catch_up { server_id: *id },
        Event::Transfer(id) => c.u.transfer = sys::raft_event_transfer { server_id: *id },
        Event::Bootstrap(servers) => {
            c.u.bootstrap = sys::raft_event_bootstrap { conf: scratch.servers(servers)? };
        }
        Event::Reconfigure { configuration, force } => {
            let conf = scratch.servers(configuration)?;
            c.u.reconfigure = sys::raft_event_reconfigure { conf, force: *force };
        }
        Event::Read { id, lease } => {
            c.u.read = sys::raft_event_read { id: *id, lease: *lease };
        }
        Event::Unreachable(id) => {
            c.u.unreachable = sys::raft_event_unreachable { server_id: *id };
        }
        Event::Stored { index, write } => {
            c.u.stored = sys::raft_event_stored { index: *index, write: *write };
        }
        Event::Recover(servers) => {
            c.u.recover = sys::raft_event_recover { conf: scratch.servers(servers)? };
        }
        Event::Sent { server_id, index } => {
            c.u.sent = sys::raft_event_sent { server_id: *server_id, index: *index };
        }
    }
    Ok(())
}

fn fill_message(m: &Message, scratch: &mut Scratch) -> Result<sys::raft_message, Error> {
    let mut u = sys::raft_message_union { reserved_union: [0; 16] };
    let kind = match &m.body {
        Body::AppendEntries(b) => {
            let (entries, n_entries) = scratch.entries(&b.entries)?;
            u.append_entries = sys::raft_append_entries {
                version: b.version,
                term: b.term,
                prev_log_index: b.prev_log_index,
                prev_log_term: b.prev_log_term,
                leader_commit: b.leader_commit,
                entries,
                n_entries,
                round: b.round,
                sleep: b.sleep,
            };
            sys::RAFT_APPEND_ENTRIES
        }
        Body::AppendEntriesResult(b) => {
            u.append_entries_result = sys::raft_append_entries_result {
                version: b.version,
                term: b.term,
                rejected: b.rejected,
                last_log_index: b.last_log_index,
                features: b.features,
                capacity: b.capacity,
                round: b.round,
                snapshot_index: b.snapshot_index,
                snapshot_offset: b.snapshot_offset,
            };
            sys::RAFT_APPEND_ENTRIES_RESULT
        }
        Body::RequestVote(b) => {
            u.request_vote = sys::raft_request_vote {
                version: b.version,
                term: b.term,
                candidate_id: b.candidate_id,
                last_log_index: b.last_log_index,
                last_log_term: b.last_log_term,
                disrupt_leader: b.disrupt_leader,
                pre_vote: b.pre_vote,
            };
            sys::RAFT_REQUEST_VOTE
        }
        Body::RequestVoteResult(b) => {
            u.request_vote_result = sys::raft_request_vote_result {
                version: b.version,
                term: b.term,
                vote_granted: b.vote_granted,
                pre_vote: b.pre_vote,
                features: b.features,
                capacity: b.capacity,
            };
            sys::RAFT_REQUEST_VOTE_RESULT
        }
        Body::InstallSnapshot(b) => {
            u.install_snapshot = sys::raft_install_snapshot {
                version: b.version,
                term: b.term,
                last_index: b.last_index,
                last_term: b.last_term,
                conf: scratch.servers(&b.configuration)?,
                conf_index: b.configuration_index,
                data: buffer(b.data.as_deref().unwrap_or(&[])),
                offset: b.offset,
                last: b.last,
            };
            sys::RAFT_INSTALL_SNAPSHOT
        }
        Body::TimeoutNow(b) => {
            u.timeout_now = sys::raft_timeout_now {
                version: b.version,
                term: b.term,
                last_log_index: b.last_log_index,
                last_log_term: b.last_log_term,
            };
            sys::RAFT_TIMEOUT_NOW
        }
        Body::Unknown(kind) => {
            let kind = u32::from(*kind);
            if (sys::RAFT_APPEND_ENTRIES..=sys::RAFT_TIMEOUT_NOW).contains(&kind) {
                return Err(Error { code: Code::INVALID, text: "a known type".into() });
            }
            kind
        }
    };
    let server_address = m.server_address.as_ptr();
    Ok(sys::raft_message { r#type: kind, server_id: m.server_id, server_address, u })
}
