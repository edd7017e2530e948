# SPDX-License-Identifier: MIT
"""Updates of C as Python objects. Everything is copied, except the payloads that came with the
event: these are the event's own bytes objects."""

from typing import Any, Callable, Dict, List, Optional, Sequence

from . import events, messages
from ._ffi import ffi, text
from .enums import EntryType, Role
from .messages import Entry, Message, Server, Snapshot
from .updates import EntriesUpdate, ReadResult, SnapshotUpdate, Update

_ENTRY_TYPES = {int(t): t for t in EntryType}
_ROLES = {int(role): role for role in Role}


def configuration(c: Any) -> List[Server]:
    """The servers of a struct raft_configuration."""
    return [Server(s.id, text(s.address), _ROLES[s.role])
            for s in (c.servers[i] for i in range(c.n))]


def metadata(c: Any) -> Snapshot:
    """A struct raft_snapshot_metadata."""
    return Snapshot(c.index, c.term, configuration(c.configuration), c.configuration_index)


def entries_of(event: Any) -> Sequence[Entry]:
    """The entries that an event brought, to which the cookies of the update refer."""
    if isinstance(event, events.Submit):
        return event.entries
    if isinstance(event, events.Receive) and isinstance(event.message, messages.AppendEntries):
        return event.message.entries
    return ()


def _entries(c: Any, event: Any) -> EntriesUpdate:
    given = entries_of(event)
    batch = c.batch
    result = []
    for i in range(c.n):
        e = batch[i]
        cookie = e.cookie
        if cookie:
            source = given[cookie - 1]
            result.append(Entry(source.payload, source.type, e.term, source.context, cookie))
        else:
            payload = ffi.buffer(e.buf.base, e.buf.len)[:] if e.buf.len else b""
            result.append(Entry(payload, _ENTRY_TYPES[e.type], e.term))
    return EntriesUpdate(c.index, result, c.write)


def _snapshot(c: Any, event: events.Receive) -> SnapshotUpdate:
    message = event.message
    assert isinstance(message, messages.InstallSnapshot)
    return SnapshotUpdate(metadata(c.metadata), c.offset, message.data, c.last)


def _append_entries(i: int, address: str, c: Any) -> Message:
    a = c.append_entries
    return messages.AppendEntries(i, address, a.version, a.term, a.prev_log_index,
                                  a.prev_log_term, a.leader_commit, a.n_entries, [], a.round,
                                  a.sleep)


def _append_entries_result(i: int, address: str, c: Any) -> Message:
    a = c.append_entries_result
    return messages.AppendEntriesResult(i, address, a.version, a.term, a.rejected,
                                        a.last_log_index, a.features, a.capacity, a.round,
                                        a.snapshot_index, a.snapshot_offset)


def _request_vote(i: int, address: str, c: Any) -> Message:
    a = c.request_vote
    return messages.RequestVote(i, address, a.version, a.term, a.candidate_id, a.last_log_index,
                                a.last_log_term, a.disrupt_leader, a.pre_vote)


def _request_vote_result(i: int, address: str, c: Any) -> Message:
    a = c.request_vote_result
    return messages.RequestVoteResult(i, address, a.version, a.term, a.vote_granted, a.pre_vote,
                                      a.features, a.capacity)


def _install_snapshot(i: int, address: str, c: Any) -> Message:
    a = c.install_snapshot
    return messages.InstallSnapshot(i, address, a.version, a.term, a.last_index, a.last_term,
                                    configuration(a.conf), a.conf_index, b"", a.offset, a.last)


def _timeout_now(i: int, address: str, c: Any) -> Message:
    a = c.timeout_now
    return messages.TimeoutNow(i, address, a.version, a.term, a.last_log_index, a.last_log_term)


_MESSAGES: Dict[int, Callable[[int, str, Any], Message]] = {
    messages.AppendEntries.TYPE: _append_entries,
    messages.AppendEntriesResult.TYPE: _append_entries_result,
    messages.RequestVote.TYPE: _request_vote,
    messages.RequestVoteResult.TYPE: _request_vote_result,
    messages.InstallSnapshot.TYPE: _install_snapshot,
    messages.TimeoutNow.TYPE: _timeout_now,
}


def _message(c: Any) -> Message:
    return _MESSAGES[c.type](c.server_id, text(c.server_address), c)


def update_of(c: Any, event: Optional[events.Event]) -> Update:
    """Decode what the flags announce."""
    flags = c.flags
    result = Update(flags)
    if flags & 4:
        result.entries = _entries(c.entries, event)
    if flags & 8:
        assert isinstance(event, events.Receive)
        result.snapshot = _snapshot(c.snapshot, event)
    if flags & 16:
        batch = c.messages.batch
        result.messages = [_message(batch[i]) for i in range(c.messages.n)]
    if flags & 512:
        batch = c.reads.batch
        result.reads = [ReadResult(r.id, r.index, r.status)
                        for r in (batch[i] for i in range(c.reads.n))]
    return result
