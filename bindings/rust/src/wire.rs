// SPDX-License-Identifier: MIT
//! Messages as bytes, in the encoding that the documentation describes ("Messages as bytes"), so
//! that servers in other languages can be members. No `unsafe`; any bytes are safe to decode.

use crate::codes::{EntryType, Role};
use crate::types::*;
use std::ffi::CString;
use std::fmt;

/// The longest message.
pub const MAX_LENGTH: usize = 64 << 20;

const FORMAT: u8 = 0x52;
const HEAD: usize = 17;

/// The bytes are not a message, or a message cannot be encoded. Close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError(&'static str);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for WireError {}

type Result<T> = std::result::Result<T, WireError>;

/// Takes fields from the front of bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        if n > self.0.len() {
            return Err(WireError("a message is cut off"));
        }
        let (front, rest) = self.0.split_at(n);
        self.0 = rest;
        Ok(front)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.take(2)?.try_into().unwrap()))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().unwrap()))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().unwrap()))
    }

    fn boolean(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError("a boolean that is neither 0 nor 1")),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let n = self.u32()? as usize;
        self.take(n)
    }

    fn entries(&mut self) -> Result<Vec<Entry>> {
        let n = self.u32()? as usize;
        if n > self.0.len() / 13 {
            return Err(WireError("more entries than there are bytes"));
        }
        let mut entries = Vec::with_capacity(n);
        for _ in 0..n {
            let term = self.u64()?;
            let kind = EntryType(u32::from(self.u8()?));
            entries.push(Entry { term, kind, payload: Bytes::from(self.bytes()?), cookie: 0 });
        }
        Ok(entries)
    }
}

fn address(raw: &[u8]) -> Result<CString> {
    CString::new(raw).map_err(|_| WireError("a zero byte in an address"))
}

/// The opposite of [`encode_configuration`]. Roles and IDs are not checked.
pub fn decode_configuration(raw: &[u8]) -> Result<Vec<Server>> {
    let mut r = Reader(raw);
    if raw.len() % 8 != 0 || r.u8()? != 1 {
        return Err(WireError("not a configuration"));
    }
    let n = r.u64()?;
    if n > (r.0.len() / 10) as u64 {
        return Err(WireError("more servers than there are bytes"));
    }
    let mut servers = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let id = r.u64()?;
        let end = r.0.iter().position(|&b| b == 0).ok_or(WireError("a server is cut off"))?;
        let address = address(r.take(end)?)?;
        r.u8()?;
        servers.push(Server { id, address, role: Role(i32::from(r.u8()?)) });
    }
    if r.0.len() > 7 || r.0.iter().any(|&b| b != 0) {
        return Err(WireError("wrong padding of a configuration"));
    }
    Ok(servers)
}

/// A configuration as it is in the payload of an entry of the type `CHANGE`.
pub fn encode_configuration(servers: &[Server]) -> Result<Vec<u8>> {
    let mut raw = vec![1];
    raw.extend((servers.len() as u64).to_le_bytes());
    for s in servers {
        raw.extend(s.id.to_le_bytes());
        raw.extend(s.address.as_bytes_with_nul());
        raw.push(u8::try_from(s.role.0).map_err(|_| WireError("an unknown role"))?);
    }
    raw.resize((raw.len() + 7) / 8 * 8, 0);
    Ok(raw)
}

/// The length of the message that begins here; `None`: too few bytes to tell.
pub fn length(raw: &[u8]) -> Result<Option<usize>> {
    if raw.len() < 4 {
        return Ok(None);
    }
    match Reader(raw).u32()? as usize {
        n if (HEAD..=MAX_LENGTH).contains(&n) => Ok(Some(n)),
        _ => Err(WireError("a message of a wrong length")),
    }
}

