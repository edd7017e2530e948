# SPDX-License-Identifier: MIT
"""The enumerations of raft.h, without the prefix RAFT_."""

from enum import IntEnum, IntFlag

__all__ = ["CatchUpStatus", "EntryType", "ErrorCode", "EventType", "Feature", "MessageType",
           "ProgressMode", "Role", "State", "TraceType", "UpdateFlag"]


class ErrorCode(IntEnum):
    """Codes of RaftError; also the status of a ReadResult."""
    NOMEM = 1
    BADID = 2
    DUPLICATEID = 3
    DUPLICATEADDRESS = 4
    BADROLE = 5
    MALFORMED = 6
    NOTLEADER = 7
    LEADERSHIPLOST = 8
    SHUTDOWN = 9
    CANTBOOTSTRAP = 10
    CANTCHANGE = 11
    CORRUPT = 12
    CANCELED = 13
    NAMETOOLONG = 14
    TOOBIG = 15
    NOCONNECTION = 16
    BUSY = 17
    IOERR = 18
    NOTFOUND = 19
    INVALID = 20
    UNAUTHORIZED = 21
    NOSPACE = 22
    TOOMANY = 23


class Role(IntEnum):
    """Role of a server in a configuration. The last four exist only during a joint change."""
    STANDBY = 0
    VOTER = 1
    SPARE = 2
    VOTER_OUTGOING = 3
    VOTER_INCOMING = 4
    VOTER_TO_STANDBY = 5
    VOTER_TO_SPARE = 6


class EntryType(IntEnum):
    """Type of a log entry."""
    COMMAND = 1
    BARRIER = 2
    CHANGE = 3


class UpdateFlag(IntFlag):
    """What a step changed: bits of Update.flags."""
    CURRENT_TERM = 1
    VOTED_FOR = 2
    ENTRIES = 4
    SNAPSHOT = 8
    MESSAGES = 16
    STATE = 32
    COMMIT_INDEX = 64
    TIMEOUT = 128
    CONFIGURATION = 256
    READS = 512
    LEADER = 1024
    CATCH_UP = 2048
    TRANSFER = 4096


class EventType(IntEnum):
    """Type of an event: Event.TYPE."""
    START = 1
    RECEIVE = 2
    PERSISTED_ENTRIES = 3
    PERSISTED_SNAPSHOT = 4
    CONFIGURATION = 5
    SNAPSHOT = 6
    TIMEOUT = 7
    SUBMIT = 8
    CATCH_UP = 9
    TRANSFER = 10
    BOOTSTRAP = 11
    RECONFIGURE = 12
    READ = 13
    UNREACHABLE = 14
    STORED = 15
    RECOVER = 16
    SENT = 17
    CAMPAIGN = 18
    WAKE = 19


class MessageType(IntEnum):
    """Type of a message: Message.TYPE."""
    APPEND_ENTRIES = 1
    APPEND_ENTRIES_RESULT = 2
    REQUEST_VOTE = 3
    REQUEST_VOTE_RESULT = 4
    INSTALL_SNAPSHOT = 5
    TIMEOUT_NOW = 6


class Feature(IntFlag):
    """Features of a server. The encoding of the module wire carries all of them."""
    CAPACITY = 1
    ROUNDS = 2
    CHUNKS = 4
    JOINT = 8
    SLEEP = 16
    NEVER_LEADS = 32


class State(IntEnum):
    """State of a server."""
    UNAVAILABLE = 0
    FOLLOWER = 1
    CANDIDATE = 2
    LEADER = 3


class ProgressMode(IntEnum):
    """How a leader replicates to a member."""
    NONE = 0
    PROBE = 1
    PIPELINE = 2
    SNAPSHOT = 3


class CatchUpStatus(IntEnum):
    """Status of a catch-up."""
    NONE = 0
    RUNNING = 1
    ABORTED = 2
    FINISHED = 3


class TraceType(IntEnum):
    """What a TraceRecord reports."""
    EVENT = 1
    RECEIVED = 2
    SENT = 3
    TERM = 4
    VOTE = 5
    STATE = 6
    LEADER = 7
    ENTRIES = 8
    SNAPSHOT = 9
    COMMIT = 10
    CONFIGURATION = 11
    READ = 12
    CATCH_UP = 13
    TRANSFER = 14
    DATA_LOSS = 15
    ASLEEP = 16
    AWAKE = 17
