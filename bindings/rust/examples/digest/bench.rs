// SPDX-License-Identifier: MIT
//! The time of a step.

use raft_core::{Entry, Event, Raft, Server, State};
use std::os::raw::{c_int, c_long};

extern "C" {
    fn clock_gettime(clock: c_int, time: *mut [c_long; 2]) -> c_int;
}

/// Processor time of this process.
fn nanoseconds() -> f64 {
    const CLOCK_PROCESS_CPUTIME_ID: c_int = 2;
    let mut time = [0; 2];
    // SAFETY: struct timespec of Linux.
    assert_eq!(unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) }, 0);
    time[0] as f64 * 1e9 + time[1] as f64
}

pub fn bench(steps: u32) {
    let mut r = Raft::new(1, "1").unwrap();
    r.step(&Event::start(), 0).unwrap();
    r.step(&Event::Bootstrap(vec![Server::voter(1, "1")]), 0).unwrap();
    while r.state() != State::LEADER || r.commit_index() != r.last_index() {
        if r.last_stored() != r.last_index() {
            r.step(&Event::PersistedEntries { index: r.last_index() }, 0).unwrap();
        } else {
            r.step(&Event::Timeout, r.timeout().unwrap()).unwrap();
        }
    }
    let mut sum = 0;
    let begin = nanoseconds();
    for _ in 0..steps {
        sum += u64::from(r.step(&Event::Unreachable(99), 5000).unwrap().flags);
    }
    println!("null {:.1}", (nanoseconds() - begin) / f64::from(steps));
    let begin = nanoseconds();
    for _ in 0..steps / 2 {
        let entries = vec![Entry::command(&b"0123456789abcde\0"[..])];
        let e = r.step(&Event::Submit(entries), 5000).unwrap().entries.unwrap();
        sum += e.batch[0].payload.len() as u64;
        r.step(&Event::Stored { index: e.index, write: e.write }, 5000).unwrap();
        sum += r.commit_index();
    }
    println!("submit {:.1}", (nanoseconds() - begin) / f64::from(steps));
    assert!(sum > 0);
}
