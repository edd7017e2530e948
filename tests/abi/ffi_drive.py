# SPDX-License-Identifier: MIT
"""Run a cluster of one server from Python through libraft.so, with no more than any
language with a foreign function interface has.

usage: ffi_drive.py DECLARATIONS TABLE LIBRARY
"""

import ctypes
import re
import struct
import sys

import elf
import ffi_types


class Server:
    """A server whose disk is a list and which has no network."""

    def __init__(self, interface):
        self.api, self.constant = interface.functions, interface.constants
        self.structs = interface.structs
        self.raft = self.structs["raft"]()
        self.update = self.structs["raft_update"]()
        self.log, self.reads, self.time, self.unacknowledged = [], [], 0, None
        self.kept = []  # keeps alive the memory that events point to
        assert self.api["raft_init"](self.raft, 1, b"one") == 0

    def event(self, kind):
        """A zeroed event of this type at the present time."""
        event = self.structs["raft_event"]()
        event.time, event.type = self.time, self.constant[kind]
        return event

    def step(self, event):
        """Step an event and carry out the update."""
        status = self.api["raft_step"](self.raft, event, self.update)
        assert status == 0, (status, self.api["raft_errmsg"](self.raft))
        flags = self.update.flags
        assert not flags & self.constant["RAFT_UPDATE_MESSAGES"], "a message without a receiver"
        if flags & self.constant["RAFT_UPDATE_ENTRIES"]:
            entries = self.update.entries
            del self.log[entries.index - 1:]
            for entry in entries.batch[:entries.n]:
                payload = ctypes.string_at(entry.buf.base, entry.buf.len)
                self.log.append((entry.term, entry.type, payload, entry.cookie))
            self.unacknowledged = (entries.index + entries.n - 1, entries.write)
        if flags & self.constant["RAFT_UPDATE_READS"]:
            reads = self.update.reads
            self.reads += [(read.id, read.index, read.status) for read in reads.batch[:reads.n]]
        return flags

    def sync(self):
        """Acknowledge writes until no update brings a new one."""
        while self.unacknowledged:
            event = self.event("RAFT_STORED")
            event.stored.index, event.stored.write = self.unacknowledged
            self.unacknowledged = None
            self.step(event)

    def configuration(self):
        """A configuration with this server as the only voter."""
        servers = (self.structs["raft_server"] * 1)()
        servers[0].id, servers[0].address = 1, b"one"
        servers[0].role = self.constant["RAFT_VOTER"]
        self.kept.append(servers)
        conf = self.structs["raft_configuration"]()
        conf.servers = ctypes.cast(servers, ctypes.POINTER(self.structs["raft_server"]))
        conf.n = 1
        return conf

    def submit(self, payload, cookie):
        """An event that submits one command."""
        memory = ctypes.create_string_buffer(payload, len(payload))
        entries = (self.structs["raft_entry"] * 1)()
        entries[0].type = self.constant["RAFT_COMMAND"]
        entries[0].buf.base = ctypes.cast(memory, ctypes.c_void_p)
        entries[0].buf.len = len(payload)
        entries[0].cookie = cookie
        self.kept += [memory, entries]
        event = self.event("RAFT_SUBMIT")
        event.submit.entries = ctypes.cast(entries, ctypes.POINTER(self.structs["raft_entry"]))
        event.submit.n = 1
        return event


def drive(interface):
    """Bootstrap, elect, write and read; then check an error."""
    server, api, constant = Server(interface), interface.functions, interface.constants
    ask = lambda name, *arguments: api["raft_" + name](server.raft, *arguments)

    assert api["raft_version"](None) == ask("version") >= 10000
    assert ask("state") == constant["RAFT_FOLLOWER"] and ask("role") == -1
    assert ask("timeout") == 2**63 - 1, "no deadline, as the largest signed number"
    server.step(server.event("RAFT_START"))

    event = server.event("RAFT_BOOTSTRAP")
    event.bootstrap.conf = server.configuration()
    server.step(event)
    encoded = struct.pack("<BQQ4sB", 1, 1, 1, b"one\0", constant["RAFT_VOTER"])
    encoded += bytes(-len(encoded) % 8)
    assert server.log == [(1, constant["RAFT_CHANGE"], encoded, 0)], server.log
    assert ask("last_stored") == 0 and ask("role") == constant["RAFT_VOTER"]

    server.sync()
    assert ask("state") == constant["RAFT_LEADER"] and ask("voted_for") == 1
    term = ask("current_term")
    assert term == 2 and ask("term_of", 2) == term
    assert server.log[1] == (term, constant["RAFT_BARRIER"], bytes(8), 0), server.log
    assert ask("commit_index") == 2 and ask("timeout") > server.time

    server.time += 5
    flags = server.step(server.submit(b"hello", 4711))
    assert flags == constant["RAFT_UPDATE_ENTRIES"], flags
    assert server.log[2] == (term, constant["RAFT_COMMAND"], b"hello", 4711)
    assert ask("commit_index") == 2, "committed before it was durable"
    server.sync()
    assert ask("commit_index") == 3

    event = server.event("RAFT_READ")
    event.read.id = 99
    server.step(event)
    assert server.reads == [(99, 3, 0)], server.reads

    leader, address = ctypes.c_ulonglong(), ctypes.c_char_p()
    ask("leader", leader, address)
    assert (leader.value, address.value) == (1, b"one")

    event = server.event("RAFT_TRANSFER")
    status = api["raft_step"](server.raft, event, server.update)
    assert status == constant["RAFT_NOTFOUND"] and server.update.flags == 0
    assert ask("errmsg"), "raft_errmsg() is empty after an error"
    assert ask("close") == 0 and server.raft.id == 0


def check_sizes(interface, path):
    """Compare the ctypes classes with the sizes and offsets in a table of layout.py."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    checked, current = 0, None
    for line in lines:
        if match := re.fullmatch(r"struct (\w+) (\d+) (\d+)", line):
            current = interface.structs[match[1]]
            assert ctypes.sizeof(current) == int(match[2]), line
            assert ctypes.alignment(current) == int(match[3]), line
        elif match := re.fullmatch(r"  (\w+) (\d+) (\d+) .*", line):
            field = getattr(current, match[1])
            assert (field.offset, field.size) == (int(match[2]), int(match[3])), (current, line)
            checked += 1
        elif match := re.fullmatch(r"  (\w+) (-?\d+)", line):
            assert interface.constants[match[1]] == int(match[2]), line
            checked += 1
    assert checked > 200, checked


def main():
    declarations, table, library = sys.argv[1:4]
    if elf.is_instrumented(library):
        print("skipped: Python cannot load an instrumented library")
        return 77
    with open(declarations, encoding="utf-8") as file:
        interface = ffi_types.Interface(file.read(), library)
    if ctypes.sizeof(ctypes.c_void_p) == 8:
        check_sizes(interface, table)
    drive(interface)
    print("bootstrap, election, write, read and error: as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
