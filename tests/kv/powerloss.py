# SPDX-License-Identifier: MIT
"""Simulates a loss of power: rebuilds a directory from a trace of disk_faults.c.

All synced bytes are kept. Of the unsynced bytes of a file a random part is kept: none, all, a
prefix of the writes, or any subset of the sectors. Changes of names (creations, renames, removals)
are kept if their directory was synced afterwards; of the others a random prefix is kept.
"""
import os
import random
import shutil
import struct

OPEN, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, MKDIR = range(1, 8)
HEAD = struct.Struct("=5Q")
SECTOR = 512  # a disk writes a sector whole or not at all


def read_trace(path):
    """Yield the records. The last one may be incomplete because the process was killed: skip it."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at + HEAD.size <= len(data):
        op, open_id, offset, path_len, data_len = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + path_len + data_len > len(data):
            return
        name = data[at:at + path_len].decode()
        at += path_len
        yield op, open_id, offset, name, data[at:at + data_len]
        at += data_len


class File:
    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.pending = []  # (record number, offset, bytes) or (number, length, None)

    def sync(self, covers):
        for number, offset, data in self.pending:
            if number < covers:
                apply(self.durable, offset, data)
        self.pending = [p for p in self.pending if p[0] >= covers]

    def after_crash(self, rng, any_order, mode=None):
        content = bytearray(self.durable)
        pieces = []
        for _, offset, data in self.pending:
            if data is None:
                pieces.append((offset, None))
                continue
            at = 0
            while at < len(data):  # split at sector boundaries
                end = min(len(data), (offset + at) // SECTOR * SECTOR + SECTOR - offset)
                pieces.append((offset + at, data[at:end]))
                at = end
        mode = mode or rng.choice(["none", "all", "prefix", "some" if any_order else "prefix"])
        if mode == "none":
            pieces = []
        elif mode == "prefix":
            pieces = pieces[:rng.randint(0, len(pieces))]
        elif mode == "some":
            pieces = [p for p in pieces if rng.random() < 0.7]
        for offset, data in pieces:
            apply(content, offset, data)
        return bytes(content)


def apply(content, offset, data):
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


class Disk:
    """The durable and the current names of a directory tree."""

    def __init__(self, root, base):
        self.root = root
        self.durable = {}
        for folder, _, names in os.walk(base):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    self.durable[os.path.relpath(path, base)] = File(f.read())
        self.current = dict(self.durable)
        self.changes = []  # (record number, folder, name, File or None)
        self.opened = {}

    def relative(self, path):
        return os.path.relpath(path, self.root)

    def change(self, number, name, file):
        if file is None:
            self.current.pop(name, None)
        else:
            self.current[name] = file
        self.changes.append((number, os.path.dirname(name), name, file))

    def commit(self, changes):
        for _, _, name, file in changes:
            if file is None:
                self.durable.pop(name, None)
            else:
                self.durable[name] = file

    def begin_process(self):
        """The following records are of another process, which has its own open files."""
        self.opened = {}

    def replay(self, number, op, open_id, offset, path, data):
        name = self.relative(path) if path else ""
        if op == OPEN:
            if offset & os.O_DIRECTORY:
                self.opened[open_id] = "" if name == "." else name
                return
            if name not in self.current:
                self.change(number, name, File())
            self.opened[open_id] = self.current[name]
            if offset & os.O_TRUNC:
                self.current[name].pending.append((number, 0, None))
        elif op == WRITE:
            self.opened[open_id].pending.append((number, offset, data))
        elif op == TRUNCATE:
            self.opened[open_id].pending.append((number, offset, None))
        elif op == SYNC:
            target = self.opened[open_id]
            if isinstance(target, File):
                target.sync(offset)
            else:
                done = [c for c in self.changes if c[0] < offset and c[1] == target]
                self.commit(done)
                self.changes = [c for c in self.changes if c not in done]
        elif op == RENAME and name in self.current:
            target = self.relative(data.decode())
            file = self.current[name]
            self.change(number, target, file)
            self.change(number, name, None)
        elif op == UNLINK:
            self.change(number, name, None)


def rebuild(root, base, traces, rng, mode=None):
    """Replace the contents of `root` by what a loss of power may leave. `base` is a copy of `root`
    from before the first of `traces` began; each is the trace of one process. With `mode` "none"
    nothing unsynced is kept. Returns the number of unsynced bytes, which could have been lost."""
    disk = Disk(root, base)
    first = 0
    for trace in traces:
        disk.begin_process()
        number = first
        for number, (op, open_id, offset, path, data) in enumerate(read_trace(trace), first):
            covers = offset + first if op == SYNC else offset
            disk.replay(number, op, open_id, covers, path, data)
        first = number + 1
    if mode != "none":
        disk.commit(disk.changes[:rng.randint(0, len(disk.changes))])
    unsynced = sum(len(p[2] or b"") for f in disk.durable.values() for p in f.pending)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    for name, file in disk.durable.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        any_order = name.endswith(".log") or "/" not in name
        with open(path, "wb") as f:
            f.write(file.after_crash(rng, any_order, mode))
    return unsynced


def self_test():
    """Synced bytes are always kept; the amount of unsynced bytes kept varies."""
    kept = set()
    for seed in range(50):
        file = File(b"old")
        file.pending = [(0, 3, b"synced"), (1, 9, b"x" * 2000)]
        file.sync(1)
        content = file.after_crash(random.Random(seed), True)
        assert content.startswith(b"oldsynced"), content
        kept.add(len(content))
    assert 9 in kept and 2009 in kept and len(kept) >= 4, kept


self_test()
