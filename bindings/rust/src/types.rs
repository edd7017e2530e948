// SPDX-License-Identifier: MIT
//! Values that go into events and come out of updates. They own what they hold.

use crate::codes::{Code, EntryType, ProgressMode, Role, TraceType};
use std::ffi::CString;
use std::sync::Arc;

/// Bytes that clones share: a payload, or bytes of a snapshot.
pub type Bytes = Arc<[u8]>;

/// One server of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Server {
    pub id: u64,
    pub address: CString,
    pub role: Role,
}

impl Server {
    /// A voter.
    ///
    /// # Panics
    /// If there is a zero byte in the address.
    pub fn voter(id: u64, address: &str) -> Server {
        let address = CString::new(address).expect("a zero byte in an address");
        Server { id, address, role: Role::VOTER }
    }
}

/// One log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Entry {
    pub term: u64,
    pub kind: EntryType,
    pub payload: Bytes,
    /// Set in updates: the position of the entry in the event, from 1; 0: the library created it.
    pub cookie: usize,
}

impl Entry {
    /// A command for the state machine.
    pub fn command(payload: impl Into<Bytes>) -> Entry {
        Entry { term: 0, kind: EntryType::COMMAND, payload: payload.into(), cookie: 0 }
    }
}

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident { $($(#[$d:meta])* $f:ident: $t:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub struct $name { $($(#[$d])* pub $f: $t,)* }
    )* };
}

plain! {
    /// Position and configuration of a snapshot.
    Snapshot { index: u64, term: u64, configuration: Vec<Server>, configuration_index: u64, }
    /// Replicates entries, or is a heartbeat. In an update, `n_entries` says how many entries from
    /// `prev_log_index + 1` on to put into `entries`. It is not read in an event.
    AppendEntries {
        version: u8, term: u64, prev_log_index: u64, prev_log_term: u64, leader_commit: u64,
        n_entries: u32, entries: Vec<Entry>, round: u64, sleep: bool,
    }
    /// Answers entries and snapshots.
    AppendEntriesResult {
        version: u8, term: u64, rejected: u64, last_log_index: u64, features: u16, capacity: u16,
        round: u64, snapshot_index: u64, snapshot_offset: u64,
    }
    /// Asks for a vote.
    RequestVote {
        version: u8, term: u64, candidate_id: u64, last_log_index: u64, last_log_term: u64,
        disrupt_leader: bool, pre_vote: bool,
    }
    /// Grants or refuses a vote.
    RequestVoteResult {
        version: u8, term: u64, vote_granted: bool, pre_vote: bool, features: u16, capacity: u16,
    }
    /// A snapshot, or a chunk of one. In an update, set `data` to bytes of the snapshot from
    /// `offset` on, and `last` to whether the snapshot ends there.
    InstallSnapshot {
        version: u8, term: u64, last_index: u64, last_term: u64, configuration: Vec<Server>,
        configuration_index: u64, data: Option<Bytes>, offset: u64, last: bool,
    }
    /// Asks the receiver to campaign at once.
    TimeoutNow { version: u8, term: u64, last_log_index: u64, last_log_term: u64, }
    /// Duty 2: delete the stored log from `index` on, append `batch` and, if it is not empty, step
    /// [`Event::Stored`](crate::Event::Stored) when it is durable.
    EntriesToWrite { index: u64, batch: Vec<Entry>, write: u64, }
    /// Duty 3: write a chunk of the snapshot that the leader is sending.
    ChunkToWrite { metadata: Snapshot, offset: u64, chunk: Option<Bytes>, last: bool, }
    /// The answer to a read. If `status` is `Code(0)`, serve it after applying entry `index`.
    ReadResult { id: u64, index: u64, status: Code, }
    /// What a leader knows of a member.
    Peer {
        mode: ProgressMode, features: u16, capacity: u16, matched: u64, next: u64,
        last_contact: u64, snapshot_index: u64, snapshot_offset: u64, data_losses: u64,
    }
    /// What a step changed and what to do: see [`flags`](crate::flags).
    Update {
        flags: u32, entries: Option<EntriesToWrite>, snapshot: Option<ChunkToWrite>,
        messages: Vec<Message>, reads: Vec<ReadResult>,
    }
    /// One record of a tracer.
    TraceRecord {
        kind: TraceType, code: i32, time: u64, server: u64, peer: u64, term: u64, index: u64,
        text: &'static str,
    }
}

