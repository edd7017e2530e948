// SPDX-License-Identifier: MIT
//! The module `wire` against the vectors of the documentation.

use raft_core::{wire, Body, Message};
use std::collections::BTreeMap;

#[derive(Default)]
struct Vector {
    raw: Vec<u8>,
    fields: BTreeMap<String, Vec<String>>,
    malformed: bool,
    decode_only: bool,
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn vectors() -> Vec<Vector> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/wire-vectors.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut result = Vec::new();
    for block in text.split("\n\n") {
        let mut v = Vector::default();
        for line in block.lines() {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            match name {
                "#" | "" => {}
                "bytes" => v.raw.extend(hex(value)),
                "malformed" => v.malformed = true,
                "decode-only" => v.decode_only = true,
                _ => v.fields.entry(name.into()).or_default().push(value.trim_end().into()),
            }
        }
        if !v.raw.is_empty() {
            result.push(v);
        }
    }
    assert!(result.len() > 30);
    result
}

/// The fields as they are in the file.
fn fields(m: &Message) -> BTreeMap<String, Vec<String>> {
    let mut map = BTreeMap::new();
    let mut put = |name: &str, value: String| {
        map.entry(name.to_string()).or_insert_with(Vec::new).push(value.trim_end().to_string())
    };
    let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    put("server_id", m.server_id.to_string());
    put("server_address", m.server_address.to_str().unwrap().into());
    macro_rules! numbers { ($b:ident: $($f:ident),*) => { $(
        put(stringify!($f), ($b.$f as u64).to_string());
    )* } }
    match &m.body {
        Body::AppendEntries(b) => {
            put("type", "1".into());
            numbers!(b: version, term, prev_log_index, prev_log_term, leader_commit, round, sleep,
                n_entries);
            for e in &b.entries {
                put("entry", format!("{} {} {}", e.term, e.kind.0, digits(&e.payload)));
            }
        }
        Body::AppendEntriesResult(b) => {
            put("type", "2".into());
            numbers!(b: version, term, rejected, last_log_index, features, capacity, round,
                snapshot_index, snapshot_offset);
        }
        Body::RequestVote(b) => {
            put("type", "3".into());
            numbers!(b: version, term, candidate_id, last_log_index, last_log_term,
                disrupt_leader, pre_vote);
        }
        Body::RequestVoteResult(b) => {
            put("type", "4".into());
            numbers!(b: version, term, vote_granted, pre_vote, features, capacity);
        }
        Body::InstallSnapshot(b) => {
            put("type", "5".into());
            numbers!(b: version, term, last_index, last_term, offset, last);
            put("conf_index", b.configuration_index.to_string());
            put("data", digits(b.data.as_deref().unwrap_or(&[])));
            for s in &b.configuration {
                let address = s.address.to_str().unwrap();
                put("server", format!("{} {} {address}", s.id, s.role.0));
            }
        }
        Body::TimeoutNow(b) => {
            put("type", "6".into());
            numbers!(b: version, term, last_log_index, last_log_term);
        }
        Body::Unknown(kind) => {
            put("type", kind.to_string());
        }
    }
    map
}

#[test]
fn every_vector() {
    let mut refused = 0;
    for v in vectors() {
        let decoded = wire::decode(&v.raw);
        if v.malformed {
            refused += 1;
            assert!(decoded.is_err(), "{:x?}", v.raw);
            continue;
        }
        let m = decoded.unwrap();
        let have = fields(&m);
        for (name, values) in &v.fields {
            if name == "version" && matches!(m.body, Body::Unknown(_)) {
                continue;
            }
            assert_eq!(have.get(name), Some(values), "{name} of {:x?}", v.raw);
        }
        if !v.decode_only && !matches!(m.body, Body::Unknown(_)) {
            let address = m.server_address.to_str().unwrap();
            assert_eq!(wire::encode(&m, m.server_id, address).unwrap(), v.raw);
            assert_eq!(wire::length(&v.raw), Ok(Some(v.raw.len())));
        }
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(wire::length(&[1, 0, 0]), Ok(None));
    assert!(wire::length(&[16, 0, 0, 0]).is_err() && wire::length(&[1, 0, 0, 4]).is_err());
}

#[test]
fn hostile_bytes() {
    let all = vectors();
    let (mut seed, mut refused) = (1u64, 0);
    let mut random = |n: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % n
    };
    for _ in 0..20000 {
        let mut raw = all[random(all.len())].raw.clone();
        for _ in 0..1 + random(3) {
            let at = 4 + random(raw.len() - 4);
            raw[at] = [0, 1, 255, 82][random(4)];
        }
        match wire::decode(&raw) {
            Err(_) => refused += 1,
            Ok(m) if matches!(m.body, Body::Unknown(_)) => {}
            Ok(m) => {
                let again = wire::encode(&m, m.server_id, "").unwrap();
                assert_eq!(wire::decode(&again).unwrap().body, m.body);
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}
