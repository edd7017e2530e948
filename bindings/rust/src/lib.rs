// SPDX-License-Identifier: MIT
//! The Raft consensus algorithm as a state machine that performs no I/O: the binding of
//! libraft-core.
//!
//! A program passes each thing that happens to [`Raft::step`] as an [`Event`], and carries out the
//! [`Update`] that it gets. The comments of `raft.h` are the reference, and the names are the same:
//! `RAFT_STORED` is [`Event::Stored`], `raft_commit_index()` is [`Raft::commit_index`].
//!
//! Updates own what they hold. Payloads are [`Bytes`], which clones share: an update has the
//! payloads of its event without a copy of the bytes.
//!
//! ```
//! use raft_core::{Entry, Event, Raft, Server, State};
//!
//! let mut raft = Raft::new(1, "one")?;
//! raft.step(&Event::start(), 0)?;
//! raft.step(&Event::Bootstrap(vec![Server::voter(1, "one")]), 0)?;
//! raft.step(&Event::PersistedEntries { index: 1 }, 0)?;
//! while raft.state() != State::LEADER {
//!     let deadline = raft.timeout().unwrap();
//!     raft.step(&Event::Timeout, deadline)?;
//! }
//! let update = raft.step(&Event::Submit(vec![Entry::command(&b"red"[..])]), 5000)?;
//! let entries = update.entries.unwrap();
//! assert_eq!(&*entries.batch[0].payload, b"red");
//! raft.step(&Event::Stored { index: entries.index, write: entries.write }, 5000)?;
//! assert_eq!(raft.commit_index(), raft.last_index());
//! # Ok::<(), raft_core::Error>(())
//! ```
//!
//! A raft can move to another thread, but threads cannot share it:
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<raft_core::Raft>();
//! ```
#![warn(missing_docs)]

mod codes;
mod decode;
mod encode;
mod raft;
mod settings;
#[rustfmt::skip] // generated
pub mod sys;
mod types;
pub mod wire;

pub use codes::*;
pub use raft::{version, Raft};
pub use types::*;
