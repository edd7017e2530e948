// SPDX-License-Identifier: MIT
//! The lines of the transcript.

use raft_core::*;
use std::fmt::Write;

pub fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".into();
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn show(servers: &[Server]) -> String {
    let words: Vec<String> = servers
        .iter()
        .map(|s| format!("{}:{}:{}", s.id, s.address.to_str().unwrap(), s.role.0))
        .collect();
    if words.is_empty() {
        return "-".into();
    }
    words.join(",")
}

pub fn trace(out: &mut String, t: &TraceRecord) {
    let TraceRecord { server, code, time, peer, term, index, text, .. } = t;
    let kind = t.kind.0;
    writeln!(out, "t {server} {kind} {code} {time} {peer} {term} {index} {text}").unwrap();
}

pub fn getters(r: &Raft) -> String {
    let (leader, address) = r.leader().unwrap_or_default();
    let address = if leader == 0 { "-" } else { address.to_str().unwrap() };
    format!(
        "{} {} {} {} {} {} {} {} {} {} {leader} {address} {}",
        r.current_term(),
        r.voted_for(),
        r.state().0,
        r.commit_index(),
        r.timeout().unwrap_or(i64::MAX as u64),
        r.last_index(),
        r.first_index(),
        r.last_stored(),
        r.snapshot_index(),
        r.role().map_or(-1, |role| role.0),
        r.transferee()
    )
}

pub fn snapshot(out: &mut String, s: &ChunkToWrite) {
    let m = &s.metadata;
    let (conf, bytes) = (show(&m.configuration), s.chunk.as_deref().unwrap_or(&[]));
    let (last, bytes) = (u8::from(s.last), hexadecimal(bytes));
    let at = m.configuration_index;
    writeln!(out, "s {} {} {at} {conf} {} {last} {bytes}", m.index, m.term, s.offset).unwrap();
}

pub fn message(out: &mut String, m: &Message) {
    let (kind, words) = match &m.body {
        Body::AppendEntries(b) => (
            1,
            format!(
                "{} {} {} {} {} {} {} {}",
                b.version,
                b.term,
                b.prev_log_index,
                b.prev_log_term,
                b.leader_commit,
                b.n_entries,
                b.round,
                u8::from(b.sleep)
            ),
        ),
        Body::AppendEntriesResult(b) => (
            2,
            format!(
                "{} {} {} {} {} {} {} {} {}",
                b.version,
                b.term,
                b.rejected,
                b.last_log_index,
                b.features,
                b.capacity,
                b.round,
                b.snapshot_index,
                b.snapshot_offset
            ),
        ),
        Body::RequestVote(b) => (
            3,
            format!(
                "{} {} {} {} {} {} {}",
                b.version,
                b.term,
                b.candidate_id,
                b.last_log_index,
                b.last_log_term,
                u8::from(b.disrupt_leader),
                u8::from(b.pre_vote)
            ),
        ),
        Body::RequestVoteResult(b) => (
            4,
            format!(
                "{} {} {} {} {} {}",
                b.version,
                b.term,
                u8::from(b.vote_granted),
                u8::from(b.pre_vote),
                b.features,
                b.capacity
            ),
        ),
        Body::InstallSnapshot(b) => (
            5,
            format!(
                "{} {} {} {} {} {} {}",
                b.version,
                b.term,
                b.last_index,
                b.last_term,
                b.configuration_index,
                show(&b.configuration),
                b.offset
            ),
        ),
        Body::TimeoutNow(b) => {
            (6, format!("{} {} {} {}", b.version, b.term, b.last_log_index, b.last_log_term))
        }
        Body::Unknown(kind) => (*kind, String::new()),
    };
    let address = m.server_address.to_str().unwrap();
    writeln!(out, "m {kind} {} {address} {words}", m.server_id).unwrap();
}