/// One whole message, whose server is the sender.
pub fn decode(raw: &[u8]) -> Result<Message> {
    if raw.len() < HEAD || length(raw)? != Some(raw.len()) || raw[4] != FORMAT {
        return Err(WireError("no head, or another length"));
    }
    let mut r = Reader(&raw[5..]);
    let (kind, v) = (r.u8()?, r.u8()?);
    let server_id = r.u64()?;
    let n = usize::from(r.u16()?);
    let server_address = address(r.take(n)?)?;
    let (body, known) = match kind {
        1 => (append_entries(&mut r, v)?, 2),
        2 => (append_entries_result(&mut r, v)?, 3),
        3 => (request_vote(&mut r, v)?, 2),
        4 => (request_vote_result(&mut r, v)?, 2),
        5 => (install_snapshot(&mut r, v)?, 1),
        6 => (timeout_now(&mut r)?, 0),
        _ => return Ok(Message { server_id, server_address, body: Body::Unknown(kind) }),
    };
    if !r.0.is_empty() && v <= known {
        return Err(WireError("bytes behind the fields"));
    }
    Ok(Message { server_id, server_address, body })
}

fn append_entries(r: &mut Reader<'_>, v: u8) -> Result<Body> {
    let mut m = AppendEntries {
        version: v.min(2),
        term: r.u64()?,
        prev_log_index: r.u64()?,
        prev_log_term: r.u64()?,
        leader_commit: r.u64()?,
        entries: r.entries()?,
        ..Default::default()
    };
    m.n_entries = m.entries.len() as u32;
    if v >= 1 {
        m.round = r.u64()?;
    }
    if v >= 2 {
        m.sleep = r.boolean()?;
    }
    Ok(Body::AppendEntries(m))
}

fn append_entries_result(r: &mut Reader<'_>, v: u8) -> Result<Body> {
    let mut m = AppendEntriesResult {
        version: v.min(3),
        term: r.u64()?,
        rejected: r.u64()?,
        last_log_index: r.u64()?,
        ..Default::default()
    };
    if v >= 1 {
        m.features = r.u16()?;
        m.capacity = r.u16()?;
    }
    if v >= 3 {
        m.round = r.u64()?;
        m.snapshot_index = r.u64()?;
        m.snapshot_offset = r.u64()?;
    }
    Ok(Body::AppendEntriesResult(m))
}

fn request_vote(r: &mut Reader<'_>, v: u8) -> Result<Body> {
    let mut m = RequestVote {
        version: v.min(2),
        term: r.u64()?,
        candidate_id: r.u64()?,
        last_log_index: r.u64()?,
        last_log_term: r.u64()?,
        ..Default::default()
    };
    if v >= 1 {
        m.disrupt_leader = r.boolean()?;
        m.pre_vote = r.boolean()?;
    }
    Ok(Body::RequestVote(m))
}

fn request_vote_result(r: &mut Reader<'_>, v: u8) -> Result<Body> {
    let mut m = RequestVoteResult {
        version: v.min(2),
        term: r.u64()?,
        vote_granted: r.boolean()?,
        ..Default::default()
    };
    if v >= 2 {
        m.pre_vote = r.boolean()?;
        m.features = r.u16()?;
        m.capacity = r.u16()?;
    }
    Ok(Body::RequestVoteResult(m))
}

fn install_snapshot(r: &mut Reader<'_>, v: u8) -> Result<Body> {
    let mut m = InstallSnapshot {
        version: v.min(1),
        term: r.u64()?,
        last_index: r.u64()?,
        last_term: r.u64()?,
        configuration: decode_configuration(r.bytes()?)?,
        configuration_index: r.u64()?,
        data: Some(r.bytes()?.into()),
        last: true,
        ..Default::default()
    };
    if v >= 1 {
        m.offset = r.u64()?;
        m.last = r.boolean()?;
    }
    Ok(Body::InstallSnapshot(m))
}

fn timeout_now(r: &mut Reader<'_>) -> Result<Body> {
    Ok(Body::TimeoutNow(TimeoutNow {
        version: 0,
        term: r.u64()?,
        last_log_index: r.u64()?,
        last_log_term: r.u64()?,
    }))
}

