# SPDX-License-Identifier: MIT
"""The module wire against the vectors of the documentation. usage: test_wire.py VECTORS"""

import os
import random
import sys
import unittest
from typing import Any, Dict, List, NamedTuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from raftcore import wire
from raftcore.messages import Entry, Server, UnknownMessage

VECTORS = sys.argv.pop(1)
# Names of raft.h, where Python has others.
RENAMED = {"conf_index": "configuration_index"}


class Vector(NamedTuple):
    raw: bytes
    fields: Dict[str, Any]
    flags: List[str]


def vectors() -> List[Vector]:
    result = []
    with open(VECTORS, encoding="utf-8") as file:
        blocks = file.read().split("\n\n")
    for block in blocks:
        raw = b""
        fields: Dict[str, Any] = {}
        flags: List[str] = []
        for line in block.splitlines():
            name, _, value = line.partition(" ")
            if not line or name == "#":
                continue
            if name == "bytes":
                raw += bytes.fromhex(value)
            elif name in ("decode-only", "malformed"):
                flags.append(name)
            elif name == "entry":
                term, kind, *payload = value.split(" ")
                fields.setdefault("entries", []).append(
                    Entry(bytes.fromhex("".join(payload)), int(kind), int(term)))
            elif name == "server":
                id, role, address = value.split(" ")
                fields.setdefault("configuration", []).append(
                    Server(int(id), address, int(role)))
            elif name == "server_address":
                fields[name] = value
            elif name == "data":
                fields[name] = bytes.fromhex(value)
            else:
                fields[RENAMED.get(name, name)] = int(value)
        if raw:
            result.append(Vector(raw, fields, flags))
    return result


class TestVectors(unittest.TestCase):
    def test_count(self) -> None:
        found = vectors()
        self.assertGreater(sum("malformed" in v.flags for v in found), 10)
        self.assertGreater(sum("malformed" not in v.flags for v in found), 15)

    def test_decode(self) -> None:
        for v in vectors():
            with self.subTest(v.raw.hex()):
                if "malformed" in v.flags:
                    with self.assertRaises(wire.Malformed):
                        wire.decode(v.raw)
                    continue
                message = wire.decode(v.raw)
                for name, value in v.fields.items():
                    found = getattr(message, name, None)
                    if name == "type" and not isinstance(message, UnknownMessage):
                        found = message.TYPE
                    self.assertEqual(found, value, name)

    def test_encode(self) -> None:
        for v in vectors():
            if not v.flags:
                with self.subTest(v.raw.hex()):
                    message = wire.decode(v.raw)
                    self.assertEqual(wire.encode(message), v.raw)
                    message.server_id, message.server_address = 77, "elsewhere"
                    self.assertEqual(
                        wire.encode(message, v.fields["server_id"], v.fields["server_address"]),
                        v.raw)

    def test_splitter(self) -> None:
        whole = [v for v in vectors() if not v.flags]
        stream = b"".join(v.raw for v in whole)
        for size in 1, 7, len(stream):
            splitter, found = wire.Splitter(), []
            for at in range(0, len(stream), size):
                found += list(splitter.feed(stream[at:at + size]))
            self.assertEqual([wire.encode(m) for m in found], [v.raw for v in whole])
        for head in b"\x10\0\0\0", b"\1\0\0\x04":
            with self.assertRaises(wire.Malformed):
                list(wire.Splitter().feed(head))

    def test_hostile_bytes(self) -> None:
        generator = random.Random(1)
        whole = [v.raw for v in vectors()]
        refused = 0
        for _ in range(20000):
            raw = bytearray(generator.choice(whole))
            for _ in range(generator.randint(1, 3)):
                raw[generator.randrange(4, len(raw))] = generator.choice((0, 1, 255, 82))
            try:
                wire.decode(raw)
            except wire.Malformed:  # nothing else
                refused += 1
        self.assertGreater(refused, 1000)

    def test_zero_byte(self) -> None:
        message = wire.decode(vectors()[0].raw)
        with self.assertRaises(ValueError):
            wire.encode(message, 1, "a\0b")


if __name__ == "__main__":
    unittest.main()
