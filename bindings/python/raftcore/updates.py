# SPDX-License-Identifier: MIT
"""Updates: what to do after a step. They are copies and stay valid."""

from dataclasses import dataclass, field
from typing import List, Optional

from .enums import CatchUpStatus, ProgressMode, UpdateFlag
from .messages import Entry, Message, Server, Snapshot

__all__ = ["CatchUpStatus", "Configuration", "EntriesUpdate", "Leader", "Peer", "ReadResult",
           "SnapshotUpdate", "TraceRecord", "Update"]


@dataclass(slots=True)
class EntriesUpdate:
    """Duty 2: delete the stored log from `index` on, append `entries` and, if there are any, step
    Stored(index + len(entries) - 1, write) when they are durable."""
    index: int
    entries: List[Entry]
    write: int


@dataclass(slots=True)
class SnapshotUpdate:
    """Duty 3: write a chunk of the snapshot that the leader is sending."""
    metadata: Snapshot
    offset: int
    chunk: bytes
    last: bool


@dataclass(slots=True)
class ReadResult:
    """The answer to a Read. If `status` is 0, serve it after applying entry `index`."""
    id: int
    index: int
    status: int


@dataclass(slots=True)
class Update:
    """What a step changed and what to do. `entries` and `snapshot` are None, `messages` and
    `reads` are empty, if there is nothing of the kind."""
    flags: int = 0
    entries: Optional[EntriesUpdate] = None
    snapshot: Optional[SnapshotUpdate] = None
    messages: List[Message] = field(default_factory=list)
    reads: List[ReadResult] = field(default_factory=list)

    @property
    def must_save(self) -> bool:
        """Duty 1: save Raft.current_term and Raft.voted_for before any message is sent."""
        return bool(self.flags & 3)

    @property
    def commit_index_changed(self) -> bool:
        """Duty 5: apply entries up to Raft.commit_index."""
        return bool(self.flags & 64)

    @property
    def timeout_changed(self) -> bool:
        """Duty 6: set a timer for Raft.timeout."""
        return bool(self.flags & 128)

    def changed(self, flag: UpdateFlag) -> bool:
        """Is one of these bits set?"""
        return bool(self.flags & flag.value)


@dataclass(frozen=True, slots=True)
class Leader:
    """The leader of the current term."""
    id: int
    address: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration, and the index of the entry that set it."""
    servers: List[Server]
    index: int


@dataclass(frozen=True, slots=True)
class Peer:
    """What a leader knows of a member: struct raft_peer."""
    mode: ProgressMode
    features: int
    capacity: int
    match: int
    next: int
    last_contact: int
    snapshot_index: int
    snapshot_offset: int
    data_losses: int


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """One record of a tracer; `type` is a TraceType."""
    type: int
    code: int
    time: int
    server: int
    peer: int
    term: int
    index: int
    text: str
