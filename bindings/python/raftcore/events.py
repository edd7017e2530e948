# SPDX-License-Identifier: MIT
"""Events: what happened. Raft.step() takes one. The fields are those of raft.h."""

from dataclasses import dataclass, field
from typing import ClassVar, List, Optional, Sequence

from .enums import EventType
from .messages import Entry, Message, Server, Snapshot

__all__ = ["Bootstrap", "Campaign", "CatchUp", "ConfigurationApplied", "Event",
           "PersistedEntries", "PersistedSnapshot", "Read", "Receive", "Reconfigure", "Recover",
           "Sent", "SnapshotTaken", "Start", "Stored", "Submit", "Timeout", "Transfer",
           "Unreachable", "Wake"]


@dataclass(slots=True)
class Event:
    """Base of all events."""
    TYPE: ClassVar[EventType]


@dataclass(slots=True)
class Start(Event):
    """Load what is on disk: the first event. On an empty disk, use the defaults."""
    TYPE = EventType.START
    term: int = 0
    voted_for: int = 0
    snapshot: Optional[Snapshot] = None
    start_index: int = 1
    entries: Sequence[Entry] = ()


@dataclass(slots=True)
class Receive(Event):
    """A message arrived. Its server_id and server_address are those of the sender."""
    TYPE = EventType.RECEIVE
    message: Message


@dataclass(slots=True)
class PersistedEntries(Event):
    """All entries up to `index` are durable. Prefer Stored."""
    TYPE = EventType.PERSISTED_ENTRIES
    index: int


@dataclass(slots=True)
class PersistedSnapshot(Event):
    """A chunk of a snapshot is durable. With `index` 0: it could not be written."""
    TYPE = EventType.PERSISTED_SNAPSHOT
    index: int
    term: int
    offset: int
    last: bool


@dataclass(slots=True)
class ConfigurationApplied(Event):
    """RAFT_CONFIGURATION, which has no effect."""
    TYPE = EventType.CONFIGURATION
    index: int


@dataclass(slots=True)
class SnapshotTaken(Event):
    """RAFT_SNAPSHOT: the state machine's snapshot at `index` is durable. At least the last
    `trailing` entries are kept."""
    TYPE = EventType.SNAPSHOT
    index: int
    trailing: int = 0


@dataclass(slots=True)
class Timeout(Event):
    """Raft.timeout has passed."""
    TYPE = EventType.TIMEOUT


@dataclass(slots=True)
class Submit(Event):
    """Replicate entries."""
    TYPE = EventType.SUBMIT
    entries: Sequence[Entry]


@dataclass(slots=True)
class CatchUp(Event):
    """Bring a standby or spare up to date. 0: cancel."""
    TYPE = EventType.CATCH_UP
    server_id: int


@dataclass(slots=True)
class Transfer(Event):
    """Transfer leadership. 0: to the most up-to-date voter."""
    TYPE = EventType.TRANSFER
    server_id: int = 0


@dataclass(slots=True)
class Bootstrap(Event):
    """Create a cluster."""
    TYPE = EventType.BOOTSTRAP
    configuration: Sequence[Server]


@dataclass(slots=True)
class Reconfigure(Event):
    """Change the members."""
    TYPE = EventType.RECONFIGURE
    configuration: Sequence[Server]
    force: bool = False


@dataclass(slots=True)
class Read(Event):
    """Request a linearizable read. The answer is a ReadResult with the same `id`."""
    TYPE = EventType.READ
    id: int
    lease: bool = False


@dataclass(slots=True)
class Unreachable(Event):
    """A message to this server could not be delivered."""
    TYPE = EventType.UNREACHABLE
    server_id: int


@dataclass(slots=True)
class Stored(Event):
    """All entries up to `index` are durable; `write` is the ticket of the update."""
    TYPE = EventType.STORED
    index: int
    write: int


@dataclass(slots=True)
class Recover(Event):
    """Continue after a majority was lost. Unsafe: see raft.h."""
    TYPE = EventType.RECOVER
    configuration: List[Server] = field(default_factory=list)


@dataclass(slots=True)
class Sent(Event):
    """Only the entries up to `index` were sent to this server."""
    TYPE = EventType.SENT
    server_id: int
    index: int


@dataclass(slots=True)
class Campaign(Event):
    """Start an election now."""
    TYPE = EventType.CAMPAIGN


@dataclass(slots=True)
class Wake(Event):
    """The leader may be gone: wake up and look."""
    TYPE = EventType.WAKE
