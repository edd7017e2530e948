// SPDX-License-Identifier: MIT
//! The digest program in Rust: see `bindings/digest/README.md`.
//!
//!     digest TRANSCRIPT       write the transcript
//!     digest --bench STEPS    print the time of a step

mod bench;
mod server;
mod transcript;

use raft_core::{wire, CatchUpStatus, Code, Event, ReadResult, Role, Server, State};
use server::{Node, World};
use std::fmt::Write;

const FOREVER: usize = 100_000;
const NEVER: u64 = i64::MAX as u64;

type Condition<'a> = &'a dyn Fn(&World) -> bool;

impl World {
    fn up(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|n| n.raft.is_some() && !n.cut)
    }

    /// The leader of the highest term; 0: none.
    fn leader(&self) -> u64 {
        let mut best: Option<&Node> = None;
        for n in self.up().filter(|n| n.raft().state() == State::LEADER) {
            if best.map_or(true, |b| n.raft().current_term() > b.raft().current_term()) {
                best = Some(n);
            }
        }
        best.map_or(0, |n| n.id)
    }

    fn committed(&self, id: u64) -> bool {
        self.raft(id).commit_index() == self.raft(id).last_index()
    }

    /// `id`, or any server if it is 0, leads and has committed everything.
    fn led(&self, id: u64) -> bool {
        let l = self.leader();
        l != 0 && (id == 0 || l == id) && self.committed(l)
    }

    fn level(&self, id: u64) -> bool {
        let last = self.raft(id).last_index();
        self.up().all(|n| n.applied == last)
    }

    fn next_due(&self) -> (u64, u64) {
        let running = self.nodes.iter().filter(|n| n.raft.is_some());
        let due = running.map(|n| (n.raft().timeout().unwrap_or(NEVER), n.id));
        due.min().expect("no server runs")
    }

    fn asleep(&self) -> bool {
        self.network.is_empty() && self.next_due().0 == NEVER
    }

    fn pump(&mut self, until: Condition<'_>) {
        for _ in 0..FOREVER {
            if until(self) {
                return;
            }
            if let Some((from, to, raw)) = self.network.pop_front() {
                let sender_is_cut = self.node(from).cut;
                let receiver = self.node(to);
                if receiver.raft.is_none() || receiver.cut || sender_is_cut {
                    writeln!(self.out, "d {from} {to}").unwrap();
                } else {
                    let message = wire::decode(&raw).expect("a message");
                    self.step(to, &Event::Receive(message)).expect("a step");
                }
                continue;
            }
            let (due, id) = self.next_due();
            assert_ne!(due, NEVER, "no deadline");
            self.now = self.now.max(due);
            self.step(id, &Event::Timeout).expect("a step");
        }
        panic!("the condition never holds");
    }

    fn load(&mut self, id: u64, rounds: usize) {
        for _ in 0..rounds {
            self.submit(id, 10).unwrap();
            self.pump(&|w| w.network.is_empty());
        }
        self.pump(&|w| w.level(id));
    }

    fn must(&mut self, id: u64, event: Event) {
        self.step(id, &event).expect("a step");
    }

    fn refused(&mut self, id: u64, event: Event, code: Code) {
        assert_eq!(self.step(id, &event), Err(code));
    }
}

fn voters(n: u64, last: Role) -> Vec<Server> {
    let mut servers: Vec<Server> = (1..=n).map(|i| Server::voter(i, &i.to_string())).collect();
    servers[n as usize - 1].role = last;
    servers
}

