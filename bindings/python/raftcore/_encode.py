# SPDX-License-Identifier: MIT
"""Python events as events of C.

`keep` collects the C memory that an event points to. The library reads it during the step, and
its update points to payloads of the event, so that `keep` must live until the update is decoded."""

from typing import Any, Callable, Dict, List, Sequence

from . import events, messages
from ._ffi import encoded, ffi
from .messages import Entry, Server

Keep = List[Any]


def fill_configuration(c: Any, servers: Sequence[Server], keep: Keep) -> None:
    """Set a struct raft_configuration."""
    array = ffi.new("struct raft_server[]", len(servers))
    keep.append(array)
    for to, server in zip(array, servers):
        address = ffi.new("char[]", encoded(server.address))
        keep.append(address)
        to.id, to.address, to.role = server.id, address, server.role
    c.servers, c.n = array, len(servers)


def entry_array(entries: Sequence[Entry], keep: Keep) -> Any:
    """An array of struct raft_entry. Cookies are positions, from 1."""
    array = ffi.new("struct raft_entry[]", len(entries))
    keep.append(array)
    for i, entry in enumerate(entries):
        to = array[i]
        to.term, to.type, to.cookie = entry.term, entry.type, i + 1
        payload = entry.payload
        if payload:
            if type(payload) is not bytes:
                raise TypeError(f"a payload must be bytes, not {type(payload).__name__}")
            memory = ffi.from_buffer(payload)
            keep.append(memory)
            to.buf.base, to.buf.len = memory, len(payload)
    return array


def _append_entries(c: Any, m: messages.AppendEntries, keep: Keep) -> None:
    a = c.append_entries
    a.version, a.term, a.prev_log_index = m.version, m.term, m.prev_log_index
    a.prev_log_term, a.leader_commit = m.prev_log_term, m.leader_commit
    a.round, a.sleep = m.round, m.sleep
    if m.entries:
        a.entries, a.n_entries = entry_array(m.entries, keep), len(m.entries)


def _append_entries_result(c: Any, m: messages.AppendEntriesResult, _: Keep) -> None:
    a = c.append_entries_result
    a.version, a.term, a.rejected, a.last_log_index = (m.version, m.term, m.rejected,
                                                       m.last_log_index)
    a.features, a.capacity, a.round = m.features, m.capacity, m.round
    a.snapshot_index, a.snapshot_offset = m.snapshot_index, m.snapshot_offset


def _request_vote(c: Any, m: messages.RequestVote, _: Keep) -> None:
    a = c.request_vote
    a.version, a.term, a.candidate_id = m.version, m.term, m.candidate_id
    a.last_log_index, a.last_log_term = m.last_log_index, m.last_log_term
    a.disrupt_leader, a.pre_vote = m.disrupt_leader, m.pre_vote


def _request_vote_result(c: Any, m: messages.RequestVoteResult, _: Keep) -> None:
    a = c.request_vote_result
    a.version, a.term, a.vote_granted, a.pre_vote = m.version, m.term, m.vote_granted, m.pre_vote
    a.features, a.capacity = m.features, m.capacity


def _install_snapshot(c: Any, m: messages.InstallSnapshot, keep: Keep) -> None:
    a = c.install_snapshot
    a.version, a.term, a.last_index, a.last_term = m.version, m.term, m.last_index, m.last_term
    fill_configuration(a.conf, m.configuration, keep)
    a.conf_index, a.offset, a.last = m.configuration_index, m.offset, m.last
    if m.data:
        memory = ffi.from_buffer(m.data)
        keep.append(memory)
        a.data.base, a.data.len = memory, len(m.data)


def _timeout_now(c: Any, m: messages.TimeoutNow, _: Keep) -> None:
    a = c.timeout_now
    a.version, a.term = m.version, m.term
    a.last_log_index, a.last_log_term = m.last_log_index, m.last_log_term


_MESSAGES: Dict[type, Callable[[Any, Any, Keep], None]] = {
    messages.AppendEntries: _append_entries,
    messages.AppendEntriesResult: _append_entries_result,
    messages.RequestVote: _request_vote,
    messages.RequestVoteResult: _request_vote_result,
    messages.InstallSnapshot: _install_snapshot,
    messages.TimeoutNow: _timeout_now,
}