impl Update {
    /// Duty 1: save the term and the vote before any message is sent.
    pub fn must_save(&self) -> bool {
        self.has(crate::flags::CURRENT_TERM | crate::flags::VOTED_FOR)
    }

    /// Is one of the bits set?
    pub fn has(&self, bits: u32) -> bool {
        self.flags & bits != 0
    }
}

/// What a message contains.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Body {
    AppendEntries(AppendEntries),
    AppendEntriesResult(AppendEntriesResult),
    RequestVote(RequestVote),
    RequestVoteResult(RequestVoteResult),
    InstallSnapshot(InstallSnapshot),
    TimeoutNow(TimeoutNow),
    /// A type that this version does not know. The library ignores it.
    Unknown(u8),
}

/// One message. In an update, the server is the receiver; in an event, and in bytes, the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Message {
    pub server_id: u64,
    pub server_address: CString,
    pub body: Body,
}

impl Default for Message {
    fn default() -> Message {
        Message { server_id: 0, server_address: CString::default(), body: Body::Unknown(0) }
    }
}

/// Something that happened. The fields are those of `raft.h`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Event {
    /// Load what is on disk: the first event.
    Start {
        term: u64,
        voted_for: u64,
        snapshot: Option<Snapshot>,
        start_index: u64,
        entries: Vec<Entry>,
    },
    Receive(Message),
    PersistedEntries {
        index: u64,
    },
    /// Index 0: the chunk could not be written.
    PersistedSnapshot {
        index: u64,
        term: u64,
        offset: u64,
        last: bool,
    },
    /// `RAFT_CONFIGURATION`, which has no effect.
    ConfigurationApplied {
        index: u64,
    },
    /// `RAFT_SNAPSHOT`: a snapshot of the state machine is durable.
    SnapshotTaken {
        index: u64,
        trailing: u32,
    },
    Timeout,
    Submit(Vec<Entry>),
    CatchUp(u64),
    Transfer(u64),
    Bootstrap(Vec<Server>),
    Reconfigure {
        configuration: Vec<Server>,
        force: bool,
    },
    Read {
        id: u64,
        lease: bool,
    },
    Unreachable(u64),
    Stored {
        index: u64,
        write: u64,
    },
    Recover(Vec<Server>),
    Sent {
        server_id: u64,
        index: u64,
    },
    Campaign,
    Wake,
}

impl Event {
    /// `Start` on an empty disk.
    pub fn start() -> Event {
        Event::Start { term: 0, voted_for: 0, snapshot: None, start_index: 1, entries: Vec::new() }
    }

    /// The event's type in `raft.h`.
    pub fn kind(&self) -> u32 {
        use crate::sys::*;
        match self {
            Event::Start { .. } => RAFT_START,
            Event::Receive(_) => RAFT_RECEIVE,
            Event::PersistedEntries { .. } => RAFT_PERSISTED_ENTRIES,
            Event::PersistedSnapshot { .. } => RAFT_PERSISTED_SNAPSHOT,
            Event::ConfigurationApplied { .. } => RAFT_CONFIGURATION,
            Event::SnapshotTaken { .. } => RAFT_SNAPSHOT,
            Event::Timeout => RAFT_TIMEOUT,
            Event::Submit(_) => RAFT_SUBMIT,
            Event::CatchUp(_) => RAFT_CATCH_UP,
            Event::Transfer(_) => RAFT_TRANSFER,
            Event::Bootstrap(_) => RAFT_BOOTSTRAP,
            Event::Reconfigure { .. } => RAFT_RECONFIGURE,
            Event::Read { .. } => RAFT_READ,
            Event::Unreachable(_) => RAFT_UNREACHABLE,
            Event::Stored { .. } => RAFT_STORED,
            Event::Recover(_) => RAFT_RECOVER,
            Event::Sent { .. } => RAFT_SENT,
            Event::Campaign => RAFT_CAMPAIGN,
            Event::Wake => RAFT_WAKE,
        }
    }
}
