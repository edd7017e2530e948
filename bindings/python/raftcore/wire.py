# SPDX-License-Identifier: MIT
"""Messages as bytes: the encoding that the project's documentation defines ("Messages as bytes").

Pure Python. Servers in other languages that use it can form a cluster with this one."""

import struct
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Type

from .messages import (AppendEntries, AppendEntriesResult, Entry, InstallSnapshot, Message,
                       RequestVote, RequestVoteResult, Server, TimeoutNow, UnknownMessage)

__all__ = ["MAX_LENGTH", "Malformed", "Splitter", "decode", "decode_configuration", "encode",
           "encode_configuration"]

MAX_LENGTH = 64 * 1024 * 1024
"""Splitter refuses longer messages."""

_FORMAT = 0x52
_CONFIGURATION_FORMAT = 1
_HEAD = struct.Struct("<IBBBQH")
_ENTRY = struct.Struct("<QBI")
_LENGTH = struct.Struct("<I")
_SERVERS = struct.Struct("<BQ")
_NUMBERS = {kind: struct.Struct("<" + kind) for kind in "BHIQ"}


class Malformed(ValueError):
    """The bytes are not a message. Close the connection."""


class _Layout(NamedTuple):
    versions: int  # the highest version that is known
    fields: Sequence[Any]  # (kind, name, the first version that has it)


_LAYOUTS: Dict[Type[Message], _Layout] = {
    AppendEntries: _Layout(2, [
        ("Q", "term", 0), ("Q", "prev_log_index", 0), ("Q", "prev_log_term", 0),
        ("Q", "leader_commit", 0), ("entries", "entries", 0), ("Q", "round", 1),
        ("?", "sleep", 2)]),
    AppendEntriesResult: _Layout(3, [
        ("Q", "term", 0), ("Q", "rejected", 0), ("Q", "last_log_index", 0), ("H", "features", 1),
        ("H", "capacity", 1), ("Q", "round", 3), ("Q", "snapshot_index", 3),
        ("Q", "snapshot_offset", 3)]),
    RequestVote: _Layout(2, [
        ("Q", "term", 0), ("Q", "candidate_id", 0), ("Q", "last_log_index", 0),
        ("Q", "last_log_term", 0), ("?", "disrupt_leader", 1), ("?", "pre_vote", 1)]),
    RequestVoteResult: _Layout(2, [
        ("Q", "term", 0), ("?", "vote_granted", 0), ("?", "pre_vote", 2), ("H", "features", 2),
        ("H", "capacity", 2)]),
    InstallSnapshot: _Layout(1, [
        ("Q", "term", 0), ("Q", "last_index", 0), ("Q", "last_term", 0),
        ("configuration", "configuration", 0), ("Q", "configuration_index", 0),
        ("bytes", "data", 0), ("Q", "offset", 1), ("?", "last", 1)]),
    TimeoutNow: _Layout(0, [
        ("Q", "term", 0), ("Q", "last_log_index", 0), ("Q", "last_log_term", 0)]),
}
_CLASSES: Dict[int, Type[Message]] = {int(c.TYPE): c for c in _LAYOUTS}


def _address(string: str) -> bytes:
    raw = string.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise ValueError("a zero byte in an address")
    return raw


def encode_configuration(servers: Sequence[Server]) -> bytes:
    """A configuration as it is in the payload of an entry of the type CHANGE."""
    parts = [_SERVERS.pack(_CONFIGURATION_FORMAT, len(servers))]
    for s in servers:
        parts += [struct.pack("<Q", s.id), _address(s.address), struct.pack("<BB", 0, s.role)]
    raw = b"".join(parts)
    return raw + bytes(-len(raw) % 8)


def decode_configuration(raw: bytes) -> List[Server]:
    """The opposite. Roles and IDs are not checked."""
    if len(raw) % 8 != 0 or len(raw) < _SERVERS.size or raw[0] != _CONFIGURATION_FORMAT:
        raise Malformed("not a configuration")
    (_, n), at, servers = _SERVERS.unpack_from(raw), _SERVERS.size, []
    for _ in range(n):  # ends early if the bytes do not suffice
        end = raw.find(b"\0", at + 8)
        if end < 0 or end + 1 >= len(raw):
            raise Malformed("a server is cut off")
        (id,) = struct.unpack_from("<Q", raw, at)
        servers.append(Server(id, raw[at + 8:end].decode("utf-8", "surrogateescape"),
                              raw[end + 1]))
        at = end + 2
    if len(raw) - at > 7 or any(raw[at:]):
        raise Malformed("wrong padding of a configuration")
    return servers


