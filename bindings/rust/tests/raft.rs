// SPDX-License-Identifier: MIT

use raft_core::*;
use std::sync::{Arc, Mutex};

fn leader() -> Raft {
    let mut r = Raft::new(1, "one").unwrap();
    r.step(&Event::start(), 0).unwrap();
    r.step(&Event::Bootstrap(vec![Server::voter(1, "one")]), 0).unwrap();
    while r.state() != State::LEADER || r.commit_index() != r.last_index() {
        if r.last_stored() != r.last_index() {
            r.step(&Event::PersistedEntries { index: r.last_index() }, 0).unwrap();
        } else {
            r.step(&Event::Timeout, r.timeout().unwrap()).unwrap();
        }
    }
    r
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code
}

#[test]
fn errors() {
    assert_eq!(code(Raft::new(0, "one").map(|_| ())), Code::BADID);
    assert_eq!(code(Raft::new(1, "a\0b").map(|_| ())), Code::INVALID);
    let mut r = Raft::new(1, "one").unwrap();
    let error = r.step(&Event::Timeout, 0).unwrap_err();
    assert_eq!(error.code, Code::INVALID);
    assert!(error.to_string().to_uppercase().contains("START"), "{error}");
    r.step(&Event::start(), 0).unwrap();
    let submit = Event::Submit(vec![Entry::command(&b"x"[..])]);
    assert_eq!(code(r.step(&submit, 0)), Code::NOTLEADER);
    assert_eq!(code(r.match_index(1)), Code::NOTLEADER);
    assert_eq!(code(r.configuration_at(5)), Code::NOTFOUND);
    assert_eq!(code(r.set_election_timeout(0)), Code::INVALID);
    assert_eq!((r.role(), r.leader()), (None, None));
    assert_eq!(format!("{:?} {:?}", Code::BUSY, Code(99)), "BUSY Code(99)");
}

#[test]
fn entries_come_back() {
    let mut r = leader();
    let payload: Bytes = Arc::from(&b"mine"[..]);
    let event = Event::Submit(vec![Entry::command(payload.clone()), Entry::command(&[][..])]);
    let batch = r.step(&event, 5000).unwrap().entries.unwrap().batch;
    assert!(Arc::ptr_eq(&batch[0].payload, &payload));
    assert_eq!((batch[0].cookie, batch[1].cookie), (1, 2));
    assert_eq!(batch[0].term, r.current_term());
    let other = Entry { kind: EntryType(99), ..Entry::command(&b"x"[..]) };
    assert_eq!(code(r.step(&Event::Submit(vec![other]), 5000)), Code::MALFORMED);
}

#[test]
fn updates_stay() {
    let mut r = leader();
    let members = |i: u64| {
        let mut other = Server::voter(10 + i, &format!("address-{i}"));
        other.role = Role::SPARE;
        vec![Server::voter(1, "one"), other]
    };
    let mut kept = Vec::new();
    for i in 0..9 {
        let event = Event::Reconfigure { configuration: members(i), force: false };
        let e = r.step(&event, 5000).unwrap().entries.unwrap();
        r.step(&Event::Stored { index: e.index, write: e.write }, 5000).unwrap();
        assert_eq!(r.configuration_at(e.index).unwrap(), (members(i), e.index));
        kept.push(e);
    }
    drop(r);
    for (i, e) in kept.iter().enumerate() {
        let payload = &e.batch[0].payload;
        assert_eq!(e.batch[0].kind, EntryType::CHANGE);
        assert_eq!(wire::decode_configuration(payload).unwrap(), members(i as u64));
        assert_eq!(wire::encode_configuration(&members(i as u64)).unwrap(), &payload[..]);
    }
}

#[test]
fn tracer() {
    let records = Arc::new(Mutex::new(Vec::new()));
    let mut r = Raft::new(1, "one").unwrap();
    let to = records.clone();
    r.set_tracer(move |record| {
        to.lock().unwrap().push(record.clone());
    });
    r.step(&Event::start(), 0).unwrap();
    assert_eq!(records.lock().unwrap()[0].kind, TraceType::EVENT);
    assert_eq!(records.lock().unwrap()[0].server, 1);
    assert!(r.take_tracer_panic().is_none());
    assert_eq!(Arc::strong_count(&records), 2);
    r.set_tracer(|_| panic!("of the tracer"));
    assert_eq!(Arc::strong_count(&records), 1); // the first tracer was dropped
    assert!(r.step(&Event::Timeout, 0).is_ok());
    let panic = r.take_tracer_panic().unwrap();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the tracer"));
    r.remove_tracer();
    r.step(&Event::Timeout, 0).unwrap();
    let to = records.clone();
    r.set_tracer(move |_| drop(to.lock().unwrap()));
    drop(r);
    assert_eq!(Arc::strong_count(&records), 1);
}

#[test]
fn moves_between_threads() {
    let mut r = leader();
    r.set_tracer(|_| ());
    let r = std::thread::spawn(move || {
        r.step(&Event::Timeout, 6000).unwrap();
        r
    });
    assert_eq!(r.join().unwrap().state(), State::LEADER);
}

#[test]
fn unknown_messages() {
    let mut r = leader();
    let address = std::ffi::CString::new("two").unwrap();
    let mut m = Message { server_id: 2, server_address: address, body: Body::Unknown(200) };
    assert_eq!(r.step(&Event::Receive(m.clone()), 5000).unwrap().flags, 0);
    m.body = Body::Unknown(1);
    assert_eq!(code(r.step(&Event::Receive(m), 5000)), Code::INVALID);
    assert!(version() >= 10000);
}