fn put(out: &mut Vec<u8>, numbers: &[u64]) {
    for n in numbers {
        out.extend(n.to_le_bytes());
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    let n = u32::try_from(bytes.len()).map_err(|_| WireError("too many bytes"))?;
    out.extend(n.to_le_bytes());
    out.extend(bytes);
    Ok(())
}

/// The bytes of a message. `sender` and `address` are the ID and the address of the server that
/// sends it. A version that is not known is written as the highest one that is.
pub fn encode(m: &Message, sender: u64, address: &str) -> Result<Vec<u8>> {
    let n = u16::try_from(address.len()).map_err(|_| WireError("a long address"))?;
    if address.as_bytes().contains(&0) {
        return Err(WireError("a zero byte in an address"));
    }
    let mut out = vec![0, 0, 0, 0, FORMAT, 0, 0];
    out.extend(sender.to_le_bytes());
    out.extend(n.to_le_bytes());
    out.extend(address.as_bytes());
    let (kind, version) = put_body(&mut out, &m.body)?;
    out[5] = kind;
    out[6] = version;
    if out.len() > MAX_LENGTH {
        return Err(WireError("a message of a wrong length"));
    }
    let length = (out.len() as u32).to_le_bytes();
    out[..4].copy_from_slice(&length);
    Ok(out)
}

/// Returns the type and the version.
fn put_body(out: &mut Vec<u8>, body: &Body) -> Result<(u8, u8)> {
    match body {
        Body::AppendEntries(b) => {
            put(out, &[b.term, b.prev_log_index, b.prev_log_term, b.leader_commit]);
            let n = u32::try_from(b.entries.len()).map_err(|_| WireError("too many entries"))?;
            out.extend(n.to_le_bytes());
            for e in &b.entries {
                put(out, &[e.term]);
                out.push(u8::try_from(e.kind.0).map_err(|_| WireError("an unknown type"))?);
                put_bytes(out, &e.payload)?;
            }
            if b.version >= 1 {
                put(out, &[b.round]);
            }
            if b.version >= 2 {
                out.push(b.sleep.into());
            }
            Ok((1, b.version.min(2)))
        }
        Body::AppendEntriesResult(b) => {
            put(out, &[b.term, b.rejected, b.last_log_index]);
            if b.version >= 1 {
                out.extend(b.features.to_le_bytes());
                out.extend(b.capacity.to_le_bytes());
            }
            if b.version >= 3 {
                put(out, &[b.round, b.snapshot_index, b.snapshot_offset]);
            }
            Ok((2, b.version.min(3)))
        }
        Body::RequestVote(b) => {
            put(out, &[b.term, b.candidate_id, b.last_log_index, b.last_log_term]);
            if b.version >= 1 {
                out.extend([b.disrupt_leader.into(), b.pre_vote.into()] as [u8; 2]);
            }
            Ok((3, b.version.min(2)))
        }
        Body::RequestVoteResult(b) => {
            put(out, &[b.term]);
            out.push(b.vote_granted.into());
            if b.version >= 2 {
                out.push(b.pre_vote.into());
                out.extend(b.features.to_le_bytes());
                out.extend(b.capacity.to_le_bytes());
            }
            Ok((4, b.version.min(2)))
        }
        Body::InstallSnapshot(b) => {
            put(out, &[b.term, b.last_index, b.last_term]);
            put_bytes(out, &encode_configuration(&b.configuration)?)?;
            put(out, &[b.configuration_index]);
            put_bytes(out, b.data.as_deref().unwrap_or(&[]))?;
            if b.version >= 1 {
                put(out, &[b.offset]);
                out.push(b.last.into());
            }
            Ok((5, b.version.min(1)))
        }
        Body::TimeoutNow(b) => {
            put(out, &[b.term, b.last_log_index, b.last_log_term]);
            Ok((6, 0))
        }
        Body::Unknown(_) => Err(WireError("a message of an unknown type")),
    }
}