def _encode_field(kind: str, value: Any) -> bytes:
    if kind == "?":
        return b"\1" if value else b"\0"
    if kind == "entries":
        parts = [_LENGTH.pack(len(value))]
        for e in value:
            parts += [_ENTRY.pack(e.term, e.type, len(e.payload)), e.payload]
        return b"".join(parts)
    if kind in ("bytes", "configuration"):
        raw: bytes = value if kind == "bytes" else encode_configuration(value)
        return _LENGTH.pack(len(raw)) + raw
    return _NUMBERS[kind].pack(value)


def encode(message: Message, sender: Optional[int] = None, address: Optional[str] = None) -> bytes:
    """The bytes of a message. `sender` and `address` are the ID and the address of the server
    that sends it; by default message.server_id and message.server_address."""
    layout = _LAYOUTS.get(type(message))
    if layout is None:
        raise TypeError(f"not a message: {message!r}")
    version = min(message.version, layout.versions)  # type: ignore[attr-defined]
    raw = _address(message.server_address if address is None else address)
    parts = [_encode_field(kind, getattr(message, name)) for kind, name, since in layout.fields
             if since <= version]
    head = _HEAD.pack(_HEAD.size + len(raw) + sum(map(len, parts)), _FORMAT, message.TYPE, version,
                      message.server_id if sender is None else sender, len(raw))
    return b"".join([head, raw, *parts])


class _Reader:
    """Takes fields from the front of bytes."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, n: int) -> bytes:
        if n > len(self.raw) - self.at:
            raise Malformed("a message is cut off")
        self.at += n
        return self.raw[self.at - n:self.at]

    def unpack(self, form: struct.Struct) -> Any:
        return form.unpack(self.take(form.size))

    def entries(self) -> List[Entry]:
        (n,) = self.unpack(_LENGTH)
        result = []
        for _ in range(n):  # ends early if the bytes do not suffice
            term, kind, length = self.unpack(_ENTRY)
            result.append(Entry(self.take(length), kind, term))
        return result

    def field(self, kind: str) -> Any:
        if kind == "?":
            (value,) = self.take(1)
            if value > 1:
                raise Malformed("a boolean that is neither 0 nor 1")
            return value == 1
        if kind == "entries":
            return self.entries()
        if kind in ("bytes", "configuration"):
            raw = self.take(self.unpack(_LENGTH)[0])
            return raw if kind == "bytes" else decode_configuration(raw)
        return self.unpack(_NUMBERS[kind])[0]


def decode(raw: bytes) -> Message:
    """One whole message, of which `server_id` and `server_address` are the sender's. Raises
    Malformed. A message of an unknown type is an UnknownMessage, which the library ignores."""
    reader = _Reader(bytes(raw))
    length, form, kind, version, sender, address_length = reader.unpack(_HEAD)
    if length != len(raw) or form != _FORMAT:
        raise Malformed("not a message, or another length")
    address = reader.take(address_length)
    if b"\0" in address:
        raise Malformed("a zero byte in the address of the sender")
    where = address.decode("utf-8", "surrogateescape")
    cls = _CLASSES.get(kind)
    if cls is None:
        return UnknownMessage(sender, where, kind)
    layout = _LAYOUTS[cls]
    message = cls(sender, where)
    message.version = min(version, layout.versions)  # type: ignore[attr-defined]
    for field_kind, name, since in layout.fields:
        if since <= version:
            setattr(message, name, reader.field(field_kind))
    if reader.at != len(raw) and version <= layout.versions:
        raise Malformed("bytes behind the fields")
    if isinstance(message, AppendEntries):
        message.n_entries = len(message.entries)
    elif isinstance(message, InstallSnapshot) and version == 0:
        message.last = True
    return message


class Splitter:
    """Splits a stream, such as that of a TCP connection, into messages."""

    def __init__(self, longest: int = MAX_LENGTH) -> None:
        self._buffer = bytearray()
        self._longest = longest

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add received bytes; yields the messages that are complete. Raises Malformed."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not _HEAD.size <= length <= self._longest:
                raise Malformed(f"a message of {length} bytes")
            if len(self._buffer) < length:
                return
            raw = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield decode(raw)
