# SPDX-License-Identifier: MIT
"""Entries, configurations and messages.

These objects own what they hold: nothing in them points to memory of the library."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, List

from .enums import EntryType, MessageType, Role

__all__ = ["AppendEntries", "AppendEntriesResult", "Entry", "InstallSnapshot", "Message",
           "RequestVote", "RequestVoteResult", "Server", "Snapshot", "TimeoutNow",
           "UnknownMessage"]


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a configuration."""
    id: int
    address: str
    role: int = Role.VOTER


@dataclass(slots=True)
class Entry:
    """One log entry.

    An update returns the entries of its event in new objects that have the same `payload` and
    `context`. `cookie` is then the position of the entry in the event, from 1, or 0 for an entry
    that the library created. It is not read in an event."""
    payload: bytes = b""
    type: int = EntryType.COMMAND
    term: int = 0
    context: Any = None
    cookie: int = 0


@dataclass(slots=True)
class Snapshot:
    """What raft.h calls struct raft_snapshot_metadata."""
    index: int
    term: int
    configuration: List[Server] = field(default_factory=list)
    configuration_index: int = 0


@dataclass(slots=True)
class Message:
    """One message. In an update, `server_id` and `server_address` are those of the receiver; in
    an event, and in the bytes of a message, those of the sender."""
    TYPE: ClassVar[int] = 0
    server_id: int = 0
    server_address: str = ""


@dataclass(slots=True)
class AppendEntries(Message):
    """In an update, `n_entries` says how many entries from `prev_log_index + 1` on to attach:
    assign them to `entries`. `n_entries` is not read in an event."""
    TYPE: ClassVar[int] = MessageType.APPEND_ENTRIES
    version: int = 0
    term: int = 0
    prev_log_index: int = 0
    prev_log_term: int = 0
    leader_commit: int = 0
    n_entries: int = 0
    entries: List[Entry] = field(default_factory=list)
    round: int = 0
    sleep: bool = False


@dataclass(slots=True)
class AppendEntriesResult(Message):
    """Answers entries and snapshots."""
    TYPE: ClassVar[int] = MessageType.APPEND_ENTRIES_RESULT
    version: int = 0
    term: int = 0
    rejected: int = 0
    last_log_index: int = 0
    features: int = 0
    capacity: int = 0
    round: int = 0
    snapshot_index: int = 0
    snapshot_offset: int = 0


@dataclass(slots=True)
class RequestVote(Message):
    """A candidate asks for a vote."""
    TYPE: ClassVar[int] = MessageType.REQUEST_VOTE
    version: int = 0
    term: int = 0
    candidate_id: int = 0
    last_log_index: int = 0
    last_log_term: int = 0
    disrupt_leader: bool = False
    pre_vote: bool = False


@dataclass(slots=True)
class RequestVoteResult(Message):
    """Grants or refuses a vote."""
    TYPE: ClassVar[int] = MessageType.REQUEST_VOTE_RESULT
    version: int = 0
    term: int = 0
    vote_granted: bool = False
    pre_vote: bool = False
    features: int = 0
    capacity: int = 0


@dataclass(slots=True)
class InstallSnapshot(Message):
    """In an update, assign bytes of the snapshot from `offset` on to `data`, and to `last`
    whether the snapshot ends there."""
    TYPE: ClassVar[int] = MessageType.INSTALL_SNAPSHOT
    version: int = 0
    term: int = 0
    last_index: int = 0
    last_term: int = 0
    configuration: List[Server] = field(default_factory=list)
    configuration_index: int = 0
    data: bytes = b""
    offset: int = 0
    last: bool = False


@dataclass(slots=True)
class TimeoutNow(Message):
    """Asks the receiver to campaign at once."""
    TYPE: ClassVar[int] = MessageType.TIMEOUT_NOW
    version: int = 0
    term: int = 0
    last_log_index: int = 0
    last_log_term: int = 0


@dataclass(slots=True)
class UnknownMessage(Message):
    """A message of a type that this version does not know. The library ignores it."""
    type: int = 0
