// SPDX-License-Identifier: MIT
//! A server, its disk and its state machine.

use crate::transcript::{self, hexadecimal};
use raft_core::*;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const CHUNK: usize = 1000;

#[derive(Default)]
pub struct Node {
    pub id: u64,
    pub raft: Option<Raft>,
    pub cut: bool,
    pub limit: u32,
    // On disk.
    term: u64,
    vote: u64,
    first: u64,
    log: Vec<Entry>,
    snapshot: Option<Snapshot>,
    data: Vec<u8>,
    incoming: Option<Snapshot>,
    incoming_data: Vec<u8>,
    // The state machine, and the answers to reads.
    pub applied: u64,
    pub state: Vec<u8>,
    pub reads: Vec<ReadResult>,
}

impl Node {
    pub fn raft(&self) -> &Raft {
        self.raft.as_ref().expect("it runs")
    }
}

#[derive(Default)]
pub struct World {
    pub nodes: Vec<Node>,
    pub network: VecDeque<(u64, u64, Vec<u8>)>,
    pub now: u64,
    pub out: String,
    command: usize,
    traced: Arc<Mutex<String>>,
}

impl World {
    pub fn node(&mut self, id: u64) -> &mut Node {
        &mut self.nodes[id as usize - 1]
    }

    pub fn raft(&self, id: u64) -> &Raft {
        self.nodes[id as usize - 1].raft()
    }

    pub fn mark(&mut self, text: &str) {
        writeln!(self.out, "{text}").unwrap();
    }

    pub fn add(&mut self, id: u64) {
        self.nodes.push(Node { id, first: 1, ..Node::default() });
        self.start(id);
    }

    pub fn start(&mut self, id: u64) {
        let mut raft = Raft::new(id, &id.to_string()).unwrap();
        raft.set_seed(id as u32 * 1000).unwrap();
        raft.set_features(ALL_FEATURES).unwrap();
        raft.set_max_message_entries(50).unwrap();
        if id == 1 {
            let traced = self.traced.clone();
            raft.set_tracer(move |t| transcript::trace(&mut traced.lock().unwrap(), t));
        }
        let n = self.node(id);
        n.raft = Some(raft);
        n.applied = 0;
        n.state.clear();
        n.reads.clear();
        let event = Event::Start {
            term: n.term,
            voted_for: n.vote,
            snapshot: n.snapshot.clone(),
            start_index: n.first,
            entries: n.log.clone(),
        };
        self.step(id, &event).unwrap();
    }

    pub fn step(&mut self, id: u64, event: &Event) -> std::result::Result<(), Code> {
        let now = self.now;
        let raft = self.node(id).raft.as_mut().expect("it runs");
        let result = raft.step_with_capacity(event, now, id as u16 * 100);
        self.out += &std::mem::take(&mut *self.traced.lock().unwrap());
        let (code, flags) = match &result {
            Ok(update) => (0, update.flags),
            Err(error) => (error.code.0, 0),
        };
        let words = transcript::getters(self.raft(id));
        write!(self.out, "u {id} {now} {} {code} {flags} {words}", event.kind()).unwrap();
        match result {
            Ok(update) => {
                self.out.push('\n');
                self.carry_out(id, event, update);
                Ok(())
            }
            Err(error) => {
                writeln!(self.out, " {}", error.text).unwrap();
                Err(error.code)
            }
        }
    }