def _receive(c: Any, event: events.Receive, keep: Keep) -> None:
    m = event.message
    to = ffi.new("struct raft_message *")
    address = ffi.new("char[]", encoded(m.server_address))
    keep += [to, address]
    to.server_id, to.server_address = m.server_id, address
    if isinstance(m, messages.UnknownMessage):
        to.type = m.type
    else:
        to.type = m.TYPE
        _MESSAGES[type(m)](to, m, keep)
    c.receive.message = to


def _start(c: Any, event: events.Start, keep: Keep) -> None:
    s = c.start
    s.term, s.voted_for, s.start_index = event.term, event.voted_for, event.start_index
    if event.entries:
        s.entries, s.n_entries = entry_array(event.entries, keep), len(event.entries)
    if event.snapshot is not None:
        metadata = ffi.new("struct raft_snapshot_metadata *")
        keep.append(metadata)
        metadata.index, metadata.term = event.snapshot.index, event.snapshot.term
        metadata.configuration_index = event.snapshot.configuration_index
        fill_configuration(metadata.configuration, event.snapshot.configuration, keep)
        s.metadata = metadata


def _submit(c: Any, event: events.Submit, keep: Keep) -> None:
    if event.entries:
        c.submit.entries, c.submit.n = entry_array(event.entries, keep), len(event.entries)


def _persisted_entries(c: Any, event: events.PersistedEntries, _: Keep) -> None:
    c.persisted_entries.index = event.index


def _persisted_snapshot(c: Any, event: events.PersistedSnapshot, _: Keep) -> None:
    p = c.persisted_snapshot
    p.metadata.index, p.metadata.term = event.index, event.term
    p.offset, p.last = event.offset, event.last


def _configuration(c: Any, event: events.ConfigurationApplied, _: Keep) -> None:
    c.configuration.index = event.index


def _snapshot(c: Any, event: events.SnapshotTaken, _: Keep) -> None:
    c.snapshot.metadata.index, c.snapshot.trailing = event.index, event.trailing


def _nothing(_c: Any, _event: events.Event, _: Keep) -> None:
    pass


def _catch_up(c: Any, event: events.CatchUp, _: Keep) -> None:
    c.catch_up.server_id = event.server_id


def _transfer(c: Any, event: events.Transfer, _: Keep) -> None:
    c.transfer.server_id = event.server_id


def _bootstrap(c: Any, event: events.Bootstrap, keep: Keep) -> None:
    fill_configuration(c.bootstrap.conf, event.configuration, keep)


def _reconfigure(c: Any, event: events.Reconfigure, keep: Keep) -> None:
    fill_configuration(c.reconfigure.conf, event.configuration, keep)
    c.reconfigure.force = event.force


def _recover(c: Any, event: events.Recover, keep: Keep) -> None:
    fill_configuration(c.recover.conf, event.configuration, keep)


def _read(c: Any, event: events.Read, _: Keep) -> None:
    c.read.id, c.read.lease = event.id, event.lease


def _unreachable(c: Any, event: events.Unreachable, _: Keep) -> None:
    c.unreachable.server_id = event.server_id


def _stored(c: Any, event: events.Stored, _: Keep) -> None:
    c.stored.index, c.stored.write = event.index, event.write


def _sent(c: Any, event: events.Sent, _: Keep) -> None:
    c.sent.server_id, c.sent.index = event.server_id, event.index


FILL: Dict[type, Callable[[Any, Any, Keep], None]] = {
    events.Start: _start,
    events.Receive: _receive,
    events.PersistedEntries: _persisted_entries,
    events.PersistedSnapshot: _persisted_snapshot,
    events.ConfigurationApplied: _configuration,
    events.SnapshotTaken: _snapshot,
    events.Timeout: _nothing,
    events.Submit: _submit,
    events.CatchUp: _catch_up,
    events.Transfer: _transfer,
    events.Bootstrap: _bootstrap,
    events.Reconfigure: _reconfigure,
    events.Read: _read,
    events.Unreachable: _unreachable,
    events.Stored: _stored,
    events.Recover: _recover,
    events.Sent: _sent,
    events.Campaign: _nothing,
    events.Wake: _nothing,
}