fn scenario(w: &mut World) {
    w.mark("x start");
    (1..=3).for_each(|id| w.add(id));
    w.must(1, Event::Bootstrap(voters(3, Role::VOTER)));
    w.pump(&|w| w.led(0));
    let l = w.leader();
    let f = if l == 1 { 2 } else { 1 };
    w.mark(&format!("x submit {l}"));
    w.load(l, 100);
    w.mark("x errors");
    assert_eq!(w.submit(f, 1), Err(Code::NOTLEADER));
    assert_eq!(w.submit(l, 0), Err(Code::INVALID));
    w.refused(l, Event::Transfer(9), Code::BADID);
    w.refused(f, Event::Campaign, Code::BUSY);
    w.mark("x add");
    w.add(4);
    w.must(l, Event::Reconfigure { configuration: voters(4, Role::STANDBY), force: false });
    w.pump(&|w| w.committed(l));
    w.must(l, Event::CatchUp(4));
    w.pump(&|w| w.raft(l).catch_up(4) == Ok(CatchUpStatus::FINISHED));
    w.must(l, Event::Reconfigure { configuration: voters(4, Role::VOTER), force: false });
    w.pump(&|w| w.committed(l));
    w.pump(&|w| w.level(l));
    w.mark(&format!("x lag {f}"));
    w.node(f).cut = true;
    w.load(l, 10);
    (1..=4).filter(|&id| id != f).for_each(|id| w.take_snapshot(id));
    w.node(f).cut = false;
    w.pump(&|w| w.level(l));
    w.mark(&format!("x installed {}", w.raft(f).snapshot_index()));
    w.mark("x replace");
    w.node(l).cut = true;
    w.must(l, Event::Read { id: 101, lease: false });
    w.submit(l, 3).unwrap();
    w.pump(&|w| w.led(0));
    let n = w.leader();
    w.submit(n, 5).unwrap();
    w.pump(&|w| w.committed(n));
    w.node(l).cut = false;
    w.pump(&|w| w.level(n));
    w.mark(&format!("x read {n}"));
    for id in 102..=103 {
        w.node(n).reads.clear();
        w.must(n, Event::Read { id, lease: id == 103 });
        w.pump(&|w| {
            let node = &w.nodes[n as usize - 1];
            node.reads.last().map_or(false, |r: &ReadResult| node.applied >= r.index)
        });
        let length = w.node(n).state.len();
        w.mark(&format!("x {id} {length}"));
    }
    w.mark("x transfer");
    w.must(n, Event::Transfer(f));
    w.pump(&|w| w.led(f));
    w.mark(&format!("x restart {n}"));
    w.node(n).raft = None;
    w.start(n);
    w.pump(&|w| w.level(f));
    more_events(w, f);
    w.mark("x sent");
    w.node(f).limit = 4;
    w.load(f, 3);
    w.node(f).limit = 0;
    (1..=4).for_each(|id| w.line_progress(f, id));
    sleep_and_wake(w, f);
    recover_at(w, if f == 1 { 2 } else { 1 });
    for id in 1..=4 {
        let (applied, length) = (w.node(id).applied, w.node(id).state.len());
        w.mark(&format!("z {id} {applied} {length}"));
    }
}

fn more_events(w: &mut World, l: u64) {
    w.mark("x events");
    w.must(l, Event::Unreachable(4));
    w.line_progress(l, 4);
    w.must(l, Event::ConfigurationApplied { index: 1 });
    let index = w.raft(l).last_stored();
    w.must(l, Event::PersistedEntries { index });
    w.must(l, Event::CatchUp(0));
    let event = Event::Reconfigure { configuration: voters(1, Role(99)), force: false };
    w.refused(l, event, Code::BADROLE);
    w.pump(&|w| w.level(l));
}

fn set_idle_timeout(w: &mut World, msecs: u32) {
    for n in &mut w.nodes {
        n.raft.as_mut().unwrap().set_idle_timeout(msecs).unwrap();
    }
}

fn sleep_and_wake(w: &mut World, l: u64) {
    w.mark("x sleep");
    set_idle_timeout(w, 500);
    w.pump(&|w| w.asleep());
    w.mark(&format!("x asleep {}", w.now));
    w.must(if l == 1 { 2 } else { 1 }, Event::Wake);
    w.pump(&|w| w.asleep());
    w.mark("x wake");
    w.submit(l, 1).unwrap();
    w.pump(&|w| w.level(l));
    set_idle_timeout(w, 0);
}

fn recover_at(w: &mut World, s: u64) {
    w.mark(&format!("x recover {s}"));
    for n in w.nodes.iter_mut().filter(|n| n.id != s) {
        n.raft = None;
    }
    w.must(s, Event::Recover(vec![Server::voter(s, &s.to_string())]));
    w.pump(&|w| w.led(s));
    w.submit(s, 1).unwrap();
    w.pump(&|w| w.level(s));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--bench", steps] => bench::bench(steps.parse().expect("a number")),
        [path] => {
            let mut world = World::default();
            scenario(&mut world);
            std::fs::write(path, &world.out).expect("the transcript is written");
        }
        _ => panic!("usage: digest TRANSCRIPT | --bench STEPS"),
    }
}