    fn carry_out(&mut self, id: u64, event: &Event, update: Update) {
        let (mut cuts, mut acks) = (Vec::new(), Vec::new());
        let out = &mut self.out;
        let n = &mut self.nodes[id as usize - 1];
        if update.must_save() {
            n.term = n.raft().current_term();
            n.vote = n.raft().voted_for();
        }
        if let Some(e) = &update.entries {
            writeln!(out, "e {} {} {}", e.index, e.batch.len(), e.write).unwrap();
            if n.log.is_empty() {
                n.first = e.index;
            }
            n.log.truncate((e.index - n.first) as usize);
            for x in &e.batch {
                let payload = hexadecimal(&x.payload);
                writeln!(out, " {} {} {} {payload}", x.term, x.kind.0, x.cookie).unwrap();
                n.log.push(x.clone());
            }
            if !e.batch.is_empty() {
                let index = e.index + e.batch.len() as u64 - 1;
                acks.push(Event::Stored { index, write: e.write });
            }
        }
        if let Some(s) = &update.snapshot {
            transcript::snapshot(out, s);
            if s.offset == 0 {
                n.incoming = Some(s.metadata.clone());
                n.incoming_data.clear();
            }
            assert_eq!(n.incoming_data.len() as u64, s.offset);
            n.incoming_data.extend(s.chunk.as_deref().unwrap_or(&[]));
            let (index, term) = (s.metadata.index, s.metadata.term);
            acks.push(Event::PersistedSnapshot { index, term, offset: s.offset, last: s.last });
        }
        for mut m in update.messages {
            transcript::message(out, &m);
            cuts.extend(n.attach(&mut m));
            let raw = wire::encode(&m, id, &id.to_string()).unwrap();
            self.network.push_back((id, m.server_id, raw));
        }
        for r in update.reads {
            writeln!(out, "r {} {} {}", r.id, r.index, r.status.0).unwrap();
            n.reads.push(r);
        }
        if matches!(event, Event::PersistedSnapshot { .. }) {
            n.install();
        }
        if update.flags & flags::COMMIT_INDEX != 0 {
            n.apply();
        }
        for next in cuts.into_iter().chain(acks) {
            self.step(id, &next).unwrap();
        }
    }

    pub fn take_snapshot(&mut self, id: u64) {
        let n = self.node(id);
        let index = n.applied;
        let (configuration, configuration_index) = n.raft().configuration_at(index).unwrap();
        let term = n.raft().term_of(index);
        n.snapshot = Some(Snapshot { index, term, configuration, configuration_index });
        n.data = n.state.clone();
        self.step(id, &Event::SnapshotTaken { index, trailing: 5 }).unwrap();
        let n = self.node(id);
        let first = n.raft().first_index();
        n.log.drain(..(first - n.first) as usize);
        n.first = first;
    }

    pub fn submit(&mut self, id: u64, n: usize) -> std::result::Result<(), Code> {
        let commands = self.command..self.command + n;
        self.command += n;
        let payload = |c| if c % 500 == 499 { String::new() } else { format!("cmd-{c}") };
        let entries = commands.map(|c| Entry::command(payload(c).into_bytes())).collect();
        self.step(id, &Event::Submit(entries))
    }

    pub fn line_progress(&mut self, l: u64, id: u64) {
        let p = self.raft(l).progress(id).unwrap();
        let line = format!(
            "p {id} {} {} {} {} {} {} {} {} {}",
            p.mode.0,
            p.features,
            p.capacity,
            p.matched,
            p.next,
            p.last_contact,
            p.snapshot_index,
            p.snapshot_offset,
            p.data_losses
        );
        self.mark(&line);
    }
}

impl Node {
    /// Attach entries or bytes. If the message was cut, returns the event that says so.
    fn attach(&self, m: &mut Message) -> Option<Event> {
        let mut cut = None;
        match &mut m.body {
            Body::AppendEntries(a) => {
                let mut n = a.n_entries;
                if self.limit > 0 && n > self.limit {
                    n = self.limit;
                    let index = a.prev_log_index + u64::from(n);
                    cut = Some(Event::Sent { server_id: m.server_id, index });
                }
                let at = (a.prev_log_index + 1 - self.first) as usize;
                a.entries = self.log[at..at + n as usize].to_vec();
            }
            Body::InstallSnapshot(i) => {
                assert_eq!(Some(i.last_index), self.snapshot.as_ref().map(|s| s.index));
                let rest = &self.data[i.offset as usize..];
                i.last = rest.len() <= CHUNK;
                i.data = Some(rest[..rest.len().min(CHUNK)].into());
            }
            _ => {}
        }
        cut
    }

    fn install(&mut self) {
        let have = self.snapshot.as_ref().map_or(0, |s| s.index);
        if self.raft().snapshot_index() != have {
            self.snapshot = self.incoming.clone();
            self.data = self.incoming_data.clone();
            self.log.clear();
            self.first = self.raft().snapshot_index() + 1;
        }
    }

    fn apply(&mut self) {
        while self.applied < self.raft().commit_index() {
            let i = self.applied + 1;
            if i < self.first || i >= self.first + self.log.len() as u64 {
                let s = self.snapshot.as_ref().expect("a snapshot");
                assert!(s.index >= i);
                self.state = self.data.clone();
                self.applied = s.index;
                continue;
            }
            let entry = &self.log[(i - self.first) as usize];
            if entry.kind == EntryType::COMMAND {
                self.state.extend(&*entry.payload);
                self.state.push(b'\n');
            }
            self.applied = i;
        }
    }
}
