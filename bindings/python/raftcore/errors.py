# SPDX-License-Identifier: MIT
"""Errors of the library as exceptions. One class for each code that the library can return."""

from typing import Dict, Type

from .enums import ErrorCode

__all__ = ["BadId", "BadRole", "Busy", "CantBootstrap", "CantChange", "Corrupt",
           "DuplicateAddress", "DuplicateId", "Invalid", "Malformed", "NoConnection", "NoSpace",
           "NotFound", "NotLeader", "OutOfMemory", "RaftError", "TooBig"]


class RaftError(Exception):
    """A call of the library failed and changed nothing. `code` says why, `text` in words."""

    code: ErrorCode
    text: str

    def __init__(self, code: int, text: str = "") -> None:
        self.code = ErrorCode(code)
        self.text = text
        super().__init__(text or self.code.name)


class OutOfMemory(RaftError, MemoryError):
    """Out of memory. Step the same event again later."""


class BadId(RaftError):
    """A server ID is 0, is unknown, or cannot be used here."""


class DuplicateId(RaftError):
    """Two servers in a configuration have the same ID."""


class DuplicateAddress(RaftError):
    """Two servers in a configuration have the same address."""


class BadRole(RaftError):
    """A role is unknown, or is not allowed in this operation."""


class Malformed(RaftError):
    """A message, an entry or an encoded configuration is invalid."""


class NotLeader(RaftError):
    """This server is not the leader, or is transferring leadership."""


class CantBootstrap(RaftError):
    """This server has entries, a snapshot, a vote or a term above 1."""


class CantChange(RaftError):
    """The membership cannot be changed in this way at this time."""


class Corrupt(RaftError):
    """Stored data is inconsistent, or a committed entry is contradicted."""


class TooBig(RaftError):
    """A term or index would exceed 2^62, or a configuration is too large."""


class NoConnection(RaftError):
    """A server that the operation needs was not heard from lately."""


class Busy(RaftError):
    """An operation of this kind is in progress, or a limit is reached."""


class NotFound(RaftError):
    """There is no other voter, or no configuration for this index."""


class Invalid(RaftError):
    """An argument or event is invalid, or is not allowed at this time."""


class NoSpace(RaftError):
    """Too few voters report enough disk capacity."""


CLASSES: Dict[int, Type[RaftError]] = {
    ErrorCode.NOMEM: OutOfMemory,
    ErrorCode.BADID: BadId,
    ErrorCode.DUPLICATEID: DuplicateId,
    ErrorCode.DUPLICATEADDRESS: DuplicateAddress,
    ErrorCode.BADROLE: BadRole,
    ErrorCode.MALFORMED: Malformed,
    ErrorCode.NOTLEADER: NotLeader,
    ErrorCode.CANTBOOTSTRAP: CantBootstrap,
    ErrorCode.CANTCHANGE: CantChange,
    ErrorCode.CORRUPT: Corrupt,
    ErrorCode.TOOBIG: TooBig,
    ErrorCode.NOCONNECTION: NoConnection,
    ErrorCode.BUSY: Busy,
    ErrorCode.NOTFOUND: NotFound,
    ErrorCode.INVALID: Invalid,
    ErrorCode.NOSPACE: NoSpace,
}


def error_of(code: int, text: str = "") -> RaftError:
    """The exception for a code."""
    return CLASSES.get(code, RaftError)(code, text)
